// The record of a Pod that the Job controller has just decided to create.
import { blank } from "./apimachinery/blank.ts";
import type { Job } from "./job.ts";
import type { PodCreation } from "./job-plan.ts";
import { isGated } from "./placement/awaits-worker.ts";
import type { PodRecord } from "./pod-record.ts";
import { renderPodSpec } from "./pod-spec-render.ts";

/** `template`: the store's name of the Job's present Pod template. */
export const newPodRecord = (
  job: Job,
  creation: PodCreation,
  template: string,
  nowMs: number,
): PodRecord => {
  const { metadata, spec } = job.spec.template;
  const finalizers = metadata?.finalizers ?? [];
  const record: PodRecord = {
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
    // Bound by its template: that node runs it, and none is looked for.
    ...(spec?.nodeName !== undefined && spec.nodeName !== "" && { node: spec.nodeName }),
  };
  return isGated(spec)
    ? { ...blank, ...record, spec: renderPodSpec(record, job.spec.template) }
    : record;
};
