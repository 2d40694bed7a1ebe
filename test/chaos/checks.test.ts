// The checker itself: what it must see, and what it must let pass.
import { describe, expect, test } from "vitest";
import {
  checkEnded,
  checkEnds,
  checkOutcomes,
  checkRuns,
  checkWrites,
  type Findings,
} from "./checks.ts";
import type { FaultActions } from "./fault-actions.ts";
import { planFaults } from "./faults.ts";
import { History } from "./history.ts";
import type { JobPlan } from "./job-mix.ts";
import { runsOf } from "./journals.ts";
import { type Load, planLoad } from "./load.ts";
import type { ApiObject, Change } from "./recorder.ts";
import { Random } from "../simulation/random.ts";

const JOB_UID = "job-uid";

interface PodState {
  readonly phase?: string;
  readonly exitCode?: number;
  readonly reason?: string;
  readonly deleting?: boolean;
  readonly tracked?: boolean;
  readonly index?: number;
  readonly disruption?: string;
}

const pod = (uid: string, state: PodState = {}): ApiObject => ({
  metadata: {
    namespace: "default",
    name: `a-${uid}`,
    uid,
    resourceVersion: "0",
    ownerReferences: [{ kind: "Job", name: "a", uid: JOB_UID }],
    finalizers: state.tracked === false ? [] : ["batch.kubernetes.io/job-tracking"],
    ...(state.deleting === true ? { deletionTimestamp: "2030-01-01T00:00:00Z" } : {}),
    annotations:
      state.index === undefined
        ? {}
        : { "batch.kubernetes.io/job-completion-index": String(state.index) },
  },
  spec: { nodeName: "worker-1" },
  status: {
    phase: state.phase ?? "Running",
    ...(state.reason === undefined ? {} : { reason: state.reason }),
    ...(state.exitCode === undefined
      ? {}
      : { containerStatuses: [{ state: { terminated: { exitCode: state.exitCode } } }] }),
    ...(state.disruption === undefined
      ? {}
      : {
          conditions: [{ type: "DisruptionTarget", status: "True", reason: state.disruption }],
        }),
  },
});

const job = (status: object = {}, spec: object = {}): ApiObject => ({
  metadata: { namespace: "default", name: "a", uid: JOB_UID, resourceVersion: "0" },
  spec: {
    parallelism: 1,
    template: { spec: { runtimeClassName: "process", restartPolicy: "Never" } },
    ...spec,
  },
  status: status as ApiObject["status"] & object,
});

const jobUids = new Set([JOB_UID]);

/** In this order, a revision each. */
const history = (...steps: readonly (readonly [Change["type"], ApiObject])[]): History => {
  const changes = steps.map(([type, object], n) => ({
    ...{ revision: 10 * (n + 1), at: n, type, object, afterGap: false },
  }));
  const isJob = ({ object }: Change): boolean => jobUids.has(object.metadata.uid);
  const pods = changes.filter((one) => !isJob(one));
  return new History({ changes: changes.filter(isJob), gaps: [] }, { changes: pods, gaps: [] });
};

const plan = (parallelismMax = 1, outcome: JobPlan["outcome"] = () => undefined): JobPlan => ({
  ...{ family: "counted", name: "a", isReal: true, manifest: { spec: {} }, atMs: 0, actions: [] },
  ...{ parallelismMax, outcome },
});

const line = (what: string, at: number, pid: number, code = "-", index = "-"): string =>
  `${what} ${at} a a-x ${index} worker-1 ${pid} ${code}\n`;

const ran = (uid: string, from: number, to: number, code = "0", index = "-") =>
  runsOf(uid, line("begin", from, 7, "-", index) + line("end", to, 7, code, index));

const examine = (
  check: (evidence: Parameters<typeof checkRuns>[0], findings: Findings) => void,
  found: History,
  runs: ReturnType<typeof runsOf>,
  options: { plan?: JobPlan; absence?: number; writes?: Load["writes"] } = {},
): Findings => {
  const findings: Findings = { violations: [], exceptions: new Map(), determined: 0 };
  const faults = { absence: () => options.absence ?? 0 } as unknown as FaultActions;
  const load = { writes: options.writes ?? [] } as unknown as Load;
  const plans = [options.plan ?? plan()];
  check({ plans, history: found, runs, faults, load, isLossy: false }, findings);
  return findings;
};

const [first, second] = ["p1", "p2"];
const made = history(["ADDED", job()], ["ADDED", pod(first)], ["ADDED", pod(second)]);

describe("G3 by the journals", () => {
  test("Pods one after the other are right", () => {
    const runs = [...ran(first, 1, 2), ...ran(second, 2, 3)];
    expect(examine(checkRuns, made, runs).violations).toEqual([]);
  });

  test("more than parallelism at once is a violation", () => {
    const runs = [...ran(first, 1, 3), ...ran(second, 2, 4)];
    const { violations } = examine(checkRuns, made, runs);
    expect(violations).toEqual([expect.stringContaining("G3 more than parallelism 1 of a ran")]);
  });

  test("one index twice at once is a violation", () => {
    const runs = [...ran(first, 1, 3, "0", "4"), ...ran(second, 2, 4, "0", "4")];
    const { violations } = examine(checkRuns, made, runs, { plan: plan(2) });
    expect(violations).toEqual([expect.stringContaining("G3 index 4 of a ran twice")]);
  });

  test("a Pod that begins twice is a violation", () => {
    const text = line("begin", 1, 7) + line("end", 2, 7, "0") + line("begin", 3, 8);
    const { violations } = examine(checkRuns, made, runsOf(first, text));
    expect(violations).toEqual([expect.stringContaining("G3 a Pod ran twice")]);
  });

  test("beside one that is being deleted a replacement may run (R24), unless the policy forbids it", () => {
    const runs = [...ran(first, 1, 3), ...ran(second, 2, 4)];
    const replaced = (spec: object): History =>
      history(
        ["ADDED", job({}, spec)],
        ["ADDED", pod(first)],
        ["MODIFIED", pod(first, { deleting: true, tracked: false })],
        ["ADDED", pod(second)],
      );
    expect(examine(checkRuns, replaced({}), runs).violations).toEqual([]);
    const strict = replaced({ podReplacementPolicy: "Failed" });
    expect(examine(checkRuns, strict, runs).violations).toHaveLength(1);
  });

  test("a Pod that was given up may run on only while its worker is cut off", () => {
    const lost = { phase: "Failed", reason: "NodeLost", disruption: "DeletionByPodGC" };
    const found = history(
      ["ADDED", job({}, { podReplacementPolicy: "Failed" })],
      ["ADDED", pod(first)],
      ["MODIFIED", pod(first, lost)],
      ["ADDED", pod(second)],
    );
    const runs = [...ran(first, 1, 100), ...ran(second, 90, 110)];
    expect(examine(checkRuns, found, runs, { absence: 80 }).violations).toEqual([]);
    expect(examine(checkRuns, found, runs, { absence: 30 }).violations).toHaveLength(1);
  });
});

describe("G2 by the journals", () => {
  const ended = (state: PodState) =>
    history(["ADDED", job()], ["ADDED", pod(first)], ["MODIFIED", pod(first, state)]);

  test.each([
    ["an end that was never told", {}, "0", "the end of a Pod was never told"],
    ["a success told as a failure", { phase: "Failed", exitCode: 1 }, "0", "the API says Failed"],
    ["a failure told as a success", { phase: "Succeeded", exitCode: 0 }, "3", "the API says"],
    ["another exit code", { phase: "Failed", exitCode: 1 }, "3", "the API says Failed with 1"],
  ])("%s is a violation", (_, state, code, what) => {
    const { violations } = examine(checkEnds, ended(state), ran(first, 1, 2, code));
    expect(violations[0]).toContain(what);
  });

  test("a success without a journal is a violation", () => {
    const { violations } = examine(checkEnds, ended({ phase: "Succeeded", exitCode: 0 }), []);
    expect(violations).toEqual([expect.stringContaining("its journal has no such end")]);
  });

  test("what agrees is right", () => {
    const right = ended({ phase: "Failed", exitCode: 3 });
    expect(examine(checkEnds, right, ran(first, 1, 2, "3")).violations).toEqual([]);
  });
});

describe("G2, G3 by the watches", () => {
  const succeeded = { phase: "Succeeded", exitCode: 0 };
  const counts = (status: object) =>
    history(
      ["ADDED", job()],
      ["ADDED", pod(first)],
      ["MODIFIED", pod(first, succeeded)],
      ["MODIFIED", job(status)],
      ["MODIFIED", pod(first, { ...succeeded, tracked: false })],
    ).violations;

  test.each([
    ["once", { succeeded: 1 }, 0],
    ["twice", { succeeded: 2 }, 1],
    ["never", {}, 1],
    ["as a failure too", { succeeded: 1, failed: 1 }, 1],
  ])("a success counted %s", (_, status, violations) => {
    expect(counts(status)).toHaveLength(violations);
  });

  test("two active Pods at parallelism 1 are a violation", () => {
    expect(made.violations).toEqual([
      expect.stringContaining("G3 never more than parallelism active"),
    ]);
  });

  test("a counter that goes down is a violation", () => {
    const found = history(
      ["ADDED", job({ failed: 1 })],
      ["MODIFIED", job({ failed: 0 })],
    ).violations;
    expect(found.join()).toContain("status.failed never goes down");
  });
});

describe("G1, G5", () => {
  const over = (reason: string) =>
    job({ conditions: [{ type: "Complete", status: "True", reason }] });

  test("a Job that ends otherwise than its script says is a violation", () => {
    const wanted = plan(1, () => ({ type: "Failed", reason: "BackoffLimitExceeded" }));
    const found = history(["ADDED", over("CompletionsReached")]);
    const { violations } = examine(checkOutcomes, found, [], { plan: wanted });
    expect(violations).toEqual([expect.stringContaining("G1 a (counted) ended otherwise")]);
  });

  test("a Job that does not end is a violation", () => {
    const { violations } = examine(checkEnded, history(["ADDED", job()]), []);
    expect(violations).toEqual([expect.stringContaining("G1 a (counted) did not end")]);
  });

  const write = { at: 1, job: "a", uid: JOB_UID };
  test.each([
    ["a create", { ...write, what: "create a", kind: "create" as const }, history()],
    [
      "a deletion",
      { ...write, what: "delete a", kind: "delete" as const },
      history(["ADDED", job()]),
    ],
    [
      "a change",
      { ...write, what: "scale a", kind: "spec" as const, field: "parallelism", value: 3 },
      history(["ADDED", job()]),
    ],
  ])("%s that was acknowledged and is not there is a violation", (_, lost, found) => {
    const { violations } = examine(checkWrites, found, [], { writes: [lost] });
    expect(violations).toEqual([expect.stringContaining("was acknowledged")]);
  });
});

test("faults and Jobs are functions of the seed", () => {
  const profile = {
    ...{ count: 40, spanMs: 60_000, pauseMaxMs: 8_000, absenceMaxMs: 50_000 },
    ...{ redisFreezeMaxMs: 40_000, clockJumpMaxMs: 60_000, losses: 1 },
  };
  const load = { directory: "/d", jobs: 30, durationMs: 60_000, cronJobs: 1 };
  const planned = (seed: number) =>
    JSON.stringify([planFaults(new Random(seed), profile), planLoad(new Random(seed), load)]);
  expect(planned(1)).toBe(planned(1));
  expect(planned(1)).not.toBe(planned(2));
});
