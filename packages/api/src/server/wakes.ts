// Puts Pods on their queues after a commit. Requests do not wait for it: the marks in the store mend what is lost.
import type { QueuedPod, Queues } from "@gantry/store";
import type { Logger } from "pino";

export class Wakes {
  readonly #queues: Queues;
  readonly #log: Logger;
  readonly #pending = new Set<Promise<void>>();

  constructor(queues: Queues, log: Logger) {
    this.#queues = queues;
    this.#log = log;
  }

  enqueue(pods: readonly QueuedPod[]): void {
    if (pods.length > 0) this.#track(this.#queues.enqueuePods(pods), "enqueueing");
  }

  #track(work: Promise<void>, what: string): void {
    const done = work
      .catch((error: unknown) =>
        this.#log.warn({ err: error }, `${what} failed; the scheduler will find it`),
      )
      .finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  /** Waits for what is under way, at most this long. */
  async drain(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([Promise.all(this.#pending), timeout]);
    clearTimeout(timer);
  }
}
