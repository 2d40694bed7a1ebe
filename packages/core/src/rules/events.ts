// Section 13: the Events of a Job, with Kubernetes' reasons and messages.
import type { JobEvent } from "../job-plan.ts";
import type { Verdict } from "./conditions.ts";

export const createdPod = (name: string): JobEvent => ({
  type: "Normal",
  reason: "SuccessfulCreate",
  message: `Created pod: ${name}`,
});

export const deletedPod = (name: string): JobEvent => ({
  type: "Normal",
  reason: "SuccessfulDelete",
  message: `Deleted pod: ${name}`,
});

export const suspended: JobEvent = {
  type: "Normal",
  reason: "Suspended",
  message: "Job suspended",
};

export const resumed: JobEvent = { type: "Normal", reason: "Resumed", message: "Job resumed" };

/** R5. */
export const unknownCompletionMode: JobEvent = {
  type: "Warning",
  reason: "UnknownCompletionMode",
  message: "Skipped Job sync because completion mode is unknown",
};

/** R40, R75: what is said once, with the terminal condition. */
export function finished(
  verdict: Verdict,
  succeeded: number,
  completions: number | undefined,
): readonly JobEvent[] {
  if (verdict.type === "FailureTarget") {
    return [{ type: "Warning", reason: verdict.reason, message: verdict.message }];
  }
  const completed: JobEvent = { type: "Normal", reason: "Completed", message: "Job completed" };
  if (completions === undefined || succeeded <= completions) return [completed];
  const tooMany: JobEvent = {
    type: "Warning",
    reason: "TooManySucceededPods",
    message: "Too many succeeded pods running after completion count reached",
  };
  return [tooMany, completed];
}
