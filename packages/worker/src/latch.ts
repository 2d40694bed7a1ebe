// Something that happens once, or never, to a Pod that runs here. Every Pod has two of them and hardly any is
// ever raised, so it costs nothing until someone asks for its signal.

export class Latch {
  #raised = false;
  #waiting: (() => void)[] | undefined;
  #controller: AbortController | undefined;

  get raised(): boolean {
    return this.#raised;
  }

  /** For those who take an AbortSignal. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#raised) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  raise(): void {
    if (this.#raised) return;
    this.#raised = true;
    this.#controller?.abort();
    for (const call of this.#waiting ?? []) call();
    this.#waiting = undefined;
  }

  /** Calls back when it is raised, at once if it has been. */
  whenRaised(call: () => void): void {
    if (this.#raised) call();
    else (this.#waiting ??= []).push(call);
  }
}

/** `null` when the latch came first: what runs is left behind, or is not begun. */
export const untilRaised = <T>(run: () => Promise<T>, latch: Latch): Promise<T | null> =>
  new Promise((resolve, reject) => {
    latch.whenRaised(() => resolve(null));
    if (!latch.raised) run().then(resolve, reject);
  });
