// Leases of roles that one process of a cell has at a time: a leader, a probe, a single flight.
import { suffix } from "./keys.ts";
import { script } from "./script.ts";
import type { Store } from "./store.ts";

const holdScript = script("hold-lease");

/**
 * Takes or extends the role for `ttlMs`; whether it is the caller's. `holder` names the caller
 * uniquely. A process that stood still for longer than `ttlMs` may meet a second holder.
 */
export const holdRole = async (
  store: Store,
  role: string,
  holder: string,
  ttlMs: number,
): Promise<boolean> =>
  (await holdScript.run(store.redis, [store.key(suffix.role(role))], [holder, ttlMs])) === 1;

/** Gives the role up, if it is the caller's. */
export const leaveRole = async (store: Store, role: string, holder: string): Promise<void> => {
  await holdScript.run(store.redis, [store.key(suffix.role(role))], [holder, 0]);
};
