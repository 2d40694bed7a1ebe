// Wakes controllers for many Pods at once: what comes while a call is under way goes with the next.
import type { WakeQueues } from "@gantry/store";
import type { Logger } from "pino";

export class WakeBatch {
  readonly #queues: WakeQueues;
  readonly #log: Logger;
  #keys = new Set<string>();
  #sending: Promise<void> | null = null;

  constructor(queues: WakeQueues, log: Logger) {
    this.#queues = queues;
    this.#log = log;
  }

  /** The keys are marked dirty in the store already, so a call that fails is made up for by the sweep. */
  wake(key: string): void {
    this.#keys.add(key);
    this.#sending ??= this.#send();
  }

  async #send(): Promise<void> {
    await Promise.resolve();
    while (this.#keys.size > 0) {
      const keys = [...this.#keys];
      this.#keys = new Set();
      try {
        await this.#queues.wake(keys);
      } catch (error) {
        this.#log.warn(
          { err: error, keys: keys.length },
          "wake-up failed; the sweep makes up for it",
        );
      }
    }
    this.#sending = null;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#sending !== null) await this.#sending;
  }
}
