// The fake's only source of time: the wall clock, or a clock that a test holds and moves.

export interface Clock {
  nowMs(): number;
  /** Runs once when `delayMs` have passed; the returned function cancels. */
  after(delayMs: number, run: () => void): () => void;
}

interface Waiting {
  readonly atMs: number;
  readonly run: () => void;
}

/**
 * Follows the wall clock unless `frozenAtMs` is given, and can be moved ahead by hand in both
 * cases: what was to happen in between happens, in order, before `advance` returns.
 */
export class MovableClock implements Clock {
  readonly #frozen: boolean;
  #offsetMs: number;
  readonly #waiting = new Set<Waiting>();
  readonly #timers = new Map<Waiting, NodeJS.Timeout>();

  constructor(frozenAtMs?: number) {
    this.#frozen = frozenAtMs !== undefined;
    this.#offsetMs = frozenAtMs ?? 0;
  }

  nowMs(): number {
    return this.#frozen ? this.#offsetMs : Date.now() + this.#offsetMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const waiting = { atMs: this.nowMs() + Math.max(0, delayMs), run };
    this.#waiting.add(waiting);
    if (!this.#frozen) this.#arm(waiting);
    return () => this.#forget(waiting);
  }

  advance(byMs: number): void {
    const endMs = this.nowMs() + byMs;
    for (;;) {
      const due = [...this.#waiting]
        .filter(({ atMs }) => atMs <= endMs)
        .toSorted((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#offsetMs += Math.max(0, due.atMs - this.nowMs());
      this.#forget(due);
      due.run();
    }
    this.#offsetMs += Math.max(0, endMs - this.nowMs());
    if (!this.#frozen) for (const waiting of this.#waiting) this.#arm(waiting);
  }

  /** Cancels everything that still waits. */
  stop(): void {
    for (const waiting of [...this.#waiting]) this.#forget(waiting);
  }

  #arm(waiting: Waiting): void {
    clearTimeout(this.#timers.get(waiting));
    const timer = setTimeout(
      () => {
        this.#forget(waiting);
        waiting.run();
      },
      Math.max(0, waiting.atMs - this.nowMs()),
    );
    this.#timers.set(waiting, timer);
  }

  #forget(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    clearTimeout(this.#timers.get(waiting));
    this.#timers.delete(waiting);
  }
}
