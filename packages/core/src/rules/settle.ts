// R32, R38, R65, R78: which ended (or given up) Pods are counted and untracked in this sync.
import { isIndexed } from "../job.ts";
import type { JobTally } from "../job-plan.ts";
import type { PodRecord } from "../pod-record.ts";
import type { Verdict } from "./conditions.ts";
import type { JobView } from "./job-view.ts";
import { hasValidIndex, isFailed } from "./pod-classes.ts";
import { matchPodFailurePolicy } from "./pod-failure-policy.ts";

export interface Settlement {
  readonly untrack: readonly PodRecord[];
  readonly succeeded: number;
  readonly failed: number;
  readonly policyActions: JobTally["policyActions"];
}

/** R38, R65: ended Pods not held for a replacement; all, when the Job ends or is deleted. */
function isDue(view: JobView, verdict: Verdict | undefined, pod: PodRecord): boolean {
  if (verdict !== undefined || view.deleting || pod.phase === "Succeeded") return true;
  if (!isFailed(view.job, pod)) return false;
  return pod.index === undefined || view.held.get(pod.index) !== pod;
}

/**
 * `spared` are tracked Pods that this sync must not touch: those that Pod management deletes
 * (untracked there, never counted: R25), and those that it had no room to delete.
 */
export function settle(
  view: JobView,
  verdict: Verdict | undefined,
  spared: ReadonlySet<PodRecord>,
): Settlement {
  const { job } = view;
  const untrack: PodRecord[] = [];
  const policyActions: Partial<Record<keyof JobTally["policyActions"], number>> = {};
  let succeeded = 0;
  let failed = 0;
  for (const pod of view.pods) {
    if (!pod.tracked || spared.has(pod) || !isDue(view, verdict, pod)) continue;
    untrack.push(pod);
    if (!hasValidIndex(job, pod)) continue; // R60
    if (pod.phase === "Succeeded") {
      succeeded += 1;
      // R32: a failing Job fails every other Pod; a succeeding one counts those that had failed.
    } else if (isFailed(job, pod) || verdict?.type === "FailureTarget") {
      const { action, counts } = matchPodFailurePolicy(job, pod);
      if (action !== undefined) policyActions[action] = (policyActions[action] ?? 0) + 1;
      if (counts) failed += 1;
    }
  }
  return {
    untrack,
    // Indexed: the index sets are the measure (R59), not the Pods.
    succeeded: isIndexed(job) ? 0 : succeeded,
    failed,
    policyActions,
  };
}
