// The differences between recorded and replayed lives that are kept, each with its reason.
import type { JobState } from "./timelines-normal-form.ts";

export interface KeptDifference {
  readonly timeline: string;
  readonly reason: string;
  /** Lines of the comparison that must be there. */
  readonly lines?: readonly string[];
  /** What is left out of account on both sides. */
  readonly overlook?: (state: JobState) => JobState;
}

const DELETED_PODS = 2;

/** Counts of Pods that are being deleted with their Job; never more than there are. */
const withoutLastCounts = (state: JobState): JobState => {
  if (!state.mark.includes("deleting")) return state;
  const { failed = 0, terminating = 0 } = state.counters;
  if (failed > DELETED_PODS || terminating > DELETED_PODS) return state;
  return { ...state, counters: { ...state.counters, failed: 0, terminating: 0 } };
};

export const keptDifferences: readonly KeptDifference[] = [
  {
    timeline: "evict-pod-ignored",
    reason:
      "Gantry shows the evicted Pod as terminating while it ends. The recorded controller, held up " +
      "by its request limit, looked at the Job only after the Pod had failed; one that is not " +
      "behind writes the same as Gantry (R12).",
    lines: [
      "Job adds after action 2: terminating 1 [startTime,terminating,ready,uncountedTerminatedPods]",
    ],
  },
  {
    timeline: "delete-foreground",
    reason:
      "Whether the Pods of a Job that is being deleted count as failed depends on who is first: the " +
      "garbage collector that deletes them (they are counted, R13) or the Job controller that " +
      "takes their finalizers (they are not, R78). In the recording the collector was two " +
      "seconds ahead, and the controller's last look at the Job was older than the end of the " +
      "Pods. Gantry's controller acts at once; it may see each Pod go before the Job goes.",
    overlook: withoutLastCounts,
  },
];
