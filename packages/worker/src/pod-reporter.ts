// Writes what becomes of one claimed Pod, in order; a Pod that was taken away is reported no more.
import { isTerminal, type PodRecord } from "@gantry/core";
import { type Stored, Txn, updatePod, writePod } from "@gantry/store";
import { observedPod } from "./observed-pod.ts";
import type { Observation } from "./runtime.ts";
import type { WorkerContext } from "./worker-context.ts";

/** Faults of the connection are waited out; a report is never given up while the claim holds. */
const RETRY_MS = 500;

interface Report {
  readonly observation: Observation;
  readonly change: (pod: PodRecord) => PodRecord;
}

const unchanged = (pod: PodRecord): PodRecord => pod;

const inNewPhase = (report: Report, last: Report | undefined): boolean =>
  last === undefined || last.observation.phase !== report.observation.phase;

export class PodReporter {
  readonly #context: WorkerContext;
  #stored: Stored<PodRecord>;
  #pending: Report[] = [];
  #writing: Promise<void> | null = null;
  #fenced = false;
  #takenOver = false;

  constructor(context: WorkerContext, stored: Stored<PodRecord>) {
    this.#context = context;
    this.#stored = stored;
  }

  /** The Pod as last written. */
  get pod(): PodRecord {
    return this.#stored.value;
  }

  /** The Pod as last written, with its version. */
  get stored(): Stored<PodRecord> {
    return this.#stored;
  }

  /** Goes on from a version that was written elsewhere (a claim renewed after a restart). */
  restart(stored: Stored<PodRecord>): void {
    this.#stored = stored;
  }

  /** Someone else has the Pod, or it is gone. */
  get fenced(): boolean {
    return this.#fenced;
  }

  /** Someone else has the Pod, and answers for what runs of it. */
  get takenOver(): boolean {
    return this.#takenOver;
  }

  /** Every phase is written; within one, the latest observation is. */
  report(observation: Observation, change: (pod: PodRecord) => PodRecord = unchanged): void {
    const report = { observation, change };
    if (inNewPhase(report, this.#pending.at(-1))) this.#pending.push(report);
    else this.#pending[this.#pending.length - 1] = report;
    this.#writing ??= this.#write();
  }

  /** Resolves when all that was reported is durable, or was refused. */
  async flushed(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async #write(): Promise<void> {
    await Promise.resolve();
    while (this.#pending.length > 0 && !this.#fenced) {
      const reports = this.#pending;
      this.#pending = [];
      await this.#apply(reports);
    }
    this.#writing = null;
  }

  async #apply(reports: readonly Report[]): Promise<void> {
    for (;;) {
      try {
        if (await this.#commit(reports)) return;
        if (!(await this.#reread())) return;
      } catch (error) {
        this.#context.log.warn(
          { err: error, pod: this.#stored.key },
          "report failed; trying again",
        );
        await this.#context.sleep(RETRY_MS);
        if (!(await this.#reread().catch(() => true))) return;
      }
    }
  }

  async #commit(reports: readonly Report[]): Promise<boolean> {
    const { store, now } = this.#context;
    const txn = new Txn();
    let before = this.#stored;
    let gone = false;
    for (const [n, { observation, change }] of reports.entries()) {
      const next = change(observedPod(before.value, observation, now()));
      if (n < reports.length - 1 || !isTerminal(next)) updatePod(txn, before, next);
      else gone = writePod(txn, before, next);
      before = { key: before.key, rv: "any", value: next };
    }
    const { job, namespace } = before.value;
    if (job !== undefined) txn.dirty(`jobs|${namespace}/${job.name}`);
    const result = await store.commit(txn);
    if (!result.ok) return false;
    this.#stored = { ...before, rv: result.rvs.at(-1) ?? "" };
    if (gone) this.#fenced = true;
    return true;
  }

  /** Whether the Pod is still this worker's to run, and is to run. */
  async holds(): Promise<boolean> {
    return (await this.#reread()) && !isTerminal(this.pod) && this.pod.deletion === undefined;
  }

  /** Whether the claim still holds. */
  async #reread(): Promise<boolean> {
    const { store, fence } = this.#context;
    const found = await store.get("pods", this.#stored.key);
    if (found === null || found.value.uid !== this.pod.uid || found.value.claim !== fence) {
      this.#fenced = true;
      this.#takenOver = found?.value.uid === this.pod.uid;
      return false;
    }
    this.#stored = found;
    return true;
  }
}
