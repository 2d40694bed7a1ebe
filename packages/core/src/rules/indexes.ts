// R14, R30, R58-R60: the indexes of an Indexed Job: those done, those failed, those still to start.
import { IndexSet } from "../index-set.ts";
import { isIndexed, type Job } from "../job.ts";
import { isTerminating, type PodRecord } from "../pod-record.ts";
import { failsItsIndex, isPerIndex } from "./per-index-backoff.ts";
import { hasValidIndex, isFailed, replacesOnlyEnded } from "./pod-classes.ts";

export interface JobIndexes {
  /** completedIndexes as stored, within the present completions (R59). */
  readonly storedSucceeded: IndexSet;
  /** R15: those and the indexes of newly succeeded Pods. */
  readonly succeeded: IndexSet;
  /** R64: only with backoffLimitPerIndex. */
  readonly storedFailed: IndexSet | undefined;
  readonly failed: IndexSet | undefined;
}

/** `undefined` for NonIndexed Jobs. */
export function jobIndexes(job: Job, pods: readonly PodRecord[]): JobIndexes | undefined {
  if (!isIndexed(job)) return undefined;
  const completions = job.spec.completions ?? 0;
  const storedSucceeded = IndexSet.parse(job.status.completedIndexes, completions);
  const storedFailed = isPerIndex(job)
    ? IndexSet.parse(job.status.failedIndexes, completions)
    : undefined;

  const newlySucceeded: number[] = [];
  for (const pod of pods) {
    // R64: an index that failed for good stays failed, though a late duplicate of it succeeds.
    if (
      pod.tracked &&
      pod.phase === "Succeeded" &&
      hasValidIndex(job, pod) &&
      !(storedFailed?.has(pod.index!) ?? false)
    ) {
      newlySucceeded.push(pod.index!);
    }
  }
  const succeeded = storedSucceeded.union(IndexSet.of(newlySucceeded));
  if (storedFailed === undefined) {
    return { storedSucceeded, succeeded, storedFailed, failed: undefined };
  }

  const newlyFailed: number[] = [];
  for (const pod of pods) {
    if (
      pod.tracked &&
      isFailed(job, pod) &&
      hasValidIndex(job, pod) &&
      !succeeded.has(pod.index!) &&
      failsItsIndex(job, pod)
    ) {
      newlyFailed.push(pod.index!);
    }
  }
  const failed = storedFailed.union(IndexSet.of(newlyFailed));
  return { storedSucceeded, succeeded, storedFailed, failed };
}

const indexesOf = (pods: readonly PodRecord[]): IndexSet =>
  IndexSet.of(pods.flatMap((pod) => (pod.index === undefined ? [] : [pod.index])));

/** R30: the lowest not active, succeeded, failed or (where that holds a place) terminating. */
export function indexesToStart(
  job: Job,
  indexes: JobIndexes,
  pods: readonly PodRecord[],
  active: readonly PodRecord[],
  count: number,
): number[] {
  let taken = indexes.succeeded.union(indexesOf(active));
  if (replacesOnlyEnded(job)) taken = taken.union(indexesOf(pods.filter(isTerminating)));
  if (indexes.failed !== undefined) taken = taken.union(indexes.failed);
  return taken.lowestMissing(count, job.spec.completions ?? 0);
}
