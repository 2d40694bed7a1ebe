// Garbage collection of dependents (job-spec.md D4): Background, Foreground and Orphan.
import {
  FOREGROUND_FINALIZER,
  isTerminal,
  type Job,
  ORPHAN_FINALIZER,
  podAfterDelete,
  type PodRecord,
  releasePod,
} from "@gantry/core";
import {
  deleteObject,
  type ObjectOf,
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
    const dependents = await this.#dependents(resource, key, uid);
    if (owner === null) {
      await this.#deleteAll(dependents, uid);
    } else if (finalizers.includes(ORPHAN_FINALIZER)) {
      for (const dependent of dependents) await this.#orphan(dependent, uid);
      await this.#dropFinalizer(resource, key, uid, ORPHAN_FINALIZER);
    } else if (finalizers.includes(FOREGROUND_FINALIZER)) {
      await this.#deleteAll(dependents, uid);
      const left = await this.#dependents(resource, key, uid);
      if (left.length === 0) await this.#dropFinalizer(resource, key, uid, FOREGROUND_FINALIZER);
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

  async #deleteAll(dependents: readonly Dependent[], ownerUid: string): Promise<void> {
    const { store, templates, now } = this.#context;
    for (const { resource, key } of dependents) {
      if (resource === "pods") {
        await this.#deletePod(key, ownerUid);
        continue;
      }
      await deleteObject(store, templates, resource, key, { propagation: "Background" }, now());
    }
  }

  /** R77: the Pod of a Job that is gone loses its tracking finalizer and is deleted gracefully. */
  async #deletePod(key: string, ownerUid: string): Promise<void> {
    const { store, templates, now } = this.#context;
    for (;;) {
      const pod = await store.get("pods", key);
      if (pod === null || (pod.value.job !== undefined && pod.value.job.uid !== ownerUid)) return;
      const jobKey = `${pod.value.namespace}/${pod.value.job?.name ?? ""}`;
      const job = await store.get("jobs", jobKey);
      const jobIsGone = job?.value.metadata.uid !== ownerUid;
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
