// R68-R71: the Suspended condition, its event, and the start time.
import type { JobCondition } from "../job.ts";
import type { JobEvent } from "../job-plan.ts";
import { withCondition } from "./conditions.ts";
import { resumed, suspended } from "./events.ts";
import { wholeSecond } from "./job-view.ts";

export interface Suspension {
  readonly conditions: readonly JobCondition[];
  readonly events: readonly JobEvent[];
  /** Unix ms; `undefined` while suspended. */
  readonly startMs: number | undefined;
}

/** `startMs` is what R16 gave; call it only in a sync that managed Pods and found no end. */
export function observeSuspension(
  suspend: boolean,
  conditions: readonly JobCondition[],
  startMs: number | undefined,
  nowMs: number,
): Suspension {
  const next = withCondition(
    conditions,
    suspend
      ? { type: "Suspended", status: "True", reason: "JobSuspended", message: "Job suspended" }
      : { type: "Suspended", status: "False", reason: "JobResumed", message: "Job resumed" },
    nowMs,
  );
  const changed = next !== conditions;
  if (suspend) {
    return { conditions: next, events: changed ? [suspended] : [], startMs: undefined };
  }
  return {
    conditions: next,
    events: changed ? [resumed] : [],
    startMs: changed ? wholeSecond(nowMs) : startMs,
  };
}
