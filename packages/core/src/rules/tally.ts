// What a sync counted, for the controller's metrics; counted there once the commit is durable.
import { isTerminal } from "../pod-record.ts";
import type { JobTally, PodChange } from "../job-plan.ts";
import type { Verdict } from "./conditions.ts";
import type { JobView } from "./job-view.ts";
import type { PodWork } from "./pod-management.ts";
import type { Settlement } from "./settle.ts";

export const emptyTally: JobTally = {
  podsSucceeded: 0,
  podsFailed: 0,
  indexesSucceeded: 0,
  indexesFailed: 0,
  policyActions: {},
  endedPodsReleased: 0,
};

/** Ended Pods that lose their tracking finalizer. */
export const endedPodsReleased = (changes: readonly PodChange[]): number =>
  changes.filter((change) => {
    const tracked = change.pod.tracked || change.adopt === true;
    return (
      tracked && (change.untrack === true || change.release === true) && isTerminal(change.pod)
    );
  }).length;

/** `early`: the Job was to end before Pods were managed (F1 to F9). */
function action(view: JobView, early: boolean, work: PodWork): NonNullable<JobTally["action"]> {
  if (early || view.deleting) return "reconciling";
  if (work.deletes.length > 0) return "pods_deleted";
  return work.creates.length > 0 ? "pods_created" : "tracking";
}

function creation(view: JobView): NonNullable<JobTally["creation"]> {
  if (view.job.spec.podReplacementPolicy === "Failed" && view.failed > 0) return "recreate_failed";
  return view.failed > 0 || view.terminating > 0 ? "recreate_terminating_or_failed" : "new";
}

/** `ended`: the verdict, if the sync writes the terminal condition. */
export function tallyOf(
  view: JobView,
  settled: Settlement,
  plan: {
    readonly early: boolean;
    readonly work: PodWork;
    readonly changes: readonly PodChange[];
    readonly ended: Verdict | undefined;
  },
): JobTally {
  const { indexes } = view;
  const { early, work, changes, ended } = plan;
  const newIndexes =
    indexes === undefined ? 0 : indexes.succeeded.size - indexes.storedSucceeded.size;
  return {
    action: action(view, early, work),
    ...(work.creates.length > 0 && { creation: creation(view) }),
    podsSucceeded: indexes === undefined ? settled.succeeded : newIndexes,
    podsFailed: settled.failed,
    indexesSucceeded: newIndexes,
    indexesFailed: (indexes?.failed?.size ?? 0) - (indexes?.storedFailed?.size ?? 0),
    policyActions: settled.policyActions,
    endedPodsReleased: endedPodsReleased(changes),
    ...(ended !== undefined && {
      finished: {
        result: ended.type === "SuccessCriteriaMet" ? "succeeded" : "failed",
        reason: ended.reason,
      },
    }),
  };
}
