// F10, R19: the Job has the successes it wants.
import type { Job } from "../job.ts";
import type { Verdict } from "./conditions.ts";

/** F10: `succeeded` is the working number of R15, `active` what runs after Pod management. */
export function completionsReached(
  job: Job,
  succeeded: number,
  active: number,
): Verdict | undefined {
  const { completions } = job.spec;
  const enough = completions === undefined ? succeeded > 0 : succeeded >= completions;
  if (!enough || active > 0) return undefined;
  return {
    type: "SuccessCriteriaMet",
    reason: "CompletionsReached",
    message: "Reached expected number of succeeded pods",
  };
}
