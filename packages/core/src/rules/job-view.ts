// R12-R16: the numbers and Pod lists that one sync works with.
import { parseRfc3339, rfc3339 } from "../apimachinery/time.ts";
import { isIndexed, type Job } from "../job.ts";
import { isActive, isTerminating, type PodRecord } from "../pod-record.ts";
import { type JobIndexes, jobIndexes } from "./indexes.ts";
import { heldPods, isPerIndex } from "./per-index-backoff.ts";
import { hasValidIndex, isFailed } from "./pod-classes.ts";
import { matchPodFailurePolicy } from "./pod-failure-policy.ts";

export interface JobView {
  readonly job: Job;
  readonly nowMs: number;
  readonly deleting: boolean;
  /** The Job's Pods after claiming. */
  readonly pods: readonly PodRecord[];
  readonly active: readonly PodRecord[];
  readonly ready: number;
  readonly terminating: number;
  readonly newSucceeded: readonly PodRecord[];
  readonly newFailed: readonly PodRecord[];
  readonly indexes: JobIndexes | undefined;
  /** R65. */
  readonly held: ReadonlyMap<number, PodRecord>;
  /** Counters as stored, with what another controller left uncounted (R38). */
  readonly storedSucceeded: number;
  readonly storedFailed: number;
  /** R15: with the new Pods. */
  readonly succeeded: number;
  readonly failed: number;
  /** R16, Unix ms in whole seconds. */
  readonly startMs: number | undefined;
}

export const wholeSecond = (ms: number): number => Math.floor(ms / 1000) * 1000;

/** R16: the stored start, or now unless suspended. */
function startMs(job: Job, nowMs: number): number | undefined {
  const { startTime } = job.status;
  if (startTime !== undefined) return parseRfc3339(startTime);
  return job.spec.suspend ? undefined : wholeSecond(nowMs);
}

/**
 * R38: Pods that stand in `uncountedTerminatedPods` (a status from a cluster: we write none) and
 * are not tracked any more belong in the counter; those tracked are counted as new ones.
 */
function leftUncounted(uids: readonly string[] | undefined, pods: readonly PodRecord[]): number {
  if (uids === undefined || uids.length === 0) return 0;
  const tracked = new Set(pods.filter((pod) => pod.tracked).map((pod) => pod.uid));
  return uids.filter((uid) => !tracked.has(uid)).length;
}

export function viewJob(job: Job, pods: readonly PodRecord[], nowMs: number): JobView {
  const active = pods.filter(isActive);
  const isNew = (pod: PodRecord): boolean => pod.tracked && hasValidIndex(job, pod);
  const newSucceeded = pods.filter((pod) => pod.phase === "Succeeded" && isNew(pod));
  const newFailed = pods.filter((pod) => isNew(pod) && isFailed(job, pod));
  const indexes = jobIndexes(job, pods);
  const uncounted = job.status.uncountedTerminatedPods;
  const storedSucceeded = (job.status.succeeded ?? 0) + leftUncounted(uncounted?.succeeded, pods);
  const storedFailed = (job.status.failed ?? 0) + leftUncounted(uncounted?.failed, pods);
  const counted = newFailed.filter((pod) => matchPodFailurePolicy(job, pod).counts);
  return {
    job,
    nowMs,
    deleting: job.metadata.deletionTimestamp !== undefined,
    pods,
    active,
    ready: active.filter((pod) => pod.ready).length,
    terminating: pods.filter(isTerminating).length,
    newSucceeded,
    newFailed,
    indexes,
    held: isPerIndex(job) ? heldPods(job, indexes, pods) : new Map<number, PodRecord>(),
    storedSucceeded,
    storedFailed,
    succeeded: isIndexed(job)
      ? (indexes?.succeeded.size ?? 0)
      : storedSucceeded + newSucceeded.length,
    failed: storedFailed + counted.length,
    startMs: startMs(job, nowMs),
  };
}

/** For status.startTime. */
export const timeText = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : rfc3339(ms);
