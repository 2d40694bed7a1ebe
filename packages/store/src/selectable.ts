// What watches with selectors need of an object's past: its labels and selectable fields before a change.
import type { Job, PodRecord } from "@gantry/core";
import type { Resource } from "./keys.ts";
import type { ObjectOf, StoredObject } from "./objects.ts";

/** What changed, as it was before; absent parts did not change. */
export interface PreviousSelectable {
  /** Labels before; `null`: they derived from the template, as those of an unedited Pod do. */
  readonly labels?: Readonly<Record<string, string>> | null;
  readonly fields?: Readonly<Record<string, string>>;
}

const sameMap = (
  a: Readonly<Record<string, string>> | undefined,
  b: Readonly<Record<string, string>> | undefined,
): boolean => {
  if (a === b) return true;
  const left = Object.entries(a ?? {});
  return left.length === Object.keys(b ?? {}).length && left.every(([k, v]) => b?.[k] === v);
};

const podFields = (pod: PodRecord): Record<string, string> => ({
  "status.phase": pod.phase,
  "spec.nodeName": pod.node ?? "",
  "status.podIP": pod.podIP ?? "",
});

const jobFields = (job: Job): Record<string, string> => ({
  "status.successful": String(job.status.succeeded ?? 0),
});

/**
 * Labels that derive from the template are others than none at all. A Pod that leaves its template
 * takes its labels along, so that step is no change.
 */
const labelsChanged = (a: PodRecord, b: PodRecord): boolean => {
  const [before, after] = [a.meta?.labels, b.meta?.labels];
  if (before === undefined && a.template !== undefined && b.template === undefined) return false;
  return (before === undefined) !== (after === undefined) || !sameMap(before, after);
};

/** Text for `Txn.update`'s `prev`; empty when no selector can see a difference. */
export const previousSelectable = <R extends Resource>(
  resource: R,
  before: ObjectOf<R>,
  after: ObjectOf<R>,
): string => {
  if (resource === "pods") {
    const [a, b] = [before as PodRecord, after as PodRecord];
    const previous: { labels?: Readonly<Record<string, string>> | null; fields?: object } = {};
    if (labelsChanged(a, b)) previous.labels = a.meta?.labels ?? null;
    if (a.phase !== b.phase || a.node !== b.node || a.podIP !== b.podIP) {
      previous.fields = podFields(a);
    }
    return Object.keys(previous).length === 0 ? "" : JSON.stringify(previous);
  }
  const [a, b] = [before as StoredObject, after as StoredObject];
  const previous: { labels?: Readonly<Record<string, string>>; fields?: object } = {};
  if (!sameMap(a.metadata.labels, b.metadata.labels)) previous.labels = a.metadata.labels ?? {};
  if (resource === "jobs") {
    const [x, y] = [before as Job, after as Job];
    if (x.status.succeeded !== y.status.succeeded) previous.fields = jobFields(x);
  }
  return Object.keys(previous).length === 0 ? "" : JSON.stringify(previous);
};
