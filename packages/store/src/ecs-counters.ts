// What the ecs workers of a cell count together, and which of their lanes are shut, as stored.
import { suffix } from "./keys.ts";
import type { Store } from "./store.ts";

/** Upper bounds of the buckets of launch latencies, in seconds. */
export const ecsLatencyBounds = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800] as const;

/** Counts by name and label: `launches|lane`, `latency|phase|bound`, `latency_ms|phase`. */
export const readEcsCounters = async (store: Store): Promise<ReadonlyMap<string, number>> => {
  const fields = await store.redis.hgetall(store.key(suffix.ecsCounters));
  return new Map(Object.entries(fields).map(([field, count]) => [field, Number(count)]));
};

/** Stands among the lanes for what comes before them: it is no name that a lane can have. */
export const ecsRegistration = "task definitions";

/** Why a lane takes no launches now. */
export interface ShutEcsLane {
  readonly class: string;
  readonly message: string;
  /** Shut since then without a launch that succeeded, Unix ms. */
  readonly sinceMs: number;
  /** Only an operator can mend it. */
  readonly circuit: boolean;
}

export const readShutEcsLanes = async (store: Store): Promise<ReadonlyMap<string, ShutEcsLane>> => {
  const texts = await store.redis.hgetall(store.key(suffix.ecsLanes));
  return new Map(
    Object.entries(texts).map(([lane, text]) => [lane, JSON.parse(text) as ShutEcsLane]),
  );
};

/** Tasks that are looked after, launches under way included. */
export const countEcsTasks = (store: Store): Promise<number> =>
  store.redis.hlen(store.key(suffix.ecsOwners));
