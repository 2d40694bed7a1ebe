// Wakes controllers when their timers are due: one sorted set, one sleeping loop.
import { dueTimers, popTimers, suffix } from "@gantry/store";
import type { ControllerContext } from "./controller-context.ts";

/** Timers set by another scheduler are seen after this long; its own are hinted. */
const POLL_MS = 1_000;

const BATCH = 1_000;

type Loop = Omit<ControllerContext, "hint">;

export class TimerLoop {
  readonly #context: Loop;
  readonly #onTtlDue: () => Promise<void>;
  #timeout: NodeJS.Timeout | undefined;
  #nextAtMs = Number.POSITIVE_INFINITY;
  #running = false;
  #closed = false;

  constructor(context: Loop, onTtlDue: () => Promise<void>) {
    this.#context = context;
    this.#onTtlDue = onTtlDue;
  }

  start(): void {
    this.#sleepUntil(0);
  }

  /** Something is due at this time, perhaps before what the loop sleeps for. */
  hint(dueAtMs: number): void {
    if (dueAtMs < this.#nextAtMs) this.#sleepUntil(dueAtMs);
  }

  #sleepUntil(atMs: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timeout);
    const nowMs = this.#context.now();
    this.#nextAtMs = Math.min(atMs, nowMs + POLL_MS);
    this.#timeout = setTimeout(() => void this.#tick(), Math.max(0, this.#nextAtMs - nowMs));
  }

  async #tick(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    let nextAtMs = Number.POSITIVE_INFINITY;
    try {
      nextAtMs = await this.fire();
    } catch (error) {
      this.#context.log.warn({ err: error }, "timers could not be read; trying again");
    } finally {
      this.#running = false;
      this.#sleepUntil(nextAtMs);
    }
  }

  /** Wakes what is due; resolves with when the next timer is. */
  async fire(): Promise<number> {
    const { store, now } = this.#context;
    const nowMs = now();
    const [{ due, nextAtMs }, ttl] = await Promise.all([
      dueTimers(store, nowMs, BATCH),
      store.redis.zrange(store.key(suffix.ttl), "0", "0", "WITHSCORES"),
    ]);
    await popTimers(store, due);
    const ttlAtMs = ttl[1] === undefined ? Number.POSITIVE_INFINITY : Number(ttl[1]);
    if (ttlAtMs <= nowMs) await this.#onTtlDue();
    return Math.min(nextAtMs ?? Number.POSITIVE_INFINITY, ttlAtMs > nowMs ? ttlAtMs : Infinity);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timeout);
  }
}
