// How often Spot took back Pods of a Job: their replacements go on demand once it was often enough.
import { type Store, suffix } from "@gantry/store";
import type { RunnablePod } from "../runtime.ts";

/** So long a reclaim tells something of Spot's capacity. */
const REMEMBERED_MS = 24 * 3_600_000;

type ReplacedPod = Pick<RunnablePod, "index" | "job" | "namespace">;

/** Of an Indexed Job each index has its own count; a Pod without a Job is not replaced. */
const keyOf = (store: Store, { namespace, job, index }: ReplacedPod): string | undefined =>
  job === undefined
    ? undefined
    : store.key(suffix.ecsReclaims(`${namespace}/${job}/${index ?? ""}`));

export const reclaimsOf = async (store: Store, pod: ReplacedPod): Promise<number> => {
  const key = keyOf(store, pod);
  return key === undefined ? 0 : Number((await store.redis.get(key)) ?? 0);
};

export const noteReclaim = async (store: Store, pod: ReplacedPod): Promise<void> => {
  const key = keyOf(store, pod);
  if (key === undefined) return;
  await store.redis.multi().incr(key).pexpire(key, REMEMBERED_MS).exec();
};
