// Leases of nodes (workers) and the fencing numbers of their claims.
import { suffix } from "./keys.ts";
import type { Store } from "./store.ts";

/** A lease lasts this long from its renewal. */
export const NODE_LEASE_MS = 15_000;

export interface NodeLease {
  readonly node: string;
  readonly expiresAtMs: number;
}

/** Extends a node's lease. */
export const renewLease = async (
  store: Store,
  node: string,
  expiresAtMs: number,
): Promise<void> => {
  await store.redis.zadd(store.key(suffix.leases), expiresAtMs, node);
};

export const dropLease = async (store: Store, node: string): Promise<void> => {
  await store.redis.zrem(store.key(suffix.leases), node);
};

export const leases = async (store: Store): Promise<NodeLease[]> => {
  const flat = await store.redis.zrange(store.key(suffix.leases), "0", "-1", "WITHSCORES");
  const found: NodeLease[] = [];
  for (let n = 0; n + 1 < flat.length; n += 2) {
    found.push({ node: flat[n] ?? "", expiresAtMs: Number(flat[n + 1]) });
  }
  return found;
};

/** When a node's lease ends; `null` when it holds none. */
export const leaseExpiry = async (store: Store, node: string): Promise<number | null> => {
  const score = await store.redis.zscore(store.key(suffix.leases), node);
  return score === null ? null : Number(score);
};

/** A fencing number larger than every one before. A worker takes one when it starts. */
export const nextFence = (store: Store): Promise<number> =>
  store.redis.incr(store.key(suffix.fence));
