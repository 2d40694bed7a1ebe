// Table tests of pod-failure-policy.ts, by rule.
import { describe, expect, it } from "vitest";
import { endedPod, START_MS, testJob } from "../../test/job-driver.ts";
import type { ContainerRecord, PodRecord } from "../pod-record.ts";
import type { PodFailurePolicyRule } from "../schema/batch.ts";
import { failedByPodFailurePolicy, matchPodFailurePolicy } from "./pod-failure-policy.ts";

const ended = (exitCode: number): ContainerRecord => ({
  state: "terminated",
  exitCode,
  restartCount: 0,
  ready: false,
});

const jobWith = (...rules: PodFailurePolicyRule[]) => {
  const job = testJob({ podFailurePolicy: { rules } });
  job.spec.template.spec = {
    initContainers: [{ name: "init" }],
    containers: [{ name: "main" }, { name: "side" }],
  };
  return job;
};

const failed = (main: number, side = 0, patch: Partial<PodRecord> = {}): PodRecord =>
  endedPod(1, START_MS, { containers: [ended(main), ended(side)], ...patch });

const onCodes = (
  action: string,
  operator: string,
  values: number[],
  containerName?: string,
): PodFailurePolicyRule => ({
  action,
  onExitCodes: { operator, values, ...(containerName !== undefined && { containerName }) },
});

const disrupted = {
  conditions: [{ type: "DisruptionTarget", status: "True", reason: "DeletionByPodGC" }],
};

describe("R47-R52: which rule matches a failed Pod", () => {
  it.each([
    ["R47: no rule", [], failed(1), { counts: true }],
    ["R47: none matches", [onCodes("Ignore", "In", [2])], failed(1), { counts: true }],
    ["R48: In", [onCodes("Ignore", "In", [1, 2])], failed(2), { action: "Ignore", counts: false }],
    ["R48: NotIn", [onCodes("Count", "NotIn", [2])], failed(1), { action: "Count", counts: true }],
    [
      "R48: NotIn skips exit code 0",
      [onCodes("Ignore", "NotIn", [1])],
      failed(1),
      { counts: true },
    ],
    [
      "R48: another container is enough",
      [onCodes("Ignore", "In", [7])],
      failed(1, 7),
      { action: "Ignore", counts: false },
    ],
    [
      "R48: restricted to a container",
      [onCodes("Ignore", "In", [7], "main")],
      failed(1, 7),
      { counts: true },
    ],
    [
      "R48: an init container, after the others",
      [onCodes("FailIndex", "In", [9])],
      failed(1, 0, { initContainers: [ended(9)] }),
      { action: "FailIndex", counts: true },
    ],
    [
      "R48: one that has not ended",
      [onCodes("Ignore", "NotIn", [5])],
      failed(1, 0, { containers: [{ ...ended(1), state: "running" }] }),
      { counts: true },
    ],
    [
      "R49: a condition",
      [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }],
      failed(1, 0, disrupted),
      { action: "Ignore", counts: false },
    ],
    [
      "R49: of the other status",
      [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "False" }] }],
      failed(1, 0, disrupted),
      { counts: true },
    ],
    [
      "R49: a condition that the Pod's record implies",
      [{ action: "Ignore", onPodConditions: [{ type: "Ready", status: "False" }] }],
      failed(1),
      { action: "Ignore", counts: false },
    ],
    [
      "R47: the first match decides",
      [onCodes("Count", "In", [1]), onCodes("Ignore", "In", [1])],
      failed(1),
      { action: "Count", counts: true },
    ],
    [
      "R52: an unknown action is skipped",
      [onCodes("Retry", "In", [1]), onCodes("Ignore", "In", [1])],
      failed(1),
      { action: "Ignore", counts: false },
    ],
    [
      "R52: an unknown operator is skipped",
      [onCodes("Ignore", "Between", [1])],
      failed(1),
      { counts: true },
    ],
  ])("%s", (_, rules, pod, match) => {
    expect(matchPodFailurePolicy(jobWith(...rules), pod)).toEqual(match);
  });
});

describe("F3, R51, R53: FailJob", () => {
  it("names the container, the Pod, the code and the rule", () => {
    const job = jobWith(onCodes("Ignore", "In", [5]), onCodes("FailJob", "In", [42]));
    expect(failedByPodFailurePolicy(job, [failed(5), failed(1, 42)])).toEqual({
      type: "FailureTarget",
      reason: "PodFailurePolicy",
      message:
        "Container side for pod default/demo-aaaaa failed with exit code 42 matching FailJob rule at index 1",
    });
  });

  it("names the condition", () => {
    const job = jobWith({ action: "FailJob", onPodConditions: [{ type: "DisruptionTarget" }] });
    expect(failedByPodFailurePolicy(job, [failed(1, 0, disrupted)])?.message).toBe(
      "Pod default/demo-aaaaa has condition DisruptionTarget matching FailJob rule at index 0",
    );
  });

  it("R53: also of a Pod that was counted; R13: not of one that still runs", () => {
    const job = jobWith(onCodes("FailJob", "In", [42]));
    expect(failedByPodFailurePolicy(job, [failed(42, 0, { tracked: false })])).toBeDefined();
    const running = failed(42, 0, { phase: "Running" });
    expect(failedByPodFailurePolicy(job, [running])).toBeUndefined();
  });
});
