// R20, R36, R37: the conditions of a Job, and the verdicts that become conditions.
import { rfc3339 } from "../apimachinery/time.ts";
import type { JobCondition } from "../job.ts";

/** How a Job ends: its interim condition. The terminal one has its reason and message (R34). */
export interface Verdict {
  readonly type: "FailureTarget" | "SuccessCriteriaMet";
  readonly reason: string;
  readonly message: string;
}

/** The condition of this type if it is True; one that is False doesn't count (R20). */
export const trueCondition = (
  conditions: readonly JobCondition[] | undefined,
  type: string,
): JobCondition | undefined =>
  conditions?.find((condition) => condition.type === type && condition.status === "True");

/**
 * R37: the conditions with this one set; the very same list when status, reason and message stand
 * already, or when a False one would have to be added.
 */
export function withCondition(
  conditions: readonly JobCondition[],
  next: { type: string; status: "True" | "False"; reason: string; message: string },
  nowMs: number,
): readonly JobCondition[] {
  const at = conditions.findIndex((condition) => condition.type === next.type);
  const present = conditions[at];
  if (present === undefined && next.status === "False") return conditions;
  if (
    present?.status === next.status &&
    (present.reason ?? "") === next.reason &&
    (present.message ?? "") === next.message
  ) {
    return conditions;
  }
  const now = rfc3339(nowMs);
  const condition: JobCondition = {
    type: next.type,
    status: next.status,
    lastProbeTime: now,
    lastTransitionTime: now,
    reason: next.reason,
    message: next.message,
  };
  return present === undefined ? [...conditions, condition] : conditions.with(at, condition);
}
