// From a Pod record to the Kubernetes object; `pod-from-api.ts` goes the other way.
import { rfc3339 } from "./apimachinery/time.ts";
import {
  COMPLETION_INDEX,
  INDEX_FAILURE_COUNT,
  INDEX_IGNORED_FAILURE_COUNT,
  TRACKING_FINALIZER,
} from "./pod-labels.ts";
import type { PodRecord } from "./pod-record.ts";
import { prefixOfName, renderPodSpec } from "./pod-spec-render.ts";
import { renderPodStatus } from "./pod-status-render.ts";
import type { ObjectMeta, OwnerReference } from "./schema/meta.ts";
import type { Pod, PodTemplateSpec } from "./schema/pod.ts";

/** Generation of a new Pod; asking for its deletion is the one change that Gantry makes to it. */
const FIRST_GENERATION = 1;

/** Labels that follow from the template and the index (R55). */
export function derivedLabels(
  record: Pick<PodRecord, "index">,
  template: PodTemplateSpec | undefined,
): Record<string, string> {
  const labels = { ...template?.metadata?.labels };
  if (record.index !== undefined) labels[COMPLETION_INDEX] = `${record.index}`;
  return labels;
}

/** Annotations that follow from the template, the index and its failures (R55, R62). */
export function derivedAnnotations(
  record: Pick<PodRecord, "index" | "failureCount" | "ignoredFailureCount">,
  template: PodTemplateSpec | undefined,
): Record<string, string> {
  const annotations = { ...template?.metadata?.annotations };
  if (record.index !== undefined) annotations[COMPLETION_INDEX] = `${record.index}`;
  if (record.failureCount !== undefined)
    annotations[INDEX_FAILURE_COUNT] = `${record.failureCount}`;
  if (record.ignoredFailureCount !== undefined && record.ignoredFailureCount > 0) {
    annotations[INDEX_IGNORED_FAILURE_COUNT] = `${record.ignoredFailureCount}`;
  }
  return annotations;
}

/** R10: the reference that makes a Pod the Job's. */
export const jobReference = (job: { name: string; uid: string }): OwnerReference => ({
  apiVersion: "batch/v1",
  kind: "Job",
  name: job.name,
  uid: job.uid,
  controller: true,
  blockOwnerDeletion: true,
});

function renderOwners(record: PodRecord): OwnerReference[] {
  const own = [...(record.meta?.ownerReferences ?? [])];
  return record.job === undefined ? own : [jobReference(record.job), ...own];
}

function renderFinalizers(record: PodRecord): string[] {
  const own = [...(record.meta?.finalizers ?? [])];
  return record.tracked ? [TRACKING_FINALIZER, ...own] : own;
}

function renderDeletion({ deletion }: PodRecord): Partial<ObjectMeta> {
  if (deletion === undefined) return {};
  return {
    deletionTimestamp: rfc3339(deletion.requestedAtMs + deletion.graceSeconds * 1000),
    deletionGracePeriodSeconds: deletion.graceSeconds,
  };
}

function renderMeta(
  record: PodRecord,
  template: PodTemplateSpec | undefined,
  resourceVersion: string,
): ObjectMeta {
  const { meta } = record;
  const labels = meta?.labels ?? derivedLabels(record, template);
  const annotations = meta?.annotations ?? derivedAnnotations(record, template);
  const owners = renderOwners(record);
  const finalizers = renderFinalizers(record);
  const generateName =
    meta?.generateName ?? (record.template === undefined ? "" : prefixOfName(record.name));
  return {
    name: record.name,
    ...(generateName !== "" && { generateName }),
    namespace: record.namespace,
    uid: record.uid,
    resourceVersion,
    generation: FIRST_GENERATION + (record.deletion === undefined ? 0 : 1),
    creationTimestamp: rfc3339(record.createdAtMs),
    ...renderDeletion(record),
    ...(Object.keys(labels).length > 0 && { labels: { ...labels } }),
    ...(Object.keys(annotations).length > 0 && { annotations: { ...annotations } }),
    ...(owners.length > 0 && { ownerReferences: owners }),
    ...(finalizers.length > 0 && { finalizers }),
    ...(meta?.managedFields !== undefined && { managedFields: meta.managedFields }),
  };
}

/**
 * The v1 Pod. `template` is the stored Pod template that `record.template` names (defaulted, as it
 * stands in the Job); a Pod with a spec of its own needs none.
 */
export function renderPod(
  record: PodRecord,
  template: PodTemplateSpec | undefined,
  resourceVersion: string,
): Pod {
  const spec = renderPodSpec(record, template);
  return {
    kind: "Pod",
    apiVersion: "v1",
    metadata: renderMeta(record, template, resourceVersion),
    spec,
    status: renderPodStatus(record, spec),
  };
}
