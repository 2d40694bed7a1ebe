// A cell of real workers with the simulated runtime, for tests of placement.
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PodRecord, PodSpec, WireNode } from "@gantry/core";
import {
  createPod,
  enqueuePods,
  queuedPod,
  Queues,
  Store,
  type StoredObject,
  Txn,
  updateObject,
  updatePod,
} from "@gantry/store";
import { waitFor } from "@gantry/store/testing/wait-for";
import { pino } from "pino";
import { type RunningWorker, startWorker, type WorkerOptions } from "../src/start-worker.ts";

const SIMULATED_RUN_MS = "gantry.dev/simulated-run-ms";

export class PlacementCell {
  readonly store: Store;
  readonly #queues: Queues;
  readonly #url: string;
  readonly #directory = mkdtempSync(join(tmpdir(), "gantry-placement-"));
  readonly #workers: RunningWorker[] = [];

  constructor(url: string) {
    this.#url = url;
    this.store = new Store({ connection: { url } });
    this.#queues = new Queues(this.store);
  }

  async worker(node: string, options: Partial<WorkerOptions> = {}): Promise<RunningWorker> {
    const worker = await startWorker({
      redis: { url: this.#url },
      log: pino({ level: "silent" }),
      dataDir: this.#directory,
      node,
      runtimes: ["simulated"],
      defaultRuntime: "simulated",
      concurrency: 100,
      listen: { host: "127.0.0.1", port: 0 },
      drain: "stop",
      ...options,
    });
    this.#workers.push(worker);
    return worker;
  }

  /** Pods without a Job that run for `runMs`. */
  async pods(prefix: string, count: number, spec: PodSpec, runMs: number): Promise<string[]> {
    const txn = new Txn();
    const made = Array.from({ length: count }, (_, n): PodRecord => ({
      namespace: "default",
      name: `${prefix}-${n}`,
      uid: randomUUID(),
      createdAtMs: Date.now(),
      tracked: false,
      phase: "Pending",
      ready: false,
      containers: [],
      meta: { annotations: { [SIMULATED_RUN_MS]: String(runMs) } },
      spec: { restartPolicy: "Never", ...spec },
    }));
    for (const pod of made) createPod(txn, pod);
    const queued = made.map((pod) => queuedPod(pod, pod.spec));
    await this.store.commit(enqueuePods(txn, queued, Date.now()));
    return made.map(({ name }) => `default/${name}`);
  }

  async pod(key: string): Promise<PodRecord> {
    const pod = await this.store.get("pods", key);
    if (pod === null) throw new Error(`pod ${key} is gone`);
    return pod.value;
  }

  async all(keys: readonly string[]): Promise<PodRecord[]> {
    return Promise.all(keys.map((key) => this.pod(key)));
  }

  /** Resolves with the message of PodScheduled=False, once it is what is expected. */
  unschedulable(key: string, expected: string): Promise<string> {
    return waitFor(`${key} to be unschedulable`, async () => {
      const condition = (await this.pod(key)).conditions?.find(
        ({ type, status }) => type === "PodScheduled" && status === "False",
      );
      if (condition?.message !== expected) throw new Error(condition?.message ?? "no condition");
      return condition.message;
    });
  }

  succeeded(keys: readonly string[], timeoutMs = 60_000): Promise<PodRecord[]> {
    return waitFor(
      `${keys.length} pods to succeed`,
      async () => {
        const pods = await this.all(keys);
        return pods.every(({ phase }) => phase === "Succeeded") ? pods : undefined;
      },
      timeoutMs,
    );
  }

  async node(name: string): Promise<WireNode | undefined> {
    return (await this.store.get("nodes", name))?.value as WireNode | undefined;
  }

  /** As a user's PATCH of the Pod does. */
  async changePod(key: string, change: (pod: PodRecord) => PodRecord): Promise<void> {
    for (;;) {
      const before = await this.store.get("pods", key);
      if (before === null) throw new Error(`pod ${key} is gone`);
      const txn = new Txn();
      updatePod(txn, before, change(before.value));
      if ((await this.store.commit(txn)).ok) return;
    }
  }

  /** As a user's PATCH of the Node does. */
  async changeNode(name: string, change: (node: StoredObject) => StoredObject): Promise<void> {
    const before = await this.store.get("nodes", name);
    if (before === null) throw new Error(`node ${name} is gone`);
    const txn = new Txn();
    updateObject(txn, "nodes", before, change(before.value));
    await this.store.commit(txn);
  }

  async events(key: string, reason: string): Promise<StoredObject[]> {
    const keys = await this.store.keys("events");
    const found = await this.store.getMany("events", keys);
    return found.flatMap((event) => {
      const value = event?.value as unknown as
        | { reason: string; involvedObject: { name: string } }
        | undefined;
      const about = value?.reason === reason && key.endsWith(`/${value.involvedObject.name}`);
      return about && event !== null ? [event.value as StoredObject] : [];
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
    await this.#queues.close();
    await this.store.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
