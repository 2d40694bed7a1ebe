// The workqueue_* families of the controllers, for the store's workqueue.
import { type Store, suffix } from "@gantry/store";
import { Counter, exponentialBuckets, Gauge, Histogram, type Registry } from "prom-client";

/** The queues of kube-controller-manager that have a part here. */
const queueLabels = ["job", "job_orphan_pod", "cronjob", "ttl_jobs_to_delete"] as const;
type QueueLabel = (typeof queueLabels)[number];

/** Name of the queue of expired Jobs, which are not on the workqueue. */
export const TTL_QUEUE: QueueLabel = "ttl_jobs_to_delete";

/** Kubernetes' own buckets: 10 ns to 1000 s. */
const buckets = exponentialBuckets(1e-8, 10, 12);

/** Keys looked at to split the depth by kind; with more than this it is an estimate. */
const DEPTH_SAMPLE = 1_000;

/** A scrape does not wait longer for Redis; the depth is then missing from it. */
const DEPTH_WITHIN_MS = 1_000;

/** `undefined` for keys of controllers that have no such queue (namespaces, owners of other kinds). */
export const queueOfSyncKey = (key: string): QueueLabel | undefined => {
  if (key.startsWith("jobs|")) return "job";
  if (key.startsWith("cronjobs|")) return "cronjob";
  return key.startsWith("gc|jobs|") ? "job_orphan_pod" : undefined;
};

export class WorkQueueMetrics {
  readonly #adds;
  readonly #retries;
  readonly #queueDuration;
  readonly #workDuration;
  readonly #running = new Map<symbol, { readonly queue: QueueLabel; readonly sinceMs: number }>();

  constructor(registry: Registry, store: Store, now: () => number) {
    const registers = [registry];
    const labelNames = ["name"] as const;
    this.#adds = new Counter({
      name: "workqueue_adds_total",
      help: "Keys handled by the queue, counted when they are taken.",
      labelNames,
      registers,
    });
    this.#retries = new Counter({
      name: "workqueue_retries_total",
      help: "Keys that are tried again since handling them failed.",
      labelNames,
      registers,
    });
    this.#queueDuration = new Histogram({
      name: "workqueue_queue_duration_seconds",
      help: "How long a key waited.",
      labelNames,
      buckets,
      registers,
    });
    this.#workDuration = new Histogram({
      name: "workqueue_work_duration_seconds",
      help: "How long handling a key took.",
      labelNames,
      buckets,
      registers,
    });
    this.#gauges(registry, store, now);
    for (const name of queueLabels) {
      this.#adds.inc({ name }, 0);
      this.#retries.inc({ name }, 0);
    }
  }

  #gauges(registry: Registry, store: Store, now: () => number): void {
    const registers = [registry];
    const running = (): ReadonlyMap<QueueLabel, readonly number[]> => this.#runningSeconds();
    const gauge = (name: string, help: string, value: (seconds: readonly number[]) => number) =>
      new Gauge({
        name,
        help,
        labelNames: ["name"],
        registers,
        collect() {
          for (const [queue, seconds] of running()) this.set({ name: queue }, value(seconds));
        },
      });
    gauge(
      "workqueue_unfinished_work_seconds",
      "Sum of how long the keys that are being handled have taken so far.",
      (seconds) => seconds.reduce((sum, one) => sum + one, 0),
    );
    gauge(
      "workqueue_longest_running_processor_seconds",
      "How long the key that has been handled longest has taken so far.",
      (seconds) => Math.max(0, ...seconds),
    );
    new Gauge({
      name: "workqueue_depth",
      help: "Keys that have something to look at (in the whole cell).",
      labelNames: ["name"],
      registers,
      async collect() {
        this.reset();
        const depths = await depthsWithin(store, now());
        for (const [queue, depth] of depths) this.set({ name: queue }, depth);
      },
    });
  }

  /** Does the work of a key, and times it. Both times in Unix ms; a negative wait counts as none. */
  async run<T>(
    queue: QueueLabel | undefined,
    addedAtMs: number,
    takenAtMs: number,
    work: () => Promise<T>,
  ): Promise<T> {
    if (queue === undefined) return work();
    const name = { name: queue };
    this.#adds.inc(name);
    this.#queueDuration.observe(name, Math.max(0, takenAtMs - addedAtMs) / 1000);
    const id = Symbol(queue);
    const sinceMs = performance.now();
    this.#running.set(id, { queue, sinceMs });
    try {
      return await work();
    } catch (error) {
      this.#retries.inc(name);
      throw error;
    } finally {
      this.#running.delete(id);
      this.#workDuration.observe(name, (performance.now() - sinceMs) / 1000);
    }
  }

  #runningSeconds(): ReadonlyMap<QueueLabel, readonly number[]> {
    const seconds = new Map<QueueLabel, number[]>(queueLabels.map((queue) => [queue, []]));
    for (const { queue, sinceMs } of this.#running.values()) {
      seconds.get(queue)?.push((performance.now() - sinceMs) / 1000);
    }
    return seconds;
  }
}

/** Depths by queue; none when Redis does not answer. */
const depthsWithin = async (
  store: Store,
  nowMs: number,
): Promise<ReadonlyMap<QueueLabel, number>> => {
  let timeout: NodeJS.Timeout | undefined;
  const late = new Promise<ReadonlyMap<QueueLabel, number>>((resolve) => {
    timeout = setTimeout(() => resolve(new Map()), DEPTH_WITHIN_MS);
  });
  try {
    return await Promise.race([depths(store, nowMs).catch(() => new Map()), late]);
  } finally {
    clearTimeout(timeout);
  }
};

const depths = async (store: Store, nowMs: number): Promise<ReadonlyMap<QueueLabel, number>> => {
  const dirty = store.key(suffix.dirty);
  const [total, sample, expired] = await Promise.all([
    store.redis.hlen(dirty),
    store.redis.hrandfield(dirty, DEPTH_SAMPLE) as Promise<string[]>,
    store.redis.zcount(store.key(suffix.ttl), "-inf", nowMs),
  ]);
  const found = new Map<QueueLabel, number>(queueLabels.map((queue) => [queue, 0]));
  for (const key of sample) {
    const queue = queueOfSyncKey(key);
    if (queue !== undefined) found.set(queue, (found.get(queue) ?? 0) + 1);
  }
  const scale = sample.length === 0 ? 0 : Math.max(1, total / sample.length);
  for (const [queue, count] of found) found.set(queue, Math.round(count * scale));
  return found.set(TTL_QUEUE, expired);
};
