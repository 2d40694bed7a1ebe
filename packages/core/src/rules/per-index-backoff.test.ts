// Table tests of per-index-backoff.ts, by rule.
import { describe, expect, it } from "vitest";
import { endedPod, JobDriver, runningPod, START_MS, testJob } from "../../test/job-driver.ts";
import type { PodRecord } from "../pod-record.ts";
import { jobIndexes } from "./indexes.ts";
import { failsItsIndex, failureCounts, heldPods, retryAtMs } from "./per-index-backoff.ts";

const ignore3 = { rules: [{ action: "Ignore", onExitCodes: { operator: "In", values: [3] } }] };
const spec = { completionMode: "Indexed", completions: 4, parallelism: 4, backoffLimitPerIndex: 2 };
const job = testJob({ ...spec, podFailurePolicy: ignore3 });
const failed = (exitCode: number, patch: Partial<PodRecord> = {}) =>
  endedPod(exitCode, START_MS, { index: 0, failureCount: 0, ...patch });

describe("R62: counts of the next Pod of an index", () => {
  it.each([
    ["the first", undefined, { failureCount: 0 }],
    ["after a counted failure", failed(1), { failureCount: 1 }],
    ["after an ignored one", failed(3), { failureCount: 0, ignoredFailureCount: 1 }],
    [
      "both kept",
      failed(1, { failureCount: 1, ignoredFailureCount: 2 }),
      { failureCount: 2, ignoredFailureCount: 2 },
    ],
    ["a Pod without counts", failed(1, { failureCount: undefined }), { failureCount: 1 }],
  ])("%s", (_, replaced, counts) => {
    expect(failureCounts(job, replaced)).toEqual(counts);
  });
});

describe("R63: the last attempt", () => {
  it.each([
    [0, 1, false],
    [1, 1, false],
    [2, 1, true],
    [5, 3, false],
  ])("failure count %i, exit code %i, limit 2: %s", (failureCount, exitCode, last) => {
    expect(failsItsIndex(job, failed(exitCode, { failureCount }))).toBe(last);
  });
});

describe("R65: the Pod held for its replacement", () => {
  const held = (...pods: PodRecord[]) => heldPods(job, jobIndexes(job, pods), pods).get(0)?.uid;
  it.each([
    ["the only one", [failed(1, { uid: "a" })], "a"],
    [
      "that with more attempts",
      [failed(1, { uid: "a", failureCount: 1 }), failed(1, { uid: "b" })],
      "a",
    ],
    [
      "ignored ones count as attempts",
      [failed(1, { uid: "a", ignoredFailureCount: 1 }), failed(1, { uid: "b" })],
      "a",
    ],
    [
      "then that which ended later",
      [failed(1, { uid: "a" }), endedPod(1, START_MS + 9, { uid: "b", index: 0 })],
      "b",
    ],
    [
      "none, once its replacement is active",
      [failed(1, { uid: "a" }), runningPod({ uid: "b", index: 0 })],
      undefined,
    ],
    ["none, once the index has failed", [failed(1, { uid: "a", failureCount: 2 })], undefined],
    [
      "none, once it has succeeded",
      [failed(1, { uid: "a" }), endedPod(0, START_MS, { index: 0 })],
      undefined,
    ],
    ["none that was counted", [failed(1, { uid: "a", tracked: false })], undefined],
  ])("%s", (_, pods, uid) => {
    expect(held(...pods)).toBe(uid);
  });
});

describe("R45: the delay of an index", () => {
  it.each([
    [0, undefined, 10],
    [1, undefined, 20],
    [1, 2, 80],
    [9, undefined, 600],
  ])(
    "after %i counted and %s ignored failures: %i s",
    (failureCount, ignoredFailureCount, seconds) => {
      const atMs = retryAtMs(job, failed(1, { failureCount, ignoredFailureCount }));
      expect(atMs - START_MS).toBe(seconds * 1000);
    },
  );

  it("an index that waits keeps its slot; others start, and the Job wakes when it is due", () => {
    const driver = new JobDriver({ ...spec, parallelism: 2 });
    driver.settle();
    const [first, second] = driver.active;
    driver.end(first!, 1);
    driver.settle();
    expect(driver.active.map(({ index }) => index)).toEqual([1]);
    expect(driver.wakeAtMs).toBe(START_MS + 10_000);
    driver.end(second!, 0);
    driver.settle();
    expect(driver.active.map(({ index }) => index)).toEqual([2]);
    driver.advance(10_000);
    expect(driver.active.map(({ index }) => index)).toEqual([2, 0]);
    expect(driver.status.active).toBe(2);
  });
});
