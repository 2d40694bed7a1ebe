// Reads what one sync of a Job needs: one round trip, bounded by the Job's unsettled Pods.
import type { Job, JobBook, PodRecord } from "@gantry/core";
import { suffix } from "./keys.ts";
import { decodeBody, splitValue, type Stored } from "./objects.ts";
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

interface WaitingRead {
  readonly key: string;
  readonly uid: string;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/** Jobs of one script, whose Pods it reads too. */
const JOBS_MAX = 100;

/** Reads of one moment travel in one script. */
class SnapshotReads {
  readonly #store: Store;
  #waiting: WaitingRead[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  read(key: string, uid: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ key, uid, resolve, reject });
      if (this.#waiting.length === 1) queueMicrotask(() => void this.#send());
    });
  }

  async #send(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    const groups = Array.from({ length: Math.ceil(waiting.length / JOBS_MAX) }, (_, n) =>
      waiting.slice(n * JOBS_MAX, (n + 1) * JOBS_MAX),
    );
    await Promise.all(groups.map((group) => this.#sendGroup(group)));
  }

  async #sendGroup(group: readonly WaitingRead[]): Promise<void> {
    const store = this.#store;
    try {
      const replies = (await snapshotScript.run(
        store.redis,
        [store.key(suffix.revision)],
        [store.prefix, ...group.flatMap(({ key, uid }) => [key, uid])],
      )) as Reply[];
      for (const [n, { resolve }] of group.entries()) resolve(replies[n] as Reply);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}

const reads = new WeakMap<Store, SnapshotReads>();

const readsOf = (store: Store): SnapshotReads => {
  const known = reads.get(store) ?? new SnapshotReads(store);
  reads.set(store, known);
  return known;
};

/** Jobs whose decoded form is remembered, and the largest of them: a few megabytes in all. */
const DECODED_MAX = 1_000;
const DECODED_BYTES_MAX = 8_192;

/** By store and key, with the text that they were decoded from: syncs follow one another closely. */
const decoded = new WeakMap<Store, Map<string, Stored<Job>>>();

/** `job.value` is what `job.body` says; whether that version is ever stored does not matter. */
export const rememberJob = (store: Store, job: Stored<Job>): void => {
  if ((job.body?.length ?? 0) > DECODED_BYTES_MAX) return;
  const known = decoded.get(store) ?? new Map<string, Stored<Job>>();
  decoded.set(store, known);
  known.delete(job.key);
  known.set(job.key, job);
  if (known.size <= DECODED_MAX) return;
  const oldest = known.keys().next().value;
  if (oldest !== undefined) known.delete(oldest);
};

const readJob = (store: Store, key: string, text: string): Stored<Job> => {
  const { rv, body } = splitValue(text);
  const known = decoded.get(store)?.get(key);
  if (known !== undefined && known.body === body) return { ...known, rv };
  const job = { rv, key, value: decodeBody("jobs", key, body), body };
  rememberJob(store, job);
  return job;
};

/** One round trip, shared with other reads of the moment. `uid` is a guess that saves a second one. */
export const readJobSnapshot = async (
  store: Store,
  key: string,
  uid: string | undefined,
): Promise<StoredJobSnapshot | { readonly missing: true; readonly dirty: string }> => {
  const reply = await readsOf(store).read(key, uid ?? "");
  const [value, dirty, bookText, timer, ttl, ownerlessPods, flat] = reply;
  if (value === null) return { missing: true, dirty };
  const job = readJob(store, key, value);
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
