// F7, F8: an Indexed Job with backoffLimitPerIndex that fails by its failed indexes.
import type { Job } from "../job.ts";
import type { Verdict } from "./conditions.ts";
import type { JobIndexes } from "./indexes.ts";

/** F7: more failed indexes than spec.maxFailedIndexes. */
export function failedByMaxFailedIndexes(
  job: Job,
  indexes: JobIndexes | undefined,
): Verdict | undefined {
  const { maxFailedIndexes } = job.spec;
  if (indexes?.failed === undefined || maxFailedIndexes === undefined) return undefined;
  if (indexes.failed.size <= maxFailedIndexes) return undefined;
  return {
    type: "FailureTarget",
    reason: "MaxFailedIndexesExceeded",
    message: "Job has exceeded the specified maximal number of failed indexes",
  };
}

/** F8, R67: every index has ended, and some failed. */
export function failedByFailedIndexes(
  job: Job,
  indexes: JobIndexes | undefined,
): Verdict | undefined {
  if (indexes?.failed === undefined || indexes.failed.size === 0) return undefined;
  if (indexes.failed.size + indexes.succeeded.size < (job.spec.completions ?? 0)) return undefined;
  return { type: "FailureTarget", reason: "FailedIndexes", message: "Job has failed indexes" };
}
