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
): PodRecord => ({
  namespace: job.metadata.namespace,
  name: creation.name,
  uid: creation.uid,
  createdAtMs: nowMs,
  job: { name: job.metadata.name, uid: job.metadata.uid },
  template,
  index: creation.index,
  failureCount: creation.failureCount,
  ignoredFailureCount: creation.ignoredFailureCount,
  tracked: true,
  phase: "Pending",
  ready: false,
  containers: [],
});
