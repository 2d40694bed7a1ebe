// F6, R2, R17: spec.activeDeadlineSeconds.
import type { Job } from "../job.ts";
import type { Verdict } from "./conditions.ts";

/** R17: when the Job's time is up, Unix ms; `undefined` without a deadline or while suspended. */
export const deadlineAtMs = (job: Job, startMs: number | undefined): number | undefined =>
  job.spec.activeDeadlineSeconds === undefined || job.spec.suspend || startMs === undefined
    ? undefined
    : startMs + job.spec.activeDeadlineSeconds * 1000;

/** F6. */
export function failedByDeadline(
  job: Job,
  startMs: number | undefined,
  nowMs: number,
): Verdict | undefined {
  const atMs = deadlineAtMs(job, startMs);
  if (atMs === undefined || nowMs < atMs) return undefined;
  return {
    type: "FailureTarget",
    reason: "DeadlineExceeded",
    message: "Job was active longer than specified deadline",
  };
}
