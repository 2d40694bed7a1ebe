// R12-R14: what a Pod is to its Job. Active and terminating stand in pod-record.ts.
import type { Job } from "../job.ts";
import { isIndexed } from "../job.ts";
import { isTerminating, type PodRecord } from "../pod-record.ts";

/** podReplacementPolicy Failed, or any podFailurePolicy: a Pod must have ended to be replaced. */
export const replacesOnlyEnded = (job: Job): boolean =>
  job.spec.podReplacementPolicy === "Failed" || job.spec.podFailurePolicy !== undefined;

/** R13: phase Failed; or being deleted without having ended, where that is enough. */
export const isFailed = (job: Job, pod: PodRecord): boolean =>
  pod.phase === "Failed" || (isTerminating(pod) && !replacesOnlyEnded(job));

/** R14: NonIndexed, or of an index >= 0 and < completions. */
export const hasValidIndex = (job: Job, pod: PodRecord): boolean =>
  !isIndexed(job) ||
  (pod.index !== undefined && pod.index >= 0 && pod.index < (job.spec.completions ?? 0));
