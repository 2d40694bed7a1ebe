// What is said of a Pod that fits nowhere: the condition PodScheduled and its message.
import { rfc3339 } from "../apimachinery/time.ts";
import type { PodCondition } from "../schema/pod.ts";

/**
 * `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.`
 * `reasons`: of each node, why the Pod does not fit there.
 */
export function unschedulableMessage(reasons: readonly (readonly string[])[]): string {
  if (reasons.length === 0) return "no nodes available to schedule pods";
  const counts = new Map<string, number>();
  for (const reason of reasons.flat()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).toSorted();
  return `0/${reasons.length} nodes are available: ${parts.join(", ")}.`;
}

/** Of a Pod that waits for its scheduling gates to be taken away. */
export const GATED_MESSAGE = "Scheduling is blocked due to non-empty scheduling gates";

/** `before`: the Pod's conditions that are not derived. The time is that of the first refusal. */
export function unschedulableCondition(
  before: readonly PodCondition[] | undefined,
  message: string,
  nowMs: number,
): PodCondition {
  const old = before?.find(({ type, status }) => type === "PodScheduled" && status === "False");
  return {
    type: "PodScheduled",
    status: "False",
    reason: message === GATED_MESSAGE ? "SchedulingGated" : "Unschedulable",
    message,
    lastTransitionTime: old?.lastTransitionTime ?? rfc3339(nowMs),
  };
}
