// Reads what one sync of a Job needs: one round trip, bounded by the Job's unsettled Pods.
import type { Job, JobBook, PodRecord } from "@gantry/core";
import { suffix } from "./keys.ts";
import { decodeValue, type Stored } from "./objects.ts";
import { script } from "./script.ts";
import type { Store } from "./store.ts";

const snapshotScript = script("job-snapshot");

export interface StoredJobSnapshot {
  readonly job: Stored<Job>;
  /** Count of the dirty mark, for `Txn.clean`. */
  readonly dirty: string;
  readonly book: JobBook;
  readonly bookText: string;
  /** Times at which the Job's wake-up and its TTL are due; `null` when not set. */
  readonly timerAtMs: number | null;
  readonly ttlAtMs: number | null;
  readonly ownerlessPods: readonly string[];
  readonly pods: readonly Stored<PodRecord>[];
}

type Reply = [string | null, string, string, string, string, string[], string[]];

const timeOrNull = (text: string): number | null => (text === "" ? null : Number(text));

/**
 * `uid` is a guess that
 * saves a second round trip when it is right.
 */
export const readJobSnapshot = async (
  store: Store,
  key: string,
  uid: string | undefined,
): Promise<StoredJobSnapshot | { readonly missing: true; readonly dirty: string }> => {
  const namespace = key.slice(0, key.indexOf("/"));
  const reply = (await snapshotScript.run(
    store.redis,
    [store.key(suffix.revision)],
    [store.prefix, key, uid ?? "", namespace],
  )) as Reply;
  const [value, dirty, bookText, timer, ttl, ownerlessPods, flat] = reply;
  if (value === null) return { missing: true, dirty };
  const job = decodeValue("jobs", key, value);
  if (job.value.metadata.uid !== uid) return readJobSnapshot(store, key, job.value.metadata.uid);
  const pods: Stored<PodRecord>[] = [];
  for (let n = 0; n + 1 < flat.length; n += 2) {
    const pod = store.decode("pods", flat[n] ?? "", flat[n + 1] ?? "");
    if (pod !== null) pods.push(pod);
  }
  return {
    job,
    dirty,
    book: bookText === "" ? {} : (JSON.parse(bookText) as JobBook),
    bookText,
    timerAtMs: timeOrNull(timer),
    ttlAtMs: timeOrNull(ttl),
    ownerlessPods,
    pods,
  };
};
