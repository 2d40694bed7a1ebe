// How a Job stands, read from its conditions.
import type { WireJob } from "@gantry/core";

export const hasCondition = (job: Pick<WireJob, "status">, type: string): boolean =>
  job.status?.conditions?.some(
    (c) => c.type?.toLowerCase() === type.toLowerCase() && c.status === "True",
  ) ?? false;

/** Complete or Failed; nothing revives such a Job. */
export const isFinished = (job: Pick<WireJob, "status">): boolean =>
  hasCondition(job, "Complete") || hasCondition(job, "Failed");

/** `Failed (BackoffLimitExceeded): Job has reached the specified backoff limit`. */
export function outcomeText(job: Pick<WireJob, "status">): string {
  const condition = job.status?.conditions?.find(
    (c) => (c.type === "Complete" || c.type === "Failed") && c.status === "True",
  );
  if (condition === undefined) return "not finished";
  const reason = condition.reason ? ` (${condition.reason})` : "";
  return `${condition.type}${reason}${condition.message ? `: ${condition.message}` : ""}`;
}
