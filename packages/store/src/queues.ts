// The BullMQ queues: their names, payloads and options. The queue tells who does what; the store tells what is true.
import { Queue } from "bullmq";
import { z } from "zod";
import type { RedisClient } from "./connection.ts";
import { type AddedPod, PodQueue, queuePrefix, unqueuedMark } from "./pod-queue.ts";
import type { Store } from "./store.ts";

export const queueNames = {
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
  queueNames.pods,
  ...runtimeNames.map(podQueueName),
  queueNames.cleanup,
];

export const podPayload = z.object({
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
});
export type PodPayload = z.infer<typeof podPayload>;

/** What controllers ask of the queues. */
export type ControllerQueues = Pick<Queues, "enqueuePods" | "requeuePods">;

export class Queues {
  readonly #pods = new Map<string, Queue<PodPayload>>();
  readonly #prefix: string;
  readonly #store: Store;
  readonly #adding = new Map<string, AddedPod[]>();
  #added: Promise<void> | null = null;
  /** The store's: what is sent at the same time to objects and to queues leaves in one write. */
  readonly #connection: RedisClient;

  constructor(store: Store) {
    this.#prefix = queuePrefix(store);
    this.#store = store;
    this.#connection = store.redis;
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

  /**
   * Puts Pods on their queues and takes their marks away (see unqueued.ts); those already there stay
   * as they are (the uid is the job id).
   */
  async enqueuePods(pods: readonly (PodPayload & { readonly queue: string })[]): Promise<void> {
    if (pods.length === 0) return;
    for (const pod of pods) {
      const added = { ...pod, mark: unqueuedMark(pod) };
      const entry = this.#adding.get(pod.queue);
      if (entry === undefined) this.#adding.set(pod.queue, [added]);
      else entry.push(added);
    }
    // What is to be added in one moment travels together.
    this.#added ??= Promise.resolve().then(() => this.#add());
    await this.#added;
  }

  /**
   * Sees to it that Pods are handed out again. Those on their queue, or active under a worker that
   * died (the stalled check hands them out), stay; a job that ended is put there anew.
   */
  async requeuePods(pods: readonly (PodPayload & { readonly queue: string })[]): Promise<void> {
    for (const pod of pods) {
      const found = await this.pods(pod.queue).getJob(pod.uid);
      const state = await found?.getState();
      // Ended, or in none of its lists: a job of this id would be taken for one that is there.
      const over = state === "completed" || state === "failed" || state === "unknown";
      if (found !== undefined && !over) continue;
      await found?.remove();
      await this.enqueuePods([pod]);
    }
  }

  async #add(): Promise<void> {
    const adding = [...this.#adding];
    this.#adding.clear();
    this.#added = null;
    const nowMs = Date.now();
    await Promise.all(
      adding.map(([name, pods]) => new PodQueue(this.#store, name).add(pods, nowMs)),
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pods.values()].map((queue) => queue.close()));
  }
}

/** BullMQ prints what nobody listens to; callers see a lost server by their own failing commands. */
const ignore = (): void => {};
