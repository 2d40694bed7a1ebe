// Namespaces: what each must have is made again; of those that end everything is deleted, then they go.
import {
  createObject,
  deleteObject,
  namespaceContents,
  removeObject,
  type Resource,
  setTimer,
  sharedCertificate,
  type Stored,
  type StoredObject,
  Txn,
} from "@gantry/store";
import type { ControllerContext } from "./controller-context.ts";

/** CronJobs before Jobs before Pods, so that nothing is made again behind the collector. */
const purged: readonly Resource[] = [
  "cronjobs",
  "jobs",
  "pods",
  "leases",
  "configmaps",
  "secrets",
  "serviceaccounts",
  "events",
];

/** While Pods end, the namespace is looked at again this often. */
const RECHECK_MS = 1_000;

export class NamespaceController {
  readonly #context: ControllerContext;

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  /** Completes an active namespace; purges a terminating one, and removes it once it is empty. */
  async sync(name: string, dirty: string): Promise<void> {
    const { store, now, hint } = this.#context;
    const syncKey = `namespaces|${name}`;
    const namespace = await store.get("namespaces", name);
    const txn = new Txn().clean(syncKey, dirty);
    if (namespace !== null && namespace.value.metadata.deletionTimestamp === undefined) {
      await this.#complete(namespace);
    } else if (namespace !== null) {
      let left = 0;
      for (const resource of purged) left += await this.#purge(resource, name);
      const finalizers = (namespace.value as StoredObject).metadata.finalizers ?? [];
      if (left > 0) {
        setTimer(txn, syncKey, now() + RECHECK_MS);
        hint(now() + RECHECK_MS);
      } else if (finalizers.length === 0) {
        removeObject(txn, "namespaces", namespace);
      }
    }
    const result = await store.commit(txn);
    if (!result.ok) await this.sync(name, dirty);
  }

  /** Makes what a client has deleted. */
  async #complete(namespace: Stored<StoredObject>): Promise<void> {
    const { store, now } = this.#context;
    const { key, rv } = namespace;
    const certificate = await sharedCertificate(store);
    const contents = namespaceContents(key, certificate ?? "", now());
    for (const resource of ["serviceaccounts", "configmaps"] as const) {
      if (resource === "configmaps" && certificate === null) continue;
      // Most often it exists. A namespace that has changed has been marked once more.
      const txn = new Txn().check("namespaces", key, rv);
      createObject(txn, resource, contents[resource], now());
      await store.commit(txn);
    }
  }

  /** Number of objects that are still there after deletion was asked for. */
  async #purge(resource: Resource, namespace: string): Promise<number> {
    const { store, templates, now } = this.#context;
    const keys = await store.keys(resource, { namespace });
    for (const key of keys) {
      await deleteObject(store, templates, resource, key, { propagation: "Background" }, now());
    }
    return keys.length === 0 ? 0 : (await store.keys(resource, { namespace })).length;
  }
}
