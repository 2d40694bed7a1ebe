// Keeps the readers of all workers together below the account's rate of GetLogEvents.
import type { BucketLimit, RateBuckets } from "@gantry/store";
import type { LogClock, LogLimiter } from "./log-events.ts";

const WAIT_MIN_MS = 10;
const WAIT_MAX_MS = 5_000;

export class SharedLogLimiter implements LogLimiter {
  readonly #buckets: RateBuckets;
  readonly #limit: BucketLimit;
  readonly #clock: LogClock;

  constructor(buckets: RateBuckets, limit: BucketLimit, clock: LogClock) {
    this.#buckets = buckets;
    this.#limit = limit;
    this.#clock = clock;
  }

  async take(signal?: AbortSignal): Promise<void> {
    for (;;) {
      const { granted, waitMs } = await this.#buckets.take([this.#limit], 1);
      if (granted > 0) return;
      await this.#clock.sleep(Math.min(Math.max(waitMs, WAIT_MIN_MS), WAIT_MAX_MS), signal);
      signal?.throwIfAborted();
    }
  }

  async slow(): Promise<void> {
    await this.#buckets.slow(this.#limit);
  }
}
