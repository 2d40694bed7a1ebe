import { describe, expect, it } from "vitest";
import { endedPod, runningPod, START_MS, testJob, testPod } from "../../test/job-driver.ts";
import { isActive, isTerminating, type PodRecord } from "../pod-record.ts";
import { viewJob } from "./job-view.ts";
import { hasValidIndex, isFailed } from "./pod-classes.ts";

const deletion = { requestedAtMs: START_MS, graceSeconds: 30 };
const rules = { podFailurePolicy: { rules: [] } };

describe("R12: what a Pod is", () => {
  it.each<[string, PodRecord, { active: boolean; terminating: boolean }]>([
    ["Pending", testPod(), { active: true, terminating: false }],
    ["Running", runningPod(), { active: true, terminating: false }],
    ["Unknown", runningPod({ phase: "Unknown" }), { active: true, terminating: false }],
    ["Running, to be deleted", runningPod({ deletion }), { active: false, terminating: true }],
    ["Succeeded", endedPod(0, START_MS), { active: false, terminating: false }],
    ["Failed, deleted", endedPod(1, START_MS, { deletion }), { active: false, terminating: false }],
  ])("R12: %s", (_title, pod, { active, terminating }) => {
    expect([isActive(pod), isTerminating(pod)]).toEqual([active, terminating]);
  });

  it("R12: only active Pods are ready", () => {
    const pods = [runningPod(), runningPod({ deletion }), endedPod(0, START_MS, { ready: true })];
    expect(viewJob(testJob(), pods, START_MS).ready).toBe(1);
  });
});

describe("R13: failed Pods", () => {
  it.each<[string, PodRecord, object, boolean]>([
    ["Failed", endedPod(1, START_MS), {}, true],
    ["Succeeded while deleted", endedPod(0, START_MS, { deletion }), {}, false],
    ["Running", runningPod(), {}, false],
    ["being deleted", runningPod({ deletion }), {}, true],
    ["being deleted", runningPod({ deletion }), { podReplacementPolicy: "Failed" }, false],
    ["being deleted", runningPod({ deletion }), rules, false],
    ["Failed", endedPod(1, START_MS), rules, true],
  ])("R13: %s, %j with %j: %j", (_title, pod, spec, failed) => {
    expect(isFailed(testJob(spec), pod)).toBe(failed);
  });
});

describe("R14: newly ended Pods", () => {
  it("R14: only tracked ones are new", () => {
    const pods = [
      endedPod(0, START_MS, { name: "a", uid: "a" }),
      endedPod(0, START_MS, { name: "b", uid: "b", tracked: false }),
      endedPod(1, START_MS, { name: "c", uid: "c" }),
      endedPod(1, START_MS, { name: "d", uid: "d", tracked: false }),
    ];
    const view = viewJob(testJob(), pods, START_MS);
    expect(view.newSucceeded.map((pod) => pod.uid)).toEqual(["a"]);
    expect(view.newFailed.map((pod) => pod.uid)).toEqual(["c"]);
  });

  it.each([
    [undefined, false],
    [-1, false],
    [0, true],
    [2, true],
    [3, false],
  ])("R14: index %j of 3 completions is valid: %j", (index, valid) => {
    const indexed = testJob({ completionMode: "Indexed", completions: 3 });
    expect(hasValidIndex(indexed, testPod({ index }))).toBe(valid);
    expect(hasValidIndex(testJob(), testPod({ index }))).toBe(true);
  });
});
