// Versions of the stored format: who may read what, and how an older store is brought up (docs/adr).
import { isFinished } from "@gantry/core";
import { suffix } from "./keys.ts";
import type { Store } from "./store.ts";
import { Txn } from "./txn.ts";

/**
 * A Gantry opens stores of its own `major` only. `minor` counts additions that Gantrys of the same
 * major can do without and do not destroy:
 * 0: the first. 1: the index of unfinished Jobs, and the list of processes. 2: the controllers'
 * workqueue, which takes marks that older processes raised at its first sweep; Pods come on their
 * queues with the transaction that creates them, and those that an older process left out by the resync.
 */
export const FORMAT = { major: 1, minor: 2 } as const;

/** The cell was written by a newer Gantry. */
export class StoreVersionError extends Error {
  override name = "StoreVersionError";
  constructor(found: string) {
    super(
      `the store has format ${found}, and this Gantry knows formats up to ${FORMAT.major}: ` +
        `upgrade this Gantry, or restore a backup that an older one wrote`,
    );
  }
}

/** Longer than any page takes; a migration that died is gone on with after this. */
const LOCK_MS = 30_000;
const WAIT_MS = 100;
const PAGE = 500;

/**
 * Brings a cell of an older minor up, while others may work on it. One process does it; the others
 * wait. Doing it twice, or half and again, does no harm.
 */
export const migrate = async (store: Store): Promise<void> => {
  const lock = store.key(suffix.migration);
  const own = `${process.pid}.${performance.now()}`;
  for (;;) {
    if ((await storedMinor(store)) >= FORMAT.minor) return;
    const holder = await store.redis.set(lock, own, "PX", LOCK_MS, "NX");
    if (holder === "OK") break;
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
  try {
    if ((await storedMinor(store)) < 1) {
      await indexUnfinished(store, async () => {
        await store.redis.pexpire(lock, LOCK_MS);
      });
    }
    await store.redis.del(store.key(suffix.unqueued));
    await store.redis.hset(store.key(suffix.meta), "formatMinor", FORMAT.minor);
  } finally {
    if ((await store.redis.get(lock)) === own) await store.redis.del(lock);
  }
};

export const storedMinor = async (store: Store): Promise<number> =>
  Number((await store.redis.hget(store.key(suffix.meta), "formatMinor")) ?? "0");

/** Minor 1: Jobs of an older store are put on the index, those that finish meanwhile are not. */
const indexUnfinished = async (store: Store, renew: () => Promise<void>): Promise<void> => {
  let after: string | undefined;
  for (;;) {
    const page = await store.page("jobs", {
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    await Promise.all(
      page.items
        .filter(({ value }) => !isFinished(value))
        .map(({ key }) => addIfUnfinished(store, key)),
    );
    if (!page.more || page.last === undefined) return;
    after = page.last;
    await renew();
  }
};

const addIfUnfinished = async (store: Store, key: string): Promise<void> => {
  for (;;) {
    const job = await store.get("jobs", key);
    if (job === null || isFinished(job.value)) return;
    const txn = new Txn().check("jobs", key, job.rv).add(suffix.unfinished, key);
    if ((await store.commit(txn)).ok) return;
  }
};
