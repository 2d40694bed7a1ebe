// Timers: sync keys in a sorted set with the time at which they are due. Popped by the scheduler.
import { suffix } from "./keys.ts";
import { script } from "./script.ts";
import type { Store } from "./store.ts";
import type { Txn } from "./txn.ts";

const popScript = script("pop-timers", "lib/work-queue");

export interface Timer {
  /** Sync key: `jobs|ns/name`, `cronjobs|ns/name`, `namespaces|name`. */
  readonly member: string;
  readonly dueAtMs: number;
}

export const setTimer = (txn: Txn, member: string, dueAtMs: number | null): void => {
  if (dueAtMs === null) txn.side("ZREM", suffix.timers, member);
  else txn.side("ZADD", suffix.timers, dueAtMs, member);
};

/** Timers due by `nowMs`, earliest first, and when the next one after them is due. */
export const dueTimers = async (
  store: Store,
  nowMs: number,
  limit: number,
): Promise<{ due: Timer[]; nextAtMs: number | null }> => {
  const key = store.key(suffix.timers);
  const flat = await store.redis.zrange(key, "0", String(limit), "WITHSCORES");
  const timers: Timer[] = [];
  for (let n = 0; n + 1 < flat.length; n += 2) {
    timers.push({ member: flat[n] ?? "", dueAtMs: Number(flat[n + 1]) });
  }
  const due = timers.filter((timer) => timer.dueAtMs <= nowMs).slice(0, limit);
  return { due, nextAtMs: timers[due.length]?.dueAtMs ?? null };
};

/**
 * A due timer becomes a dirty mark, unless it was set anew meanwhile. Resolves with the sync keys
 * that were marked.
 */
export const popTimers = async (store: Store, timers: readonly Timer[]): Promise<string[]> => {
  if (timers.length === 0) return [];
  return (await popScript.run(
    store.redis,
    [store.key(suffix.timers)],
    [store.prefix, ...timers.flatMap(({ member, dueAtMs }) => [member, dueAtMs])],
  )) as string[];
};
