// Stops a task: who and why is written first, then ECS is asked, again if need be.
import { StopTaskCommand } from "@aws-sdk/client-ecs";
import { type StopIntent, taskId } from "@gantry/core";
import { AbortedError, FEW_TRIES, RefusedCall } from "./ecs-api.ts";
import type { EcsContext } from "./ecs-context.ts";

/** ECS kills a task this long after its grace; one that is still there then is asked to stop again. */
const RESEND_AFTER_MS = 5 * 60_000;

/** Longest `reason` of StopTask. */
const REASON_MAX = 1024;

const words: Readonly<Record<StopIntent["reason"], string>> = {
  Deleted: "the Pod is deleted",
  DeadlineExceeded: "the Pod's activeDeadlineSeconds are over",
  LaunchDeadline: "it did not start in time",
  Unhealthy: "its livenessProbe failed",
  Shutdown: "its worker goes away for good",
  Orphan: "orphan: no Pod",
};

export const stopReason = ({ reason, message }: StopIntent): string =>
  `gantry: ${message ?? words[reason]}`.slice(0, REASON_MAX);

/** `refused`: ECS said so for what an operator has to mend; other reasons pass, or there is no task. */
export type StopReply = "taken" | "not-now" | { readonly refused: string };

/** Asks ECS to stop the task. */
export const stopTask = async (
  { api, clients, counters, log }: EcsContext,
  cluster: string,
  task: string,
  reason: string,
): Promise<StopReply> => {
  try {
    await api.patiently(
      "StopTask",
      "clusterModify",
      () => clients.ecs.send(new StopTaskCommand({ cluster, task, reason })),
      FEW_TRIES,
    );
    counters.count("stops");
    return "taken";
  } catch (error) {
    if (error instanceof AbortedError) return "not-now";
    if (!(error instanceof RefusedCall)) throw error;
    log.warn({ err: error, task: taskId(task) }, "a task could not be stopped; it is looked at");
    return error.classification.class === "operator" ? { refused: error.message } : "not-now";
  }
};

/** When a stop that was sent then is to be sent again. */
export const resendAtMs = (sentAtMs: number, graceSeconds: number): number =>
  sentAtMs + graceSeconds * 1000 + RESEND_AFTER_MS;
