// What people do to Jobs and Pods while they run, through an API that may die in the middle of it.
import { isTerminal, type Job, type Propagation, rfc3339 } from "@gantry/core";
import {
  createObject,
  deleteObject,
  type Store,
  Templates,
  Txn,
  updateObject,
  updatePod,
} from "@gantry/store";
import type { World } from "./world.ts";

export class User {
  readonly #world: World;
  readonly #store: Store;
  readonly #templates: Templates;

  constructor(world: World, store: Store) {
    this.#world = world;
    this.#store = store;
    this.#templates = new Templates(store);
  }

  async create(job: Job): Promise<void> {
    const { namespace, name } = job.metadata;
    const txn = new Txn().dirty(`jobs|${namespace}/${name}`);
    createObject(txn, "jobs", job, this.#world.nowMs);
    await this.#store.commit(txn);
  }

  async change(key: string, change: (spec: Job["spec"]) => Partial<Job["spec"]>): Promise<void> {
    for (;;) {
      const stored = await this.#store.get("jobs", key);
      if (stored === null || stored.value.metadata.deletionTimestamp !== undefined) return;
      const { value } = stored;
      const metadata = { ...value.metadata, generation: value.metadata.generation + 1 };
      const spec = { ...value.spec, ...change(value.spec) };
      const txn = new Txn().dirty(`jobs|${key}`);
      updateObject(txn, "jobs", stored, { ...value, metadata, spec });
      if ((await this.#store.commit(txn)).ok) break;
    }
  }

  async deleteJob(key: string, propagation: Propagation): Promise<void> {
    const request = { propagation };
    await deleteObject(this.#store, this.#templates, "jobs", key, request, this.#world.nowMs);
  }

  async deletePod(key: string, graceSeconds?: number): Promise<void> {
    await deleteObject(
      this.#store,
      this.#templates,
      "pods",
      key,
      { propagation: "Background", graceSeconds },
      this.#world.nowMs,
    );
  }

  /** R85, in two steps as the API takes them. */
  async evict(key: string): Promise<void> {
    for (;;) {
      const stored = await this.#store.get("pods", key);
      if (stored === null) return;
      const pod = stored.value;
      if (isTerminal(pod) || pod.phase === "Pending" || pod.deletion !== undefined) break;
      const disrupted = {
        type: "DisruptionTarget",
        status: "True",
        lastTransitionTime: rfc3339(this.#world.nowMs),
        reason: "EvictionByEvictionAPI",
        message: "Eviction API: evicting",
      };
      const txn = new Txn();
      updatePod(txn, stored, { ...pod, conditions: [...(pod.conditions ?? []), disrupted] });
      if ((await this.#store.commit(txn)).ok) break;
    }
    await this.deletePod(key);
  }
}
