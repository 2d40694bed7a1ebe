// The controllers' workqueue: sync keys that wait, and who holds which. Kubernetes' workqueue for many processes.
import { randomUUID } from "node:crypto";
import { connect } from "./connection.ts";
import { suffix } from "./keys.ts";
import { script } from "./script.ts";
import type { Store } from "./store.ts";

const takeScript = script("take-keys", "lib/work-queue");
const sweepScript = script("sweep-keys", "lib/work-queue");

/** Marks that one sweep looks at: enough to find what was forgotten soon, few enough for one script. */
const SWEEP_MARKS = 1_000;

export interface TakenKey {
  readonly key: string;
  /** Both Unix ms by Redis' clock. */
  readonly readySinceMs: number;
  readonly takenAtMs: number;
}

/** What a sweep found amiss. */
export interface SweptKeys {
  /** Held by a scheduler that is gone, or handed out in an answer that got lost. */
  readonly givenBack: number;
  /** Marked, and neither waiting nor held. */
  readonly put: number;
}

/**
 * A key comes on the queue by its dirty mark (`Txn.dirty`), in the transaction that raises it, and
 * is held by one scheduler at a time. Marked while it is held, it is offered again when it is given
 * back. The keys of a scheduler whose lease has run out are given back by the others' sweeps.
 */
export class WorkQueue {
  readonly #store: Store;
  /** Names this scheduler as the holder of keys. */
  readonly #token: string;

  constructor(store: Store, token: string = randomUUID()) {
    this.#store = store;
    this.#token = token;
  }

  /** Gives back `done` and takes up to `room` keys, those that wait longest first. */
  async take(room: number, done: readonly string[]): Promise<TakenKey[]> {
    const reply = (await takeScript.run(
      this.#store.redis,
      [this.#store.key(suffix.ready)],
      [this.#store.prefix, this.#token, room, ...done],
    )) as string[];
    const takenAtMs = Number(reply[0]);
    const taken: TakenKey[] = [];
    for (let n = 1; n + 1 < reply.length; n += 2) {
      taken.push({ key: reply[n] ?? "", readySinceMs: Number(reply[n + 1]), takenAtMs });
    }
    return taken;
  }

  /** Keys that no scheduler has taken yet, those that wait longest first. */
  async waiting(most: number): Promise<Pick<TakenKey, "key" | "readySinceMs">[]> {
    const key = this.#store.key(suffix.ready);
    const flat = await this.#store.redis.zrange(key, "0", String(most - 1), "WITHSCORES");
    return flat.flatMap((name, n) =>
      n % 2 === 0 ? [{ key: name, readySinceMs: Number(flat[n + 1]) }] : [],
    );
  }

  /** Renews the lease and mends the queue. `held`: all that this scheduler has and has not given back. */
  async sweep(held: readonly string[], nowMs: number, leaseMs: number): Promise<SweptKeys> {
    const [givenBack, put] = (await sweepScript.run(
      this.#store.redis,
      [this.#store.key(suffix.schedulers)],
      [this.#store.prefix, this.#token, nowMs, nowMs + leaseMs, SWEEP_MARKS, ...held],
    )) as [number, number];
    return { givenBack, put };
  }

  /** Gives up the lease; what is still held goes to the others with their next sweep. */
  async leave(): Promise<void> {
    await this.#store.redis.zrem(this.#store.key(suffix.schedulers), this.#token);
  }
}

const BLOCK_SECONDS = 10;
const RETRY_MS = 500;

export interface Bell {
  close(): void;
}

/** Calls back whenever keys wait for a scheduler; of several that listen, one hears each ring. */
export const listenToBell = (store: Store, onRing: () => void): Bell => {
  const reader = connect(store.connection);
  const key = store.key(suffix.bell);
  let closed = false;
  const run = async (): Promise<void> => {
    while (!closed) {
      try {
        if ((await reader.bzpopmin(key, BLOCK_SECONDS)) !== null) onRing();
      } catch {
        // The server is away: sweeps find what rings are missed.
        if (!closed) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  };
  void run();
  return {
    close() {
      closed = true;
      reader.disconnect();
    },
  };
};
