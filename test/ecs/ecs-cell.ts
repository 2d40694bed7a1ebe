// A cell of real workers with the ecs runtime, on a fake ECS and a real Redis, for tests.
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EcsSettingsFile, parseEcsSettings, type PodRecord, type PodSpec } from "@gantry/core";
import {
  createPod,
  enqueuePods,
  queuedPod,
  Queues,
  readTaskRecord,
  Store,
  type TaskRecord,
  Txn,
  updatePod,
  writePod,
} from "@gantry/store";
import { type RunningWorker, startWorker, type WorkerOptions } from "@gantry/worker";
import { pino } from "pino";
import { type FakeEcs, startFakeEcs } from "../fake-ecs/fake-ecs.ts";
import { gantryConfig } from "../fake-ecs/gantry-config.ts";
import type { TaskRun } from "../fake-ecs/journal.ts";
import type { FakeEcsOptions } from "../fake-ecs/settings.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait-for.ts";

export type Settings = Partial<Record<keyof EcsSettingsFile, unknown>>;

const log = pino({ level: process.env["GANTRY_TEST_LOG"] ?? "silent" });

/** Limits of an account that has none, as far as tests go. */
export const unlimited = Object.fromEntries(
  [
    "clusterModify",
    "clusterRead",
    "definitionModify",
    "definitionRead",
    "definitionDelete",
    "fargateRunTask",
    "fargateOnDemand",
    "fargateSpot",
  ].map((bucket) => [bucket, { burst: 1000, perSecond: 1000 }]),
);

export const shellPod = (script: string, more: PodSpec = {}): PodSpec => ({
  restartPolicy: "Never",
  containers: [{ name: "main", image: "busybox", command: ["/bin/sh", "-c", script] }],
  ...more,
});

export class EcsCell {
  readonly fake: FakeEcs;
  readonly redis: TestRedis;
  readonly store: Store;
  readonly queues: Queues;
  readonly directory = mkdtempSync(join(tmpdir(), "gantry-ecs-"));
  readonly #settings: Settings;
  readonly #workers = new Set<RunningWorker>();
  readonly #environment: Record<string, string | undefined>;

  private constructor(fake: FakeEcs, redis: TestRedis, settings: Settings) {
    this.fake = fake;
    this.redis = redis;
    this.#settings = settings;
    this.store = new Store({ connection: { url: redis.url } });
    this.queues = new Queues(this.store);
    // The SDK finds the fake as in any process of a user's: by the environment.
    this.#environment = Object.fromEntries(
      Object.keys(fake.environment).map((name) => [name, process.env[name]]),
    );
    Object.assign(process.env, fake.environment);
  }

  static async open(fake: FakeEcsOptions = {}, settings: Settings = {}): Promise<EcsCell> {
    const started = await startFakeEcs({ rates: null, quotas: { fargateVcpu: 1000 }, ...fake });
    const cell = new EcsCell(started, await startRedis(), settings);
    await cell.store.open();
    return cell;
  }

  settings(more: Settings = {}): ReturnType<typeof parseEcsSettings> {
    const watch = { ...(this.#settings["watch"] as object | undefined) };
    const all = { rates: unlimited, ...this.#settings, watch, ...more };
    return parseEcsSettings(gantryConfig(this.fake, all));
  }

  async worker(
    node: string,
    more: Settings = {},
    options: Partial<WorkerOptions> = {},
  ): Promise<RunningWorker> {
    const worker = await startWorker({
      redis: { url: this.redis.url },
      log,
      dataDir: this.directory,
      node,
      runtimes: ["ecs"],
      defaultRuntime: "ecs",
      ecs: this.settings(more),
      concurrency: 500,
      listen: { host: "127.0.0.1", port: 0 },
      drain: "wait",
      ...options,
    });
    this.#workers.add(worker);
    return worker;
  }

  async stop(worker: RunningWorker): Promise<void> {
    this.#workers.delete(worker);
    await worker.close();
  }

  /** Pods without a Job, or of one that is nothing but a name and a uid; resolves with their keys. */
  async pods(
    prefix: string,
    count: number,
    spec: PodSpec,
    job?: PodRecord["job"],
  ): Promise<string[]> {
    const txn = new Txn();
    const made = Array.from({ length: count }, (_, n): PodRecord => ({
      namespace: "default",
      name: `${prefix}-${n}`,
      uid: randomUUID(),
      createdAtMs: Date.now(),
      tracked: false,
      ...(job === undefined ? {} : { job }),
      phase: "Pending",
      ready: false,
      containers: [],
      spec,
    }));
    for (const pod of made) createPod(txn, pod);
    const queued = made.map((pod) => queuedPod(pod, pod.spec));
    await this.store.commit(enqueuePods(txn, queued, Date.now()));
    return made.map(({ name }) => `default/${name}`);
  }

  async onePod(script: string, more: PodSpec = {}): Promise<string> {
    const [key = ""] = await this.pods(`p-${randomUUID().slice(0, 6)}`, 1, shellPod(script, more));
    return key;
  }

  async pod(key: string): Promise<PodRecord> {
    const pod = await this.store.get("pods", key);
    if (pod === null) throw new Error(`pod ${key} is gone`);
    return pod.value;
  }

  async record(uid: string): Promise<TaskRecord | null> {
    return readTaskRecord(this.store, uid);
  }

  /** Asks for its deletion as the API does. */
  async delete(key: string, graceSeconds = 30): Promise<void> {
    for (;;) {
      const pod = await this.store.get("pods", key);
      if (pod === null) return;
      const txn = new Txn();
      const deletion = { requestedAtMs: Date.now(), graceSeconds };
      writePod(txn, pod, { ...pod.value, deletion });
      if ((await this.store.commit(txn)).ok) return;
    }
  }

  async change(key: string, change: (pod: PodRecord) => PodRecord): Promise<void> {
    for (;;) {
      const pod = await this.store.get("pods", key);
      if (pod === null) throw new Error(`pod ${key} is gone`);
      const txn = new Txn();
      updatePod(txn, pod, change(pod.value));
      if ((await this.store.commit(txn)).ok) return;
    }
  }

  async until<T>(
    what: string,
    key: string,
    look: (pod: PodRecord) => T | undefined | false,
    timeoutMs?: number,
  ): Promise<T> {
    return waitFor(
      `${key}: ${what}`,
      async () => {
        const pod = await this.store.get("pods", key);
        if (pod === null) return undefined;
        return look(pod.value) || undefined;
      },
      timeoutMs,
    );
  }

  /** The Pod once it has ended, as it was last seen. */
  ended(key: string, timeoutMs?: number): Promise<PodRecord> {
    return this.until(
      "ended",
      key,
      (pod) => (pod.phase === "Succeeded" || pod.phase === "Failed") && pod,
      timeoutMs,
    );
  }

  async gone(key: string): Promise<void> {
    await waitFor(`${key} to be gone`, async () =>
      (await this.store.get("pods", key)) === null ? true : undefined,
    );
  }

  /** Tasks that really were made for a Pod. */
  runs(uid: string): TaskRun[] {
    return this.fake.journal.runs.filter((run) => run.environment["GANTRY_POD_UID"] === uid);
  }

  /** No task runs, and nothing is kept of any. */
  async quiet(timeoutMs?: number): Promise<void> {
    await waitFor(
      "no task to run, no record to be left",
      async () => {
        const records = await this.store.redis.hlen(this.store.key("ecs:records"));
        return (records === 0 && this.fake.journal.live().length === 0) || undefined;
      },
      timeoutMs,
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.close()));
    await this.queues.close();
    await this.store.close();
    await this.redis.stop();
    await this.fake.close();
    for (const [name, value] of Object.entries(this.#environment)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}
