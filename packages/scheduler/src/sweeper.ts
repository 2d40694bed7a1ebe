// Mends what a crash can leave between two steps: wake-ups and enqueues that were promised and not done.
import { enqueueMarked, suffix, unqueuedPods } from "@gantry/store";
import type { ControllerContext } from "./controller-context.ts";

export const SWEEP_EVERY_MS = 2_000;

export class Sweeper {
  readonly #context: ControllerContext;
  #dirtyBefore = new Map<string, string>();
  #unqueuedBefore = new Set<string>();

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  /**
   * What is still dirty or unqueued since the last sweep, unchanged, was forgotten by whoever was to
   * see to it. Doing it again is harmless; resolves with how much was mended.
   */
  async sweep(): Promise<{ woken: number; enqueued: number }> {
    return { woken: await this.#dirty(), enqueued: await this.#unqueued() };
  }

  async #dirty(): Promise<number> {
    const { store, queues, log } = this.#context;
    const dirty = new Map(Object.entries(await store.redis.hgetall(store.key(suffix.dirty))));
    const forgotten = [...dirty].flatMap(([key, count]) =>
      this.#dirtyBefore.get(key) === count ? [key] : [],
    );
    this.#dirtyBefore = dirty;
    if (forgotten.length === 0) return 0;
    await queues.wake(forgotten);
    log.debug({ keys: forgotten.length }, "woke what was still dirty");
    return forgotten.length;
  }

  async #unqueued(): Promise<number> {
    const { store, queues, log, metrics } = this.#context;
    const pods = await unqueuedPods(store);
    const forgotten = pods.filter((pod) => this.#unqueuedBefore.has(pod.uid));
    this.#unqueuedBefore = new Set(pods.map((pod) => pod.uid));
    if (forgotten.length === 0) return 0;
    await enqueueMarked(store, queues, forgotten);
    metrics?.resync.repaired("pod_not_enqueued", forgotten.length);
    log.info({ pods: forgotten.length }, "enqueued pods that were committed and not on the queue");
    return forgotten.length;
  }
}
