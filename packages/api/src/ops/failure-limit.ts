// Slows down whoever guesses tokens: after some failures an address has to wait.

/** A person mistypes a few times; a program that guesses gets ten tries a minute. */
const FAILURES_MAX = 10;
const WINDOW_MS = 60_000;
/** Addresses remembered; beyond this the oldest are forgotten. */
const ADDRESSES_MAX = 10_000;

export class FailureLimit {
  readonly #failures = new Map<string, { count: number; readonly sinceMs: number }>();

  /** Seconds that the address has to wait; 0 when it may try. */
  waitSeconds(address: string, nowMs: number): number {
    const entry = this.#failures.get(address);
    if (entry === undefined) return 0;
    const leftMs = entry.sinceMs + WINDOW_MS - nowMs;
    if (leftMs <= 0) {
      this.#failures.delete(address);
      return 0;
    }
    return entry.count < FAILURES_MAX ? 0 : Math.ceil(leftMs / 1000);
  }

  failed(address: string, nowMs: number): void {
    const entry = this.#failures.get(address);
    if (entry !== undefined && entry.sinceMs + WINDOW_MS > nowMs) {
      entry.count += 1;
      return;
    }
    this.#failures.delete(address);
    this.#failures.set(address, { count: 1, sinceMs: nowMs });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > ADDRESSES_MAX && oldest !== undefined) this.#failures.delete(oldest);
  }
}
