// R45, R62-R65: retries counted by index (spec.backoffLimitPerIndex).
import type { Job } from "../job.ts";
import { isActive, type PodRecord } from "../pod-record.ts";
import { backoffDelayMs } from "./backoff.ts";
import { finishedAtMs } from "./finish-time.ts";
import type { JobIndexes } from "./indexes.ts";
import { hasValidIndex, isFailed } from "./pod-classes.ts";
import { matchPodFailurePolicy } from "./pod-failure-policy.ts";

export const isPerIndex = (job: Job): boolean => job.spec.backoffLimitPerIndex !== undefined;

/** R63: this failed Pod is the last that its index gets. */
export function failsItsIndex(job: Job, pod: PodRecord): boolean {
  const match = matchPodFailurePolicy(job, pod);
  if (match.action === "FailIndex") return true;
  return match.counts && (pod.failureCount ?? 0) >= (job.spec.backoffLimitPerIndex ?? 0);
}

const attempts = (pod: PodRecord): number =>
  (pod.failureCount ?? 0) + (pod.ignoredFailureCount ?? 0);

/**
 * R65: by index, the failed Pod that is kept (tracked and uncounted) until its replacement is
 * active, because the replacement's counts and delay come from it. Of several the one with more
 * attempts, then the one that ended later.
 */
export function heldPods(
  job: Job,
  indexes: JobIndexes | undefined,
  pods: readonly PodRecord[],
): ReadonlyMap<number, PodRecord> {
  const held = new Map<number, PodRecord>();
  if (!isPerIndex(job) || indexes === undefined) return held;
  const active = new Set(pods.filter(isActive).map((pod) => pod.index));
  for (const pod of pods) {
    if (!pod.tracked || !isFailed(job, pod) || !hasValidIndex(job, pod)) continue;
    const index = pod.index!;
    if (active.has(index) || indexes.succeeded.has(index) || indexes.failed?.has(index)) continue;
    const rival = held.get(index);
    if (rival === undefined || outranks(job, pod, rival)) held.set(index, pod);
  }
  return held;
}

function outranks(job: Job, pod: PodRecord, rival: PodRecord): boolean {
  if (attempts(pod) !== attempts(rival)) return attempts(pod) > attempts(rival);
  const { template } = job.spec;
  return finishedAtMs(pod, template) > finishedAtMs(rival, template);
}

/** R45: when the index of this failed Pod may start again, Unix ms. */
export const retryAtMs = (job: Job, pod: PodRecord): number =>
  finishedAtMs(pod, job.spec.template) + backoffDelayMs(attempts(pod) + 1);

/** R62: what the next Pod of an index carries; `replaced` is the held Pod, if there is one. */
export function failureCounts(
  job: Job,
  replaced: PodRecord | undefined,
): { readonly failureCount: number; readonly ignoredFailureCount?: number } {
  if (replaced === undefined) return { failureCount: 0 };
  const { counts } = matchPodFailurePolicy(job, replaced);
  const failureCount = (replaced.failureCount ?? 0) + (counts ? 1 : 0);
  const ignoredFailureCount = (replaced.ignoredFailureCount ?? 0) + (counts ? 0 : 1);
  return ignoredFailureCount > 0 ? { failureCount, ignoredFailureCount } : { failureCount };
}
