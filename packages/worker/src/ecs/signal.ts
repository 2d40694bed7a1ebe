// Something to wait for that may happen again and again; what happened before the wait counts.

/** Longer waits are cut: their callers look again. */
const WAIT_MAX_MS = 60_000;

export class Signal {
  #raised = false;
  #wake: (() => void) | undefined;

  raise(): void {
    this.#raised = true;
    this.#wake?.();
  }

  /** Resolves when it was raised since the last wait, or after this long. For one waiter. */
  async wait(ms: number): Promise<void> {
    if (!this.#raised) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(0, Math.min(ms, WAIT_MAX_MS)));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    this.#raised = false;
  }
}
