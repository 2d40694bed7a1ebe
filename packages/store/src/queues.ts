// The BullMQ queues. The queue tells who does what; the store tells what is true.
import { Queue } from "bullmq";
import type { RedisClient } from "./connection.ts";
import { queuePrefix } from "./pod-queue.ts";
import type { PodPayload } from "./queue-names.ts";
import { enqueuePods, type QueuedPod } from "./queued-pods.ts";
import type { Store } from "./store.ts";
import { Txn } from "./txn.ts";

/** What controllers ask of the queues. */
export type ControllerQueues = Pick<Queues, "requeuePods">;

export class Queues {
  readonly #pods = new Map<string, Queue<PodPayload>>();
  readonly #prefix: string;
  readonly #store: Store;
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
   * Sees to it that Pods are handed out again. Those on their queue, or active under a worker that
   * died (the stalled check hands them out), stay; a job that ended is put there anew.
   */
  async requeuePods(pods: readonly QueuedPod[]): Promise<void> {
    for (const pod of pods) {
      const found = await this.pods(pod.queue).getJob(pod.uid);
      const state = await found?.getState();
      // Ended, or in none of its lists: a job of this id would be taken for one that is there.
      const over = state === "completed" || state === "failed" || state === "unknown";
      if (found !== undefined && !over) continue;
      await found?.remove();
      await this.#store.commit(enqueuePods(new Txn(), [pod], Date.now()));
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pods.values()].map((queue) => queue.close()));
  }
}

/** BullMQ prints what nobody listens to; callers see a lost server by their own failing commands. */
const ignore = (): void => {};
