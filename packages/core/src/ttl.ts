// When a finished Job is to be deleted by its ttlSecondsAfterFinished (H1-H8).
import { parseRfc3339 } from "./apimachinery/time.ts";
import type { Job } from "./job.ts";

/** H6: a client of /status may leave out when the Job finished; retry with backoff, it may be mended. */
export class FinishTimeMissingError extends Error {
  override readonly name = "FinishTimeMissingError";
}

/**
 * Unix ms at which the Job expires; null if it does not: no TTL, not finished, or being deleted (H1).
 * Asked anew after every change of the Job (H5) and once more, of the stored Job, before deleting it
 * (H3). Deletion is Foreground with the uid as precondition; `managedBy` plays no part (H8).
 * Throws FinishTimeMissingError.
 */
export function ttlExpiry(job: Job): number | null {
  const ttlSeconds = job.spec.ttlSecondsAfterFinished;
  if (ttlSeconds === undefined || job.metadata.deletionTimestamp !== undefined) return null;
  const finish = job.status.conditions?.find(
    ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
  );
  if (finish === undefined) return null;
  const finishedAtMs = parseRfc3339(finish.lastTransitionTime ?? "");
  if (Number.isNaN(finishedAtMs)) {
    const { namespace, name } = job.metadata;
    throw new FinishTimeMissingError(
      `unable to find the time when the Job ${namespace}/${name} finished`,
    );
  }
  return finishedAtMs + ttlSeconds * 1000;
}
