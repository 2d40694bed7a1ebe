// F1, F2, R33-R36: verdicts that stand already, and the step from interim to terminal condition.
import { blank } from "../apimachinery/blank.ts";
import { rfc3339 } from "../apimachinery/time.ts";
import type { Job, JobStatus } from "../job.ts";
import { trueCondition, type Verdict, withCondition } from "./conditions.ts";
import { wholeSecond } from "./job-view.ts";

function standing(job: Job, type: Verdict["type"]): Verdict | undefined {
  const condition = trueCondition(job.status.conditions, type);
  return condition === undefined
    ? undefined
    : { type, reason: condition.reason ?? "", message: condition.message ?? "" };
}

/** F1: success is decided; failures no longer matter (R18). */
export const decidedSuccess = (job: Job): Verdict | undefined =>
  standing(job, "SuccessCriteriaMet");

/** F2: failure is decided; successes no longer matter (R18). */
export const decidedFailure = (job: Job): Verdict | undefined => standing(job, "FailureTarget");

/**
 * The start of a Job that ends: validation wants one of every finished Job but a suspended one of
 * no completions (R19). A Job may end while suspended (R72) after its start was taken away.
 */
export const startOfEnding = (
  job: Job,
  startMs: number | undefined,
  nowMs: number,
): number | undefined =>
  startMs ?? (job.spec.suspend && job.spec.completions === 0 ? undefined : wholeSecond(nowMs));

/** R35, R36: the status with the terminal condition beside the interim one. */
export function terminalStatus(
  interim: JobStatus,
  verdict: Verdict,
  startMs: number | undefined,
  nowMs: number,
): JobStatus {
  // A clock that went back must not put the completion before the start.
  const atMs = Math.max(nowMs, startMs ?? nowMs);
  const succeeds = verdict.type === "SuccessCriteriaMet";
  const conditions = withCondition(
    interim.conditions ?? [],
    {
      type: succeeds ? "Complete" : "Failed",
      status: "True",
      reason: verdict.reason,
      message: verdict.message,
    },
    atMs,
  );
  return {
    ...blank,
    ...interim,
    conditions: [...conditions],
    ...(succeeds && { completionTime: rfc3339(atMs) }),
  };
}
