// What a resync found and mended: counted by kind, logged once a pass, and believed only when seen twice.
import type { Logger } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";

export const repairKinds = [
  /** Counted by the sweep: a Pod that was committed and not put on its queue (a crash in between). */
  /** Counted by the node controller: a Pod of a node that stayed away. */
  "lease_expired",
  /** A Pod that waits or runs has no job on its queue. */
  "queue_job_missing",
  /** ... or one that has ended (failed or completed by hand, or undone by a failover). */
  "queue_job_ended",
  /** ... or one that is in none of the queue's lists. */
  "queue_job_stranded",
  /** A key that a controller was to look at, and that was not on the workqueue. */
  "sync_key_forgotten",
  /** ... or that was held by a scheduler that is gone. */
  "sync_key_held",
  /** A Job for which there was something to do, and nothing that would have woken its controller. */
  "job_not_synced",
  /** A time at which to look again that was nowhere. */
  "timer_lost",
  /** A Pod whose Job is gone, and that nobody was collecting. */
  "orphan_pod",
  /** A Job whose CronJob is gone. */
  "orphan_job",
  /** A deletion that nobody went on with. */
  "deletion_forgotten",
  /** An index that did not agree with the object. */
  "index_entry",
  /** Changes that watches may not have seen are gone. */
  "stream_lost",
] as const;

export type RepairKind = (typeof repairKinds)[number];

export class ResyncMetrics {
  readonly #repairs: Counter<"kind">;
  readonly #passes: Counter;
  readonly #seconds: Gauge;
  readonly #paused: Gauge<"queue">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#repairs = new Counter({
      name: "gantry_resync_repairs_total",
      help: "What was found wrong without any event that told of it, and mended, by kind.",
      labelNames: ["kind"],
      registers,
    });
    this.#passes = new Counter({
      name: "gantry_resync_passes_total",
      help: "Passes of the resync over the installation, by this process.",
      registers,
    });
    this.#seconds = new Gauge({
      name: "gantry_resync_last_pass_seconds",
      help: "How long the last pass took.",
      registers,
    });
    this.#paused = new Gauge({
      name: "gantry_queue_paused",
      help: "1 while the queue is paused, as seen by the scheduler that resyncs.",
      labelNames: ["queue"],
      registers,
    });
    for (const kind of repairKinds) this.#repairs.inc({ kind }, 0);
  }

  repaired(kind: RepairKind, count: number): void {
    this.#repairs.inc({ kind }, count);
  }

  passed(seconds: number): void {
    this.#passes.inc();
    this.#seconds.set(seconds);
  }

  paused(queue: string, paused: boolean): void {
    this.#paused.set({ queue }, paused ? 1 : 0);
  }
}

/** Names in a log line. */
const EXAMPLES = 5;

export class Findings {
  readonly #log: Logger;
  readonly #metrics: ResyncMetrics | undefined;
  #before = new Map<string, string>();
  #now = new Map<string, string>();
  #mended = new Map<RepairKind, string[]>();

  constructor(log: Logger, metrics: ResyncMetrics | undefined) {
    this.#log = log;
    this.#metrics = metrics;
  }

  /**
   * Whether the same was seen in the pass before: what is between two steps of somebody looks wrong
   * for moments. `evidence` changes with whatever could have been somebody's step.
   */
  confirmed(what: string, evidence: string): boolean {
    this.#now.set(what, evidence);
    return this.#before.get(what) === evidence;
  }

  mended(kind: RepairKind, what: string): void {
    this.#metrics?.repaired(kind, 1);
    const names = this.#mended.get(kind);
    if (names === undefined) this.#mended.set(kind, [what]);
    else names.push(what);
  }

  /** Tells of what was mended, and makes what was seen the past. Resolves with the counts. */
  endPass(): Partial<Record<RepairKind, number>> {
    const counts: Partial<Record<RepairKind, number>> = {};
    for (const [kind, names] of this.#mended) {
      counts[kind] = names.length;
      this.#log.warn(
        { kind, count: names.length, examples: names.slice(0, EXAMPLES) },
        "resync mended what no event told of",
      );
    }
    this.#mended = new Map();
    this.#before = this.#now;
    this.#now = new Map();
    return counts;
  }
}
