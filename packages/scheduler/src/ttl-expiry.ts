// When a Job's TTL ends, for callers that must go on with other Jobs whatever one record holds.
import { FinishTimeMissingError, isFinished, type Job, jobKey, ttlExpiry } from "@gantry/core";
import type { Logger } from "pino";

/** H6: a finished Job without the time of its end never expires; it is reported, and life goes on. */
export const expiryOf = (log: Logger, job: Job): number | null => {
  if (!isFinished(job)) return null;
  try {
    return ttlExpiry(job);
  } catch (error) {
    if (!(error instanceof FinishTimeMissingError)) throw error;
    log.error({ err: error, job: jobKey(job) }, "the job's TTL can't be told");
    return null;
  }
};
