// Takes keys from the workqueue and syncs them, several at once, each by one scheduler at a time.
import type { TakenKey, WorkQueue } from "@gantry/store";
import type { ControllerContext } from "./controller-context.ts";
import { queueOfSyncKey } from "./metrics/work-queue-metrics.ts";

/**
 * Syncs at once in one process. They are short and mostly wait for Redis, and what they commit at one
 * moment goes together: with 16 the same Jobs cost up to a fifth more.
 */
export const SYNC_CONCURRENCY = 64;

/** Keys that nobody holds and no ring announced are found this soon. */
export const SWEEP_EVERY_MS = 2_000;

/** A scheduler that has not swept for this long is taken for dead: its keys go to others. */
export const SCHEDULER_LEASE_MS = 15_000;

/** A key whose sync failed is held back: 1 s, then 2 s, 4 s... up to a minute. */
const BACKOFF_MIN_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;

/** A queue that could not be asked is asked again after this long. */
const RETRY_MS = 500;

export interface SyncLoopOptions {
  readonly queue: Pick<WorkQueue, "take" | "sweep" | "leave">;
  readonly sync: (key: string) => Promise<void>;
  readonly context: Pick<ControllerContext, "log" | "now" | "metrics">;
  readonly sleep: (ms: number) => Promise<void>;
  readonly concurrency?: number;
}

export class SyncLoop {
  readonly #options: SyncLoopOptions;
  /** Handed out and not given back, with the work on them. */
  readonly #held = new Map<string, Promise<void>>();
  readonly #failures = new Map<string, number>();
  /** Seen to, and to be given back. */
  #done: string[] = [];
  #active = 0;
  /** There may be something to take. */
  #rung = false;
  #sweepers: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  #turning: Promise<void> | null = null;
  #closed = false;

  constructor(options: SyncLoopOptions) {
    this.#options = options;
  }

  /** Looks what there is to take. */
  ring(): void {
    this.#rung = true;
    this.#turning ??= this.#turn();
  }

  /** Renews the lease, mends the queue, and looks what there is to take. */
  async sweep(): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve, reject) => {
      this.#sweepers.push({ resolve, reject });
      this.ring();
    });
  }

  /** Ends what is under way and gives everything back. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turning;
    while (this.#active > 0) await Promise.race(this.#held.values());
    const { queue, context } = this.#options;
    try {
      await queue.take(0, [...this.#held.keys(), ...this.#done]);
      await queue.leave();
    } catch (error) {
      context.log.debug({ err: error }, "keys are given back when the lease has run out");
    }
  }

  get #room(): number {
    return this.#closed ? 0 : (this.#options.concurrency ?? SYNC_CONCURRENCY) - this.#active;
  }

  /** One call at a time, so that it is always known what this scheduler holds. */
  async #turn(): Promise<void> {
    // What ends in the same moment is given back together.
    await Promise.resolve();
    while (!this.#closed || this.#sweepers.length > 0) {
      if (this.#sweepers.length > 0) await this.#sweep();
      else if (this.#done.length > 0 || (this.#rung && this.#room > 0)) await this.#take();
      else break;
    }
    this.#turning = null;
  }

  async #take(): Promise<void> {
    const { queue, context, sleep } = this.#options;
    const [room, done] = [this.#room, this.#done];
    [this.#done, this.#rung] = [[], false];
    let taken: TakenKey[];
    try {
      taken = await queue.take(room, done);
    } catch (error) {
      context.log.warn({ err: error }, "the workqueue could not be asked; trying again");
      this.#done.push(...done);
      this.#rung = true;
      return sleep(RETRY_MS);
    }
    if (this.#closed) {
      this.#done.push(...taken.map(({ key }) => key));
      return;
    }
    // As many as were asked for: there may be more.
    if (room > 0 && taken.length === room) this.#rung = true;
    for (const one of taken) this.#start(one);
  }

  async #sweep(): Promise<void> {
    const { queue, context } = this.#options;
    const sweepers = this.#sweepers;
    this.#sweepers = [];
    try {
      const held = [...this.#held.keys(), ...this.#done];
      const { givenBack, put } = await queue.sweep(held, context.now(), SCHEDULER_LEASE_MS);
      if (givenBack + put > 0) {
        context.log.info({ givenBack, put }, "the workqueue was mended");
        context.metrics?.resync.repaired("sync_key_held", givenBack);
        context.metrics?.resync.repaired("sync_key_forgotten", put);
      }
      for (const { resolve } of sweepers) resolve();
    } catch (error) {
      for (const { reject } of sweepers) reject(error);
    }
  }

  #start(taken: TakenKey): void {
    const { key } = taken;
    // Handed out anew while its work goes on: this scheduler stood still and was given up meanwhile.
    const before = this.#held.get(key) ?? Promise.resolve();
    this.#active += 1;
    const work = before.then(() => this.#work(taken));
    this.#held.set(key, work);
    void work.then(() => {
      if (this.#held.get(key) !== work) return;
      this.#held.delete(key);
      this.#done.push(key);
      this.#turning ??= this.#turn();
    });
  }

  async #work({ key, readySinceMs, takenAtMs }: TakenKey): Promise<void> {
    const { context, sync, sleep } = this.#options;
    const queues = context.metrics?.queues;
    const work = (): Promise<void> => sync(key);
    try {
      await (queues?.run(queueOfSyncKey(key), readySinceMs, takenAtMs, work) ?? work());
      this.#failures.delete(key);
      this.#active -= 1;
    } catch (error) {
      context.log.error({ err: error, key }, "sync failed; it is tried again");
      this.#active -= 1;
      const failures = this.#failures.get(key) ?? 0;
      this.#failures.set(key, failures + 1);
      if (this.#closed) return;
      this.#turning ??= this.#turn();
      // Held meanwhile, without a place among those that are worked on.
      await sleep(Math.min(BACKOFF_MIN_MS * 2 ** Math.min(failures, 10), BACKOFF_MAX_MS));
    }
  }
}
