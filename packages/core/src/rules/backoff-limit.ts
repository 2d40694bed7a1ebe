// F4, R22: too many failed Pods.
import type { Job } from "../job.ts";
import type { Verdict } from "./conditions.ts";

export const backoffLimitExceeded: Verdict = {
  type: "FailureTarget",
  reason: "BackoffLimitExceeded",
  message: "Job has reached the specified backoff limit",
};

/** F4: `failed` is the working number of R15. */
export const failedByBackoffLimit = (job: Job, failed: number): Verdict | undefined =>
  failed > job.spec.backoffLimit ? backoffLimitExceeded : undefined;
