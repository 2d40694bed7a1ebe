// Deletes objects as the API does, whoever asks: users, the TTL and CronJob controllers, garbage collection.
import {
  type Job,
  metadataAfterDelete,
  podAfterDelete,
  type PodRecord,
  type Propagation,
} from "@gantry/core";
import { gcKey } from "./gc-key.ts";
import type { Resource } from "./keys.ts";
import type { ObjectOf, Stored, StoredObject } from "./objects.ts";
import type { Store } from "./store.ts";
import type { Templates } from "./templates.ts";
import { Txn } from "./txn.ts";
import { removeObject, removePod, updateObject, writePod } from "./writes.ts";

export interface DeleteRequest {
  readonly propagation: Propagation;
  /** Pods only; default: the grace of the spec. */
  readonly graceSeconds?: number | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

export type DeleteOutcome<R extends Resource> =
  | { readonly kind: "missing" }
  /** A precondition on uid or resourceVersion does not hold. */
  | { readonly kind: "conflict"; readonly found: Stored<ObjectOf<R>> }
  /** Gone; `object` is its last state. */
  | { readonly kind: "removed"; readonly object: ObjectOf<R>; readonly rv: string }
  /** Marked, and held by finalizers or its grace period. */
  | { readonly kind: "marked"; readonly object: ObjectOf<R>; readonly rv: string };

/** The owner's sync key, for Pods of Jobs and Jobs of CronJobs. */
export const ownerSyncKey = (resource: Resource, value: unknown): string | undefined => {
  if (resource === "pods") {
    const pod = value as PodRecord;
    return pod.job === undefined ? undefined : `jobs|${pod.namespace}/${pod.job.name}`;
  }
  if (resource !== "jobs") return undefined;
  const { metadata } = value as Job;
  const owner = metadata.ownerReferences?.find(
    (reference) => reference.controller === true && reference.kind === "CronJob",
  );
  return owner === undefined ? undefined : `cronjobs|${metadata.namespace}/${owner.name ?? ""}`;
};

const syncKeys = <R extends Resource>(resource: R, stored: Stored<ObjectOf<R>>): string[] => {
  const keys: string[] = [];
  const owner = ownerSyncKey(resource, stored.value);
  if (owner !== undefined) keys.push(owner);
  if (resource === "jobs" || resource === "cronjobs") keys.push(`${resource}|${stored.key}`);
  if (resource === "namespaces") keys.push(`namespaces|${stored.key}`);
  if (resource !== "pods" && resource !== "events") {
    const { uid } = (stored.value as StoredObject).metadata;
    keys.push(gcKey(resource, stored.key, uid));
  }
  return keys;
};

const violates = <R extends Resource>(
  resource: R,
  stored: Stored<ObjectOf<R>>,
  request: DeleteRequest,
): boolean => {
  const uid =
    resource === "pods"
      ? (stored.value as PodRecord).uid
      : (stored.value as StoredObject).metadata.uid;
  return (
    (request.uid !== undefined && request.uid !== uid) ||
    (request.resourceVersion !== undefined && request.resourceVersion !== stored.rv)
  );
};

/** Deletes one object; retries when it changes meanwhile. */
export const deleteObject = async <R extends Resource>(
  store: Store,
  templates: Templates,
  resource: R,
  key: string,
  request: DeleteRequest,
  nowMs: number,
): Promise<DeleteOutcome<R>> => {
  for (;;) {
    const stored = await store.get(resource, key);
    if (stored === null) return { kind: "missing" };
    if (violates(resource, stored, request)) {
      return { kind: "conflict", found: stored };
    }
    const txn = new Txn();
    const next =
      resource === "pods"
        ? await planPod(txn, templates, stored as Stored<PodRecord>, request, nowMs)
        : planObject(txn, resource, stored as Stored<never>, request, nowMs);
    if (txn.size === 0) {
      return { kind: "marked", object: stored.value, rv: stored.rv };
    }
    for (const syncKey of syncKeys(resource, stored)) txn.dirty(syncKey);
    const result = await store.commit(txn);
    if (!result.ok) continue;
    const rv = result.rvs.at(-1) ?? stored.rv;
    return next === null
      ? { kind: "removed", object: stored.value, rv }
      : { kind: "marked", object: next as ObjectOf<R>, rv };
  }
};

/**
 * The deletion of an object that the caller has just read, as part of its own transaction, which
 * wakes the controllers that it concerns.
 */
export const deleteInTxn = <R extends Exclude<Resource, "pods">>(
  txn: Txn,
  resource: R,
  stored: Stored<ObjectOf<R>>,
  propagation: Propagation,
  nowMs: number,
): void => {
  planObject(txn, resource, stored, { propagation }, nowMs);
  for (const syncKey of syncKeys(resource, stored)) txn.dirty(syncKey);
};

const planObject = <R extends Exclude<Resource, "pods">>(
  txn: Txn,
  resource: R,
  stored: Stored<ObjectOf<R>>,
  request: DeleteRequest,
  nowMs: number,
): ObjectOf<R> | null => {
  const object = stored.value as StoredObject;
  const metadata = metadataAfterDelete(object.metadata, request.propagation, nowMs);
  if (metadata === null) {
    removeObject(txn, resource, stored);
    return null;
  }
  const next = { ...object, metadata } as ObjectOf<R>;
  const unchanged =
    metadata.deletionTimestamp === object.metadata.deletionTimestamp &&
    metadata.finalizers?.join() === object.metadata.finalizers?.join();
  if (!unchanged) updateObject(txn, resource, stored, next);
  return next;
};

const planPod = async (
  txn: Txn,
  templates: Templates,
  stored: Stored<PodRecord>,
  request: DeleteRequest,
  nowMs: number,
): Promise<PodRecord | null> => {
  const pod = stored.value;
  const spec = pod.spec ?? (await templates.of(pod))?.spec;
  const next = podAfterDelete(
    pod,
    {
      graceSeconds: request.graceSeconds,
      specGraceSeconds: spec?.terminationGracePeriodSeconds,
    },
    nowMs,
  );
  if (next === pod) return pod;
  if (pod.deletion === undefined && next.deletion?.graceSeconds === 0 && !pod.tracked) {
    // Nothing to wait for: no intermediate state is shown, as by Kubernetes.
    if ((pod.meta?.finalizers ?? []).length === 0) {
      removePod(txn, stored);
      return null;
    }
  }
  if (writePod(txn, stored, next)) return null;
  return next;
};
