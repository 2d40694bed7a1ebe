// R8-R11: which Pods are the Job's in this sync, and which it takes or lets go.
import { blank } from "../apimachinery/blank.ts";
import type { JobSnapshot, PodChange } from "../job-plan.ts";
import type { PodRecord } from "../pod-record.ts";

export interface Claim {
  /** The Job's Pods; one adopted in this sync is here as it will be: owned and tracked. */
  readonly pods: readonly PodRecord[];
  /** Adoptions, keyed by the Pod as it stands in `pods`. */
  readonly adopted: ReadonlyMap<string, PodRecord>;
  readonly releases: readonly PodChange[];
}

/**
 * R9: owned Pods whose labels no longer match are released; R10: matching ownerless ones are
 * adopted. While the Job is being deleted it does neither, and ignores both kinds. That the Job
 * still stands when it adopts (R10) is the commit's precondition.
 */
export function claimPods({ job, pods, orphans, released }: JobSnapshot): Claim {
  const deleting = job.metadata.deletionTimestamp !== undefined;
  const kept = released.size === 0 ? pods : pods.filter((pod) => !released.has(pod.name));
  if (deleting) return { pods: kept, adopted: new Map(), releases: [] };

  const releases = pods
    .filter((pod) => released.has(pod.name))
    .map((pod) => ({ pod, release: true }));
  // R11: a Pod controlled by something else is never touched; R10: nor one being deleted.
  const adoptable = orphans.filter((pod) => pod.job === undefined && pod.deletion === undefined);
  const owner = { name: job.metadata.name, uid: job.metadata.uid };
  return {
    pods: [...kept, ...adoptable.map((pod) => ({ ...blank, ...pod, job: owner, tracked: true }))],
    adopted: new Map(adoptable.map((pod) => [pod.uid, pod])),
    releases,
  };
}
