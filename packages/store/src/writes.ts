// Writes of objects together with the indexes that must agree with them: the one place that knows both.
import { createHash } from "node:crypto";
import {
  FOREGROUND_FINALIZER,
  isFinished,
  isPodRemovable,
  isTerminal,
  type Job,
  type OwnerReference,
  type PodRecord,
} from "@gantry/core";
import { unblockedOwners } from "./gc-key.ts";
import { type Resource, suffix } from "./keys.ts";
import { isNamespaceContent } from "./namespace-contents.ts";
import {
  encodeBody,
  encodeNextBody,
  type ObjectOf,
  type Stored,
  type StoredObject,
} from "./objects.ts";
import { previousSelectable } from "./selectable.ts";
import type { Txn } from "./txn.ts";

/** How long Kubernetes keeps Events (kube-apiserver --event-ttl). */
export const EVENT_TTL_MS = 3_600_000;

/** Wake-ups kept for a node that does not read them; it also looks at all its Pods when it starts. */
const INBOX_LENGTH = 10_000;

/** Nobody reads the inbox of a node that was given up; a node that starts looks at all its Pods. */
const INBOX_KEEP_SECONDS = 3_600;

/** Templates of a removed Job stay this long for Pods that outlive it (their grace period). */
const TEMPLATE_KEEP_SECONDS = 7 * 86_400;

/** Name of a stored Pod template: part of a digest of its text. */
export const templateId = (template: Job["spec"]["template"]): string => {
  let id = templateIds.get(template);
  if (id === undefined) {
    id = createHash("sha1").update(JSON.stringify(template)).digest("base64url").slice(0, 8);
    templateIds.set(template, id);
  }
  return id;
};

/** Of templates in memory, which nobody changes. */
const templateIds = new WeakMap<object, string>();

/** Needs the Job controller's attention: not ended, or ended and not accounted for. */
const isUnsettled = (pod: PodRecord): boolean => pod.tracked || !isTerminal(pod);

/** What all names of a Job's own Pods begin with; R55 and R56 cut long names later than this. */
export const podNamePrefix = (jobName: string): string => `${jobName}-`.slice(0, 40);

const isAdoptedName = (pod: PodRecord): boolean =>
  pod.job !== undefined && !pod.name.startsWith(podNamePrefix(pod.job.name));

interface PodIndexes {
  live: string | undefined;
  adopted: string | undefined;
  ownerless: string | undefined;
  node: string | undefined;
  owners: readonly string[];
}

const podIndexes = (pod: PodRecord): PodIndexes => {
  const otherOwners = pod.meta?.ownerReferences ?? [];
  return {
    live: pod.job !== undefined && isUnsettled(pod) ? pod.job.uid : undefined,
    adopted: isAdoptedName(pod) ? pod.job?.uid : undefined,
    ownerless:
      pod.job === undefined && !otherOwners.some((owner) => owner.controller === true)
        ? pod.namespace
        : undefined,
    node: pod.node !== undefined && !isTerminal(pod) ? pod.node : undefined,
    owners: otherOwners.flatMap((owner) => (owner.uid === undefined ? [] : [owner.uid])),
  };
};

/** One set and whether the Pod, as it is, belongs there. */
export interface PodMembership {
  readonly set: string;
  readonly member: string;
  readonly present: boolean;
}

/** Sets that must have the Pod, and those that may have had it before and must not now. */
export const podMemberships = (pod: PodRecord): PodMembership[] => {
  const indexes = podIndexes(pod);
  const key = `${pod.namespace}/${pod.name}`;
  const named: PodMembership[] = [
    {
      set: suffix.ownerless(pod.namespace),
      member: pod.name,
      present: indexes.ownerless !== undefined,
    },
  ];
  if (pod.job !== undefined) {
    const present = indexes.live !== undefined;
    named.push({ set: suffix.live(pod.job.uid), member: pod.name, present });
    if (indexes.adopted !== undefined) {
      named.push({ set: suffix.adopted(pod.job.uid), member: pod.name, present: true });
    }
  }
  if (pod.node !== undefined) {
    const present = indexes.node !== undefined;
    named.push({ set: suffix.nodePods(pod.node), member: key, present });
  }
  for (const owner of indexes.owners) {
    named.push({ set: suffix.dependents(owner), member: `pods|${key}`, present: true });
  }
  return named;
};

const noIndexes: PodIndexes = {
  live: undefined,
  adopted: undefined,
  ownerless: undefined,
  node: undefined,
  owners: [],
};

const move = (
  txn: Txn,
  from: string | undefined,
  to: string | undefined,
  key: (name: string) => string,
  member: string,
): void => {
  if (from === to) return;
  if (from !== undefined) txn.remove(key(from), member);
  if (to !== undefined) txn.add(key(to), member);
};

const moveOwners = (
  txn: Txn,
  before: readonly string[],
  after: readonly string[],
  member: string,
): void => {
  for (const uid of before) {
    if (!after.includes(uid)) txn.remove(suffix.dependents(uid), member);
  }
  for (const uid of after) {
    if (!before.includes(uid)) txn.add(suffix.dependents(uid), member);
  }
};

/** D4: an owner that waits for its dependents looks again when one of them holds it up no more. */
const wakeOwners = (
  txn: Txn,
  namespace: string | undefined,
  before: readonly OwnerReference[] = [],
  after: readonly OwnerReference[] = [],
): void => {
  for (const key of unblockedOwners(namespace ?? "", before, after)) txn.dirty(key);
};

const reindexPod = (txn: Txn, key: string, name: string, a: PodIndexes, b: PodIndexes): void => {
  move(txn, a.live, b.live, suffix.live, name);
  move(txn, a.adopted, b.adopted, suffix.adopted, name);
  move(txn, a.ownerless, b.ownerless, suffix.ownerless, name);
  move(txn, a.node, b.node, suffix.nodePods, key);
  moveOwners(txn, a.owners, b.owners, `pods|${key}`);
};

const tellNode = (txn: Txn, pod: PodRecord): void => {
  if (pod.node === undefined) return;
  const inbox = suffix.nodeInbox(pod.node);
  const key = `${pod.namespace}/${pod.name}`;
  txn.side("XADD", inbox, "MAXLEN", "~", INBOX_LENGTH, "*", "k", key, "u", pod.uid);
  txn.side("EXPIRE", inbox, INBOX_KEEP_SECONDS);
};

export const createPod = (txn: Txn, pod: PodRecord): void => {
  const key = `${pod.namespace}/${pod.name}`;
  txn.create("pods", key, encodeBody("pods", pod));
  reindexPod(txn, key, pod.name, noIndexes, podIndexes(pod));
  if (pod.node === undefined) return;
  // Bound by who made it. A node that is not there has a grace to appear, as one that went away.
  txn.side("ZADD", suffix.leases, "NX", 0, pod.node);
  tellNode(txn, pod);
};

export const updatePod = (txn: Txn, before: Stored<PodRecord>, after: PodRecord): void => {
  const { key, rv, value } = before;
  txn.update("pods", key, rv, encodeBody("pods", after), previousSelectable("pods", value, after));
  reindexPod(txn, key, after.name, podIndexes(value), podIndexes(after));
  wakeOwners(txn, after.namespace, value.meta?.ownerReferences, after.meta?.ownerReferences);
  if (isUnsettled(value) && !isUnsettled(after)) txn.side("RPUSH", suffix.settled, key);
  const stopChanged =
    after.deletion?.requestedAtMs !== value.deletion?.requestedAtMs ||
    after.deletion?.graceSeconds !== value.deletion?.graceSeconds;
  if (stopChanged && !isTerminal(after)) tellNode(txn, after);
};

/**
 * Writes a Pod's next state and, when nothing holds the object any more, removes it: watchers see
 * the last state, then the deletion. Returns whether it is gone.
 */
export const writePod = (txn: Txn, before: Stored<PodRecord>, after: PodRecord): boolean => {
  updatePod(txn, before, after);
  if (!isPodRemovable(after)) return false;
  removePod(txn, { key: before.key, rv: "any", value: after });
  return true;
};

/** Removes a Pod's object. Its node is told, so that it stops what may still run and removes logs. */
export const removePod = (txn: Txn, pod: Stored<PodRecord>): void => {
  txn.delete("pods", pod.key, pod.rv);
  reindexPod(txn, pod.key, pod.value.name, podIndexes(pod.value), noIndexes);
  wakeOwners(txn, pod.value.namespace, pod.value.meta?.ownerReferences);
  tellNode(txn, pod.value);
};

const ownerUids = (object: StoredObject): readonly string[] =>
  (object.metadata.ownerReferences ?? []).flatMap((owner) =>
    owner.uid === undefined ? [] : [owner.uid],
  );

const objectKey = (object: StoredObject): string =>
  object.metadata.namespace === undefined
    ? object.metadata.name
    : `${object.metadata.namespace}/${object.metadata.name}`;

type PlainResource = Exclude<Resource, "pods">;

/** Creates any object but a Pod. `nowMs` dates the expiry of Events. */
export const createObject = <R extends PlainResource>(
  txn: Txn,
  resource: R,
  object: ObjectOf<R>,
  nowMs: number,
): void => {
  const stored = object as StoredObject;
  const key = objectKey(stored);
  txn.create(resource, key, encodeBody(resource, object));
  moveOwners(txn, [], ownerUids(stored), `${resource}|${key}`);
  if (resource === "events") txn.side("ZADD", suffix.eventExpiry, nowMs + EVENT_TTL_MS, key);
  if (resource === "jobs" && !isFinished(object as Job)) txn.add(suffix.unfinished, key);
};

/**
 * Updates any object but a Pod; keeps the old template of a Job for the Pods made from it. Returns
 * the body that is written.
 */
export const updateObject = <R extends PlainResource>(
  txn: Txn,
  resource: R,
  before: Stored<ObjectOf<R>>,
  after: ObjectOf<R>,
): string => {
  const prev = previousSelectable(resource, before.value, after);
  const body = encodeNextBody(resource, before, after);
  txn.update(resource, before.key, before.rv, body, prev);
  moveOwners(
    txn,
    ownerUids(before.value as StoredObject),
    ownerUids(after as StoredObject),
    `${resource}|${before.key}`,
  );
  const { namespace, ownerReferences } = (before.value as StoredObject).metadata;
  wakeOwners(txn, namespace, ownerReferences, (after as StoredObject).metadata.ownerReferences);
  if (resource === "jobs") {
    const [a, b] = [before.value as Job, after as Job];
    if (isFinished(b) && !isFinished(a)) txn.remove(suffix.unfinished, before.key);
    // A controller passes the spec on as it is. A client's patch that leaves the generation alone may
    // still have put the template's fields in another order, and then it goes by another name.
    if (a.spec.template !== b.spec.template) keepTemplate(txn, a, b);
  }
  return body;
};

const keepTemplate = (txn: Txn, before: Job, after: Job): void => {
  const id = templateId(before.spec.template);
  if (id === templateId(after.spec.template)) return;
  txn.side("HSET", suffix.templates(before.metadata.uid), id, JSON.stringify(before.spec.template));
};

/** Its Pods may outlive it for their grace period and are shown from its template. */
const keepLastTemplate = (txn: Txn, { metadata, spec }: Job): void => {
  const key = suffix.templates(metadata.uid);
  if (metadata.finalizers?.includes(FOREGROUND_FINALIZER) === true) {
    // Removed as the last of all: no Pod is left.
    txn.side("DEL", key);
    return;
  }
  txn.side("HSET", key, templateId(spec.template), JSON.stringify(spec.template));
  txn.side("EXPIRE", key, TEMPLATE_KEEP_SECONDS);
};

export const removeObject = <R extends PlainResource>(
  txn: Txn,
  resource: R,
  object: Stored<ObjectOf<R>>,
): void => {
  txn.delete(resource, object.key, object.rv);
  const stored = object.value as StoredObject;
  moveOwners(txn, ownerUids(stored), [], `${resource}|${object.key}`);
  wakeOwners(txn, stored.metadata.namespace, stored.metadata.ownerReferences);
  if (isNamespaceContent(resource, stored.metadata.name)) {
    // Whoever removes it: the namespace controller makes it again, as Kubernetes' publishers do.
    txn.dirty(`namespaces|${stored.metadata.namespace ?? ""}`);
  }
  if (resource === "events") txn.side("ZREM", suffix.eventExpiry, object.key);
  if (resource === "jobs") {
    const job = object.value as Job;
    keepLastTemplate(txn, job);
    txn.remove(suffix.unfinished, object.key);
    txn.side("HDEL", suffix.book, job.metadata.uid);
    txn.side("ZREM", suffix.timers, `jobs|${object.key}`);
    txn.side("ZREM", suffix.ttl, object.key);
  }
  if (resource === "cronjobs") txn.side("ZREM", suffix.timers, `cronjobs|${object.key}`);
};
