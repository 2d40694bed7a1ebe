// Table tests of indexes.ts, by rule.
import { describe, expect, it } from "vitest";
import { endedPod, runningPod, START_MS, testJob } from "../../test/job-driver.ts";
import type { PodRecord } from "../pod-record.ts";
import { indexesToStart, jobIndexes } from "./indexes.ts";

const spec = { completionMode: "Indexed", completions: 6, parallelism: 6 };
const perIndex = { ...spec, backoffLimitPerIndex: 1 };
const ended = (index: number, exitCode: number, patch: Partial<PodRecord> = {}) =>
  endedPod(exitCode, START_MS, { index, uid: `${index}-${exitCode}`, ...patch });

describe("R14, R15, R59, R63, R64: succeeded and failed indexes", () => {
  it.each([
    ["stored and new", "0,3", undefined, [ended(1, 0), ended(1, 0)], "0,1,3", ""],
    ["R14: uncounted only", "", undefined, [ended(1, 0, { tracked: false })], "", ""],
    ["R14: of valid index only", "", undefined, [ended(6, 0)], "", ""],
    ["R59: within completions", "4-9", undefined, [], "4,5", ""],
    ["R63: the last attempt of an index", "", "", [ended(2, 1, { failureCount: 1 })], "", "2"],
    ["R63: not the first", "", "", [ended(2, 1, { failureCount: 0 })], "", ""],
    ["R64: no overlap, a success first", "2", "", [ended(2, 1, { failureCount: 1 })], "2", ""],
    ["R64: no overlap, a failure first", "", "2", [ended(2, 0)], "", "2"],
    ["R64: both at once", "", "", [ended(2, 1, { failureCount: 1 }), ended(2, 0)], "2", ""],
  ])("%s", (_, completedIndexes, failedIndexes, pods, succeeded, failed) => {
    const job = testJob(failedIndexes === undefined ? spec : perIndex);
    job.status = { completedIndexes, ...(failedIndexes !== undefined && { failedIndexes }) };
    const indexes = jobIndexes(job, pods);
    expect(indexes?.succeeded.toString()).toBe(succeeded);
    expect(indexes?.failed?.toString() ?? "").toBe(failed);
  });

  it("a NonIndexed Job has none; without backoffLimitPerIndex there are no failed ones", () => {
    expect(jobIndexes(testJob(), [])).toBeUndefined();
    expect(jobIndexes(testJob(spec), [])?.failed).toBeUndefined();
  });

  it("R50: FailIndex fails an index whatever its count", () => {
    const rules = [{ action: "FailIndex", onExitCodes: { operator: "In", values: [43] } }];
    const job = testJob({ ...perIndex, podFailurePolicy: { rules } });
    expect(jobIndexes(job, [ended(0, 43), ended(1, 1)])?.failed?.toString()).toBe("0");
  });
});

describe("R30: indexes to start", () => {
  const terminating = runningPod({
    index: 1,
    deletion: { requestedAtMs: START_MS, graceSeconds: 30 },
  });
  it.each([
    ["the lowest", {}, [], [], 3, [0, 1, 2]],
    ["not active ones", {}, [], [runningPod({ index: 0 })], 2, [1, 2]],
    ["terminating ones", {}, [terminating], [], 2, [0, 1]],
    [
      "not terminating ones where they hold their place",
      { podReplacementPolicy: "Failed" },
      [terminating],
      [],
      2,
      [0, 2],
    ],
    ["no more than there are", {}, [], [], 9, [0, 1, 2, 3, 4, 5]],
  ])("%s", (_, patch, others, active, count, expected) => {
    const job = testJob({ ...spec, ...patch });
    const indexes = jobIndexes(job, [])!;
    expect(indexesToStart(job, indexes, [...others, ...active], active, count)).toEqual(expected);
  });

  it("neither succeeded nor failed ones", () => {
    const job = testJob(perIndex);
    job.status = { completedIndexes: "0,2", failedIndexes: "1,4" };
    expect(indexesToStart(job, jobIndexes(job, [])!, [], [], 9)).toEqual([3, 5]);
  });
});
