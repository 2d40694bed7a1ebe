// F4 to F8: limits on failures, restarts, time and failed indexes.
import { describe, expect, it } from "vitest";
import { runningPod, START_MS, testJob } from "../../test/job-driver.ts";
import { IndexSet } from "../index-set.ts";
import type { PodRecord } from "../pod-record.ts";
import { failedByBackoffLimit } from "./backoff-limit.ts";
import { deadlineAtMs, failedByDeadline } from "./deadline.ts";
import { failedByFailedIndexes, failedByMaxFailedIndexes } from "./failed-indexes.ts";
import { failedByRestarts } from "./restart-count.ts";

const exceeded = {
  type: "FailureTarget",
  reason: "BackoffLimitExceeded",
  message: "Job has reached the specified backoff limit",
};

describe("F4, R22: backoffLimit", () => {
  it.each([
    [0, 0, undefined],
    [0, 1, exceeded],
    [1, 1, undefined],
    [1, 2, exceeded],
    [6, 6, undefined],
  ])("limit %i, %i failed", (backoffLimit, failed, verdict) => {
    expect(failedByBackoffLimit(testJob({ backoffLimit }), failed)).toEqual(verdict);
  });
});

const restarted = (regular: number, init = 0, patch: Partial<PodRecord> = {}): PodRecord => {
  const container = { state: "running" as const, ready: true };
  return runningPod({
    containers: [{ ...container, restartCount: regular }],
    initContainers: [{ ...container, restartCount: init }],
    ...patch,
  });
};

describe("F5, R22, R46: restarts in place", () => {
  it.each([
    ["limit 0, none", 0, [restarted(0)], undefined],
    ["limit 0, one", 0, [restarted(1)], exceeded],
    ["limit 1, the first", 1, [restarted(1)], exceeded],
    ["limit 3, two of a container and one of an init container", 3, [restarted(2, 1)], exceeded],
    [
      "limit 3, over several Pods, pending too",
      3,
      [restarted(2), restarted(1, 0, { phase: "Pending" })],
      exceeded,
    ],
    [
      "limit 3, ended Pods are not remembered",
      3,
      [restarted(2), restarted(9, 0, { phase: "Failed" })],
      undefined,
    ],
  ])("%s", (_, backoffLimit, pods, verdict) => {
    const job = testJob({ backoffLimit, restartPolicy: "OnFailure" });
    expect(failedByRestarts(job, pods)).toEqual(verdict);
  });

  it("restartPolicy Never: not looked at", () => {
    expect(failedByRestarts(testJob({ backoffLimit: 0 }), [restarted(5)])).toBeUndefined();
  });
});

describe("F6, R2, R17: activeDeadlineSeconds", () => {
  it.each([
    ["none", {}, START_MS, null, false],
    ["not yet", { activeDeadlineSeconds: 6 }, START_MS, START_MS + 6000, false],
    ["to the millisecond", { activeDeadlineSeconds: 5 }, START_MS, START_MS + 5000, true],
    ["0 is over at once", { activeDeadlineSeconds: 0 }, START_MS, START_MS, true],
    ["suspended", { activeDeadlineSeconds: 0, suspend: true }, START_MS, null, false],
    ["not started", { activeDeadlineSeconds: 0 }, undefined, null, false],
  ])("%s", (_, spec, startMs, atMs, over) => {
    const job = testJob(spec);
    expect(deadlineAtMs(job, startMs) ?? null).toBe(atMs);
    const verdict = failedByDeadline(job, startMs, START_MS + 5000);
    expect(verdict).toEqual(
      over
        ? {
            type: "FailureTarget",
            reason: "DeadlineExceeded",
            message: "Job was active longer than specified deadline",
          }
        : undefined,
    );
  });
});

describe("F7, F8: failed indexes", () => {
  const indexes = (succeeded: string, failed: string | undefined) => ({
    storedSucceeded: IndexSet.empty,
    succeeded: IndexSet.parse(succeeded, 10),
    storedFailed: IndexSet.empty,
    failed: failed === undefined ? undefined : IndexSet.parse(failed, 10),
  });
  const job = testJob({
    completionMode: "Indexed",
    completions: 4,
    backoffLimitPerIndex: 1,
    maxFailedIndexes: 1,
  });

  it.each([
    ["", "0", undefined],
    ["", "0,1", "MaxFailedIndexesExceeded"],
    ["", undefined, undefined],
  ])("F7: succeeded %j, failed %j of at most 1: %s", (succeeded, failed, reason) => {
    expect(failedByMaxFailedIndexes(job, indexes(succeeded, failed))?.reason).toBe(reason);
  });

  it("F7: no limit, no failure; 0 allows none", () => {
    const unlimited = testJob({ ...job.spec, maxFailedIndexes: undefined });
    expect(failedByMaxFailedIndexes(unlimited, indexes("", "0-3"))).toBeUndefined();
    const none = testJob({ ...job.spec, maxFailedIndexes: 0 });
    expect(failedByMaxFailedIndexes(none, indexes("", "3"))).toEqual({
      type: "FailureTarget",
      reason: "MaxFailedIndexesExceeded",
      message: "Job has exceeded the specified maximal number of failed indexes",
    });
  });

  it.each([
    ["0-2", "", undefined],
    ["0-3", "", undefined],
    ["0,1", "2", undefined],
    ["0-2", "3", "FailedIndexes"],
    ["", "0-3", "FailedIndexes"],
    ["0-3", undefined, undefined],
  ])("F8: succeeded %j, failed %j of 4: %s", (succeeded, failed, reason) => {
    expect(failedByFailedIndexes(job, indexes(succeeded, failed))?.reason).toBe(reason);
  });

  it("F7, F8: nothing of a NonIndexed Job", () => {
    expect(failedByMaxFailedIndexes(testJob(), undefined)).toBeUndefined();
    expect(failedByFailedIndexes(testJob(), undefined)).toBeUndefined();
  });
});
