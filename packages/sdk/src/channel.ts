// Joins several producers into one async iterator, holding producers back while the reader is slow.

/** How many items may wait for the reader before producers wait. */
const CAPACITY = 256;

export class Channel<T> {
  readonly #items: T[] = [];
  #closed = false;
  #error: unknown;
  #wakeReader: (() => void) | undefined;
  #wakeWriters: (() => void)[] = [];

  /** Resolves when there is room for more; false when the channel is closed. */
  async push(item: T): Promise<boolean> {
    while (this.#items.length >= CAPACITY && !this.#closed) {
      await new Promise<void>((resolve) => this.#wakeWriters.push(resolve));
    }
    if (this.#closed) return false;
    this.#items.push(item);
    this.#wakeReader?.();
    return true;
  }

  /** No more items; with an error, the reader gets it after what is already there. */
  close(error?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    this.#wakeReader?.();
    this.#releaseWriters();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (;;) {
        const items = this.#items.splice(0);
        this.#releaseWriters();
        yield* items;
        if (this.#items.length > 0) continue;
        if (this.#closed) {
          if (this.#error !== undefined) throw this.#error;
          return;
        }
        await new Promise<void>((resolve) => (this.#wakeReader = resolve));
      }
    } finally {
      this.close();
    }
  }

  #releaseWriters(): void {
    const waiting = this.#wakeWriters;
    this.#wakeWriters = [];
    for (const wake of waiting) wake();
  }
}
