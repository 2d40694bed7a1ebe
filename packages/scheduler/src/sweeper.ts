// Mends what a crash can leave between a commit and the queue: Pods that were to be enqueued and were not.
import { unqueuedPods } from "@gantry/store";
import type { ControllerContext } from "./controller-context.ts";

export const SWEEP_EVERY_MS = 2_000;

export class Sweeper {
  readonly #context: ControllerContext;
  #unqueuedBefore = new Set<string>();

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  /**
   * What is still unqueued since the last sweep was forgotten by whoever was to see to it. Doing it
   * again is harmless; resolves with how many Pods were enqueued.
   */
  async sweep(): Promise<number> {
    const { store, queues, log, metrics } = this.#context;
    const pods = await unqueuedPods(store);
    const forgotten = pods.filter((pod) => this.#unqueuedBefore.has(pod.uid));
    this.#unqueuedBefore = new Set(pods.map((pod) => pod.uid));
    if (forgotten.length === 0) return 0;
    await queues.enqueuePods(forgotten);
    metrics?.resync.repaired("pod_not_enqueued", forgotten.length);
    log.info({ pods: forgotten.length }, "enqueued pods that were committed and not on the queue");
    return forgotten.length;
  }
}
