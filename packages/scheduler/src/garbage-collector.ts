// Garbage collection of dependents (job-spec.md D4): Background, Foreground and Orphan.
import {
  FOREGROUND_FINALIZER,
  isTerminal,
  type Job,
  jobReference,
  ORPHAN_FINALIZER,
  type OwnerReference,
  podAfterDelete,
  type PodRecord,
  type Propagation,
  releasePod,
} from "@gantry/core";
import {
  deleteObject,
  type ObjectOf,
  ownerOf,
  podNamePrefix,
  removeObject,
  type Resource,
  type Stored,
  type StoredObject,
  suffix,
  Txn,
  updateObject,
  writePod,
} from "@gantry/store";
import type { ControllerContext } from "./controller-context.ts";

type OwnerResource = Exclude<Resource, "pods" | "events">;

interface Dependent {
  readonly resource: Resource;
  readonly key: string;
}

export class GarbageCollector {
  readonly #context: ControllerContext;

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  /** Looks after the dependents of the owner `uid`, which is or was `resource` `key`. */
  async sync(resource: OwnerResource, key: string, uid: string, dirty: string): Promise<void> {
    const { store } = this.#context;
    const found = await store.get(resource, key);
    const owner =
      found !== null && (found.value as StoredObject).metadata.uid === uid ? found : null;
    const finalizers = (owner?.value as StoredObject | undefined)?.metadata.finalizers ?? [];
    if (owner === null) {
      const dependents = await this.#dependents(resource, key, uid);
      for (const dependent of dependents) await this.#collect(dependent, uid, "absent");
    } else if (finalizers.includes(ORPHAN_FINALIZER)) {
      const dependents = await this.#dependents(resource, key, uid);
      for (const dependent of dependents) await this.#orphan(dependent, uid);
      await this.#dropFinalizer(resource, key, uid, ORPHAN_FINALIZER);
    } else if (finalizers.includes(FOREGROUND_FINALIZER)) {
      const dependents = await this.#dependents(resource, key, uid);
      for (const dependent of dependents) await this.#collect(dependent, uid, "waiting");
      const held = await this.#isHeldUp(resource, key, uid);
      if (!held) await this.#dropFinalizer(resource, key, uid, FOREGROUND_FINALIZER);
    }
    await store.commit(new Txn().clean(`gc|${resource}|${key}|${uid}`, dirty));
  }

  async #dependents(resource: OwnerResource, key: string, uid: string): Promise<Dependent[]> {
    const { store } = this.#context;
    const members = await store.redis.smembers(store.key(suffix.dependents(uid)));
    const named = members.map((member): Dependent => {
      const bar = member.indexOf("|");
      return { resource: member.slice(0, bar) as Resource, key: member.slice(bar + 1) };
    });
    if (resource !== "jobs") return named;
    return [...(await this.#podsOfJob(key, uid)), ...named];
  }

  async #podsOfJob(jobKey: string, uid: string): Promise<Dependent[]> {
    const { store } = this.#context;
    const slash = jobKey.indexOf("/");
    const namespace = jobKey.slice(0, slash);
    const keyPrefix = `${namespace}/${podNamePrefix(jobKey.slice(slash + 1))}`;
    const [byName, adopted] = await Promise.all([
      store.listAll("pods", { keyPrefix }),
      store.redis.smembers(store.key(suffix.adopted(uid))),
    ]);
    const own = byName.items.filter((pod) => pod.value.job?.uid === uid).map((pod) => pod.key);
    const others = adopted.map((name) => `${namespace}/${name}`);
    return [...new Set([...own, ...others])].map((key) => ({ resource: "pods", key }));
  }

  /** Whether a dependent is left that the owner, deleted in the foreground, waits for. */
  async #isHeldUp(resource: OwnerResource, key: string, uid: string): Promise<boolean> {
    for (const dependent of await this.#dependents(resource, key, uid)) {
      const found = await this.#context.store.get(dependent.resource, dependent.key);
      if (found === null) continue;
      const references = ownersOf(dependent.resource, found.value);
      if (references.some((one) => one.uid === uid && one.blockOwnerDeletion === true)) return true;
    }
    return false;
  }

  /**
   * D4: a dependent that another owner still has loses this one; otherwise it is deleted: in the
   * foreground, if its owner waits for it and it has dependents itself.
   */
  async #collect(
    dependent: Dependent,
    ownerUid: string,
    standing: "absent" | "waiting",
  ): Promise<void> {
    const { store, templates, now } = this.#context;
    const { resource, key } = dependent;
    const found = await store.get(resource, key);
    if (found === null) return;
    const references = ownersOf(resource, found.value);
    if (!references.some(({ uid }) => uid === ownerUid)) return;
    const others = references.filter(({ uid }) => uid !== ownerUid);
    if (await this.#isOwned(others, key)) return this.#orphan(dependent, ownerUid);
    if (resource === "pods") return this.#deletePod(found as Stored<PodRecord>, ownerUid);
    const { uid, deletionTimestamp, finalizers = [] } = (found.value as StoredObject).metadata;
    if (deletionTimestamp !== undefined) return;
    const inForeground =
      standing === "waiting" &&
      resource !== "events" &&
      (await this.#dependents(resource, key, uid)).length > 0;
    const propagation = inForeground ? "Foreground" : propagationOf(finalizers);
    await deleteObject(store, templates, resource, key, { propagation, uid }, now());
  }

  /** Whether one of the owners is there and does not wait for its dependents to go. */
  async #isOwned(owners: readonly OwnerReference[], dependentKey: string): Promise<boolean> {
    const slash = dependentKey.indexOf("/");
    const namespace = slash === -1 ? "" : dependentKey.slice(0, slash);
    for (const reference of owners) {
      const at = ownerOf(reference, namespace);
      // An owner of a kind that is not known here may be anywhere: nothing of its is deleted.
      if (at === undefined) return true;
      const owner = await this.#context.store.get(at.resource, at.key);
      if (owner === null || uidOf(at.resource, owner.value) !== reference.uid) continue;
      if (at.resource === "pods") return true;
      const { deletionTimestamp, finalizers = [] } = (owner.value as StoredObject).metadata;
      if (deletionTimestamp === undefined || !finalizers.includes(FOREGROUND_FINALIZER))
        return true;
    }
    return false;
  }

  /** R77: the Pod of a Job that is gone loses its tracking finalizer and is deleted gracefully. */
  async #deletePod(found: Stored<PodRecord>, ownerUid: string): Promise<void> {
    const { store, templates, now } = this.#context;
    let pod: Stored<PodRecord> | null = found;
    for (; ; pod = await store.get("pods", found.key)) {
      if (pod === null || !ownersOf("pods", pod.value).some(({ uid }) => uid === ownerUid)) return;
      const jobKey = `${pod.value.namespace}/${pod.value.job?.name ?? ""}`;
      const job = await store.get("jobs", jobKey);
      const jobIsGone = job === null || job.value.metadata.uid !== pod.value.job?.uid;
      const spec = pod.value.spec ?? (await templates.of(pod.value))?.spec;
      const asked = podAfterDelete(
        pod.value,
        { graceSeconds: undefined, specGraceSeconds: spec?.terminationGracePeriodSeconds },
        now(),
      );
      const next = jobIsGone ? { ...asked, tracked: false } : asked;
      if (next.tracked === pod.value.tracked && next.deletion === pod.value.deletion) return;
      const txn = new Txn();
      writePod(txn, pod, next);
      if (!jobIsGone) txn.dirty(`jobs|${jobKey}`);
      const result = await store.commit(txn);
      if (!result.ok) continue;
      if (jobIsGone && pod.value.tracked && isTerminal(pod.value)) {
        this.#context.metrics?.controllers.podsReleased(1);
      }
      return;
    }
  }

  /** The dependent goes on without its owner. */
  async #orphan({ resource, key }: Dependent, ownerUid: string): Promise<void> {
    const { store, templates } = this.#context;
    for (;;) {
      const txn = new Txn();
      if (resource === "pods") {
        const pod = await store.get("pods", key);
        if (pod === null) return;
        const next = orphanedPod(pod.value, ownerUid, await templates.of(pod.value));
        if (next === null) return;
        writePod(txn, pod, next);
      } else {
        const object = await store.get(resource, key);
        if (object === null) return;
        updateObject(txn, resource, object, withoutOwner(object, ownerUid));
      }
      if ((await store.commit(txn)).ok) return;
    }
  }

  async #dropFinalizer(
    resource: OwnerResource,
    key: string,
    uid: string,
    finalizer: string,
  ): Promise<void> {
    const { store } = this.#context;
    for (;;) {
      const found = await store.get(resource, key);
      if (found === null || (found.value as StoredObject).metadata.uid !== uid) return;
      const object = found.value as StoredObject;
      const finalizers = (object.metadata.finalizers ?? []).filter((name) => name !== finalizer);
      const txn = new Txn();
      if (finalizers.length === 0 && object.metadata.deletionTimestamp !== undefined) {
        removeObject(txn, resource, found);
      } else {
        const metadata = { ...object.metadata, finalizers };
        updateObject(txn, resource, found, { ...object, metadata } as ObjectOf<typeof resource>);
      }
      if ((await store.commit(txn)).ok) return;
    }
  }
}

const uidOf = (resource: Resource, value: unknown): string =>
  resource === "pods" ? (value as PodRecord).uid : (value as StoredObject).metadata.uid;

const ownersOf = (resource: Resource, value: unknown): readonly OwnerReference[] => {
  if (resource !== "pods") return (value as StoredObject).metadata.ownerReferences ?? [];
  const { job, meta } = value as PodRecord;
  const others = meta?.ownerReferences ?? [];
  return job === undefined ? others : [jobReference(job), ...others];
};

/** What an object without owners asked for itself, before it was to go. */
const propagationOf = (finalizers: readonly string[]): Propagation => {
  if (finalizers.includes(ORPHAN_FINALIZER)) return "Orphan";
  return finalizers.includes(FOREGROUND_FINALIZER) ? "Foreground" : "Background";
};

const orphanedPod = (
  pod: PodRecord,
  ownerUid: string,
  template: Job["spec"]["template"] | undefined,
): PodRecord | null => {
  if (pod.job?.uid === ownerUid) return releasePod(pod, template);
  const owners = pod.meta?.ownerReferences;
  if (owners === undefined) return null;
  return {
    ...pod,
    meta: { ...pod.meta, ownerReferences: owners.filter((owner) => owner.uid !== ownerUid) },
  };
};

const withoutOwner = <R extends Resource>(
  stored: Stored<ObjectOf<R>>,
  ownerUid: string,
): ObjectOf<R> => {
  const object = stored.value as StoredObject;
  const ownerReferences = (object.metadata.ownerReferences ?? []).filter(
    (owner) => owner.uid !== ownerUid,
  );
  const { ownerReferences: _, ...metadata } = object.metadata;
  return {
    ...object,
    metadata: ownerReferences.length === 0 ? metadata : { ...metadata, ownerReferences },
  } as ObjectOf<R>;
};
