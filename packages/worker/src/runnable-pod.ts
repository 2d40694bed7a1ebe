// The Pod as runtimes get it, and what a runtime wants noted on it.
import { podAnnotations, podLabels, type PodRecord } from "@gantry/core";
import type { Sources } from "./pod-sources.ts";
import type { RunnablePod } from "./runtime.ts";
import type { WorkerContext } from "./worker-context.ts";

export const withAnnotations = (
  pod: PodRecord,
  template: Parameters<typeof podAnnotations>[1],
  annotations: Readonly<Record<string, string>>,
): PodRecord => ({
  ...pod,
  meta: { ...pod.meta, annotations: { ...podAnnotations(pod, template), ...annotations } },
});

export const runnablePod = (
  { node, fence }: WorkerContext,
  pod: PodRecord,
  template: Parameters<typeof podLabels>[1],
  spec: RunnablePod["spec"],
  sources: Sources,
): RunnablePod => ({
  namespace: pod.namespace,
  name: pod.name,
  uid: pod.uid,
  labels: podLabels(pod, template),
  annotations: podAnnotations(pod, template),
  node,
  claim: fence,
  createdAtMs: pod.createdAtMs,
  ...(pod.job === undefined ? {} : { job: pod.job.name, jobUid: pod.job.uid }),
  ...(pod.deletion === undefined ? {} : { deletion: pod.deletion }),
  serviceAccountName: spec.serviceAccountName ?? "default",
  spec,
  sources,
  ...(pod.index === undefined ? {} : { index: pod.index }),
});
