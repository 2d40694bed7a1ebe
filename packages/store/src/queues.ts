// The BullMQ queues: their names, payloads and options. The queue tells who does what; the store tells what is true.
import { type JobsOptions, Queue } from "bullmq";
import type { RedisClient } from "./connection.ts";
import { z } from "zod";
import type { Store } from "./store.ts";

/** BullMQ's prefix: in the cell's hash tag, so queues and objects share a Cluster slot. */
export const queuePrefix = (store: Store): string => `{${store.cell}}:q`;

export const queueNames = {
  /** One job a wake-up of a controller: `jobs|ns/name`, `cronjobs|ns/name`... */
  sync: "sync",
  /** One job a Pod that names no runtime: waiting while Pending, active while it runs. */
  pods: "pods",
  /** Repeatable: removes finished Jobs after their TTL, expired Events, old finished Pods. */
  cleanup: "cleanup",
} as const;

/** Runtimes that a Pod may name in `spec.runtimeClassName`. */
export const runtimeNames = ["process", "docker", "ecs", "simulated"] as const;

/** Pods that name a runtime wait on a queue of its own, which only workers that have it read. */
export const podQueueName = (runtimeClassName: string | undefined): string =>
  runtimeClassName === undefined ? queueNames.pods : `${queueNames.pods}-${runtimeClassName}`;

/** Every queue, for those who show them. */
export const allQueueNames: readonly string[] = [
  queueNames.sync,
  queueNames.pods,
  ...runtimeNames.map(podQueueName),
  queueNames.cleanup,
];

export const syncPayload = z.object({ key: z.string() });
export type SyncPayload = z.infer<typeof syncPayload>;

export const podPayload = z.object({
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
});
export type PodPayload = z.infer<typeof podPayload>;

/** What operators see of ended Pods in the queue; the Pods themselves are in the store. */
const KEEP_ENDED_PODS = 1_000;

const syncOptions = (key: string): JobsOptions => ({
  // One sync of a key at a time; a wake-up during one runs it once more.
  deduplication: { id: key, keepLastIfActive: true },
  removeOnComplete: true,
  removeOnFail: 100,
});

/** What controllers and workers ask of the queues. */
export type WakeQueues = Pick<Queues, "wake" | "enqueuePods">;

/** The same, for who answers for Pods that a worker left behind. */
export type ControllerQueues = WakeQueues & Pick<Queues, "requeuePods">;

export class Queues {
  readonly sync: Queue<SyncPayload>;
  readonly #pods = new Map<string, Queue<PodPayload>>();
  readonly #prefix: string;
  /** The store's: what is sent at the same time to objects and to queues leaves in one write. */
  readonly #connection: RedisClient;

  constructor(store: Store) {
    this.#prefix = queuePrefix(store);
    this.#connection = store.redis;
    this.sync = new Queue<SyncPayload>(queueNames.sync, this.#options);
    this.sync.on("error", ignore);
  }

  get #options() {
    return { connection: this.#connection, prefix: this.#prefix };
  }

  /** The queue of that name (see `podQueueName`). */
  pods(name: string): Queue<PodPayload> {
    let queue = this.#pods.get(name);
    if (queue === undefined) {
      queue = new Queue<PodPayload>(name, this.#options);
      queue.on("error", ignore);
      this.#pods.set(name, queue);
    }
    return queue;
  }

  /** Asks for a sync of each key. Losing this call is mended by the dirty marks of the store. */
  async wake(keys: readonly string[]): Promise<void> {
    const [first] = keys;
    if (first === undefined) return;
    if (keys.length === 1) {
      await this.sync.add(first, { key: first }, syncOptions(first));
      return;
    }
    await this.sync.addBulk(
      keys.map((key) => ({ name: key, data: { key }, opts: syncOptions(key) })),
    );
  }

  /** Puts Pods on their queues; those already there stay as they are (the uid is the job id). */
  async enqueuePods(pods: readonly (PodPayload & { readonly queue: string })[]): Promise<void> {
    const byQueue = new Map<string, PodPayload[]>();
    for (const { queue, namespace, name, uid } of pods) {
      const entry = byQueue.get(queue);
      if (entry === undefined) byQueue.set(queue, [{ namespace, name, uid }]);
      else entry.push({ namespace, name, uid });
    }
    await Promise.all([...byQueue].map(([queue, payloads]) => this.#addPods(queue, payloads)));
  }

  /**
   * Sees to it that Pods are handed out again. Those on their queue, or active under a worker that
   * died (the stalled check hands them out), stay; a job that ended is put there anew.
   */
  async requeuePods(pods: readonly (PodPayload & { readonly queue: string })[]): Promise<void> {
    for (const { queue, namespace, name, uid } of pods) {
      const bullQueue = this.pods(queue);
      const found = await bullQueue.getJob(uid);
      const state = await found?.getState();
      // Ended, or in none of its lists: a job of this id would be taken for one that is there.
      const over = state === "completed" || state === "failed" || state === "unknown";
      if (found !== undefined && !over) continue;
      await found?.remove();
      await this.#addPods(queue, [{ namespace, name, uid }]);
    }
  }

  async #addPods(queue: string, payloads: readonly PodPayload[]): Promise<void> {
    const jobs = payloads.map(podJob);
    const [first] = jobs;
    // A pipeline for one command costs more than the command.
    if (jobs.length === 1 && first !== undefined) {
      await this.pods(queue).add(first.name, first.data, first.opts);
    } else {
      await this.pods(queue).addBulk(jobs);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.sync.close(), ...[...this.#pods.values()].map((q) => q.close())]);
  }
}

/** BullMQ prints what nobody listens to; callers see a lost server by their own failing commands. */
const ignore = (): void => {};

const podJob = (pod: PodPayload) => ({
  name: `${pod.namespace}/${pod.name}`,
  data: pod,
  opts: {
    jobId: pod.uid,
    attempts: 1,
    removeOnComplete: { count: KEEP_ENDED_PODS },
    removeOnFail: { count: KEEP_ENDED_PODS },
  },
});
