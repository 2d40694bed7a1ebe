// F9: spec.successPolicy of an Indexed Job.
import { IndexSet } from "../index-set.ts";
import type { Job } from "../job.ts";
import type { SuccessPolicyRule } from "../schema/batch.ts";
import type { Verdict } from "./conditions.ts";
import type { JobIndexes } from "./indexes.ts";

function matches(rule: SuccessPolicyRule, succeeded: IndexSet, completions: number): boolean {
  const { succeededIndexes, succeededCount } = rule;
  if (succeededIndexes === undefined) {
    return succeededCount !== undefined && succeeded.size >= succeededCount;
  }
  const wanted = IndexSet.parse(succeededIndexes, completions);
  // A list that holds nothing within completions is skipped: it would match at once.
  if (wanted.size === 0) return false;
  const common = succeeded.intersectionSize(wanted);
  return common === wanted.size || (succeededCount !== undefined && common >= succeededCount);
}

/** F9: the first rule that matches; nothing matches before the first success. */
export function succeededByPolicy(job: Job, indexes: JobIndexes | undefined): Verdict | undefined {
  if (indexes === undefined || indexes.succeeded.size === 0) return undefined;
  const rules = job.spec.successPolicy?.rules ?? [];
  const at = rules.findIndex((rule) => matches(rule, indexes.succeeded, job.spec.completions ?? 0));
  if (at === -1) return undefined;
  return {
    type: "SuccessCriteriaMet",
    reason: "SuccessPolicy",
    message: `Matched rules at index ${at}`,
  };
}
