// The record of a Pod that the Job controller has just decided to create.
import type { Job } from "./job.ts";
import type { PodCreation } from "./job-plan.ts";
import type { PodRecord } from "./pod-record.ts";

/** `template`: the store's name of the Job's present Pod template. */
export const newPodRecord = (
  job: Job,
  creation: PodCreation,
  template: string,
  nowMs: number,
): PodRecord => {
  const finalizers = job.spec.template.metadata?.finalizers ?? [];
  return {
    namespace: job.metadata.namespace,
    name: creation.name,
    uid: creation.uid,
    createdAtMs: nowMs,
    job: { name: job.metadata.name, uid: job.metadata.uid },
    template,
    index: creation.index,
    failureCount: creation.failureCount,
    ignoredFailureCount: creation.ignoredFailureCount,
    // Labels and annotations derive from the template; its finalizers are the Pod's own to lose.
    ...(finalizers.length > 0 && { meta: { finalizers } }),
    tracked: true,
    phase: "Pending",
    ready: false,
    containers: [],
  };
};
