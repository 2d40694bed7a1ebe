// Writes what is kept of a Pod's task, as long as the Pod is this worker's.
import { isTerminal } from "@gantry/core";
import { deleteTaskRecord, putTaskRecord, type Store, type TaskRecord, Txn } from "@gantry/store";
import type { Logger } from "pino";

const RETRY_MS = 500;

/** Another worker has the Pod, and answers for its task. */
export class FencedError extends Error {
  override name = "FencedError";
}

/** Whose task it is. */
export interface LedgerPod {
  /** `namespace/name` */
  readonly key: string;
  readonly uid: string;
  /** Absent: the Pod is gone, or nobody else could have it. */
  readonly claim?: number | undefined;
}

export interface TaskLedgerOptions {
  readonly store: Store;
  readonly log: Logger;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

type Guard = { readonly ok: boolean };

export class TaskLedger {
  readonly #options: TaskLedgerOptions;

  constructor(options: TaskLedgerOptions) {
    this.#options = options;
  }

  /**
   * Before a launch: `false` when the Pod is not to be launched any more (deleted, ended).
   * Throws FencedError.
   */
  intend(pod: LedgerPod, record: TaskRecord, before: TaskRecord | null): Promise<boolean> {
    return this.#write(pod, true, (txn) => putTaskRecord(txn, record, before ?? undefined));
  }

  /** What became of a launch: also when the Pod's object is gone meanwhile. Throws FencedError. */
  async note(pod: LedgerPod, record: TaskRecord, before: TaskRecord): Promise<void> {
    await this.#write(pod, false, (txn) => putTaskRecord(txn, record, before));
  }

  /** The task has stopped, or there is none, and the Pod's end is durable. */
  async close(record: TaskRecord): Promise<void> {
    const txn = new Txn();
    deleteTaskRecord(txn, record);
    await this.#patiently(() => this.#options.store.commit(txn));
  }

  async #write(pod: LedgerPod, launches: boolean, put: (txn: Txn) => void): Promise<boolean> {
    for (;;) {
      const done = await this.#patiently(async () => {
        const txn = new Txn();
        if (!(await this.#guard(pod, launches, txn)).ok) return false;
        put(txn);
        return (await this.#options.store.commit(txn)).ok || undefined;
      });
      // Refused: the Pod's object has changed meanwhile, most often by this worker's own report.
      if (done !== undefined) return done;
    }
  }

  async #guard({ key, uid, claim }: LedgerPod, launches: boolean, txn: Txn): Promise<Guard> {
    if (claim === undefined) return { ok: true };
    const found = await this.#options.store.get("pods", key);
    if (found !== null && found.value.uid === uid) {
      if (found.value.claim !== claim) throw new FencedError(`pod ${key} is another worker's`);
      if (launches && (isTerminal(found.value) || found.value.deletion !== undefined)) {
        return { ok: false };
      }
    } else if (launches) return { ok: false };
    if (found === null) txn.checkAbsent("pods", key);
    else txn.check("pods", key, found.rv);
    return { ok: true };
  }

  /** Faults of the store are waited out: what was launched must not be forgotten. */
  async #patiently<T>(run: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await run();
      } catch (error) {
        if (error instanceof FencedError) throw error;
        this.#options.log.warn({ err: error }, "the record of a task could not be written");
        await this.#options.sleep(RETRY_MS);
      }
    }
  }
}
