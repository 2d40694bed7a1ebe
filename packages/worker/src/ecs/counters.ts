// What all ecs workers of a cell count together: kept in Redis, shown by the API's /metrics.
import { ecsLatencyBounds, type Store, suffix } from "@gantry/store";
import type { Logger } from "pino";

const FLUSH_EVERY_MS = 2_000;

export type EcsPhase = "queue" | "run_task" | "provision" | "pull" | "start";

/** Names of counters; labels follow a `|`. */
export type EcsCounter =
  | "launches"
  | "launch_refusals"
  | "throttles"
  | "capacity_waits"
  | "ghosts_adopted"
  | "ghosts_stopped"
  | "orphans_seen"
  | "orphans_stopped"
  | "stops"
  | "stops_resent"
  | "events"
  | "polls"
  | "polled_tasks"
  | "definitions_registered"
  | "definitions_removed";

export class EcsCounters {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #counts = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  count(counter: EcsCounter, label = "", by = 1): void {
    this.#add(`${counter}|${label}`, by);
  }

  /** Of one launch; negative times, of clocks that differ, count as none. */
  latency(phase: EcsPhase, ms: number): void {
    const seconds = Math.max(0, ms) / 1000;
    const bound = ecsLatencyBounds.find((least) => seconds <= least);
    this.#add(`latency|${phase}|${bound ?? "+Inf"}`, 1);
    this.#add(`latency_ms|${phase}`, Math.round(seconds * 1000));
  }

  /** How late an event was told, by its task's own times. */
  eventLag(ms: number): void {
    this.#add("event_lag_ms|", Math.max(0, Math.round(ms)));
  }

  #add(field: string, by: number): void {
    this.#counts.set(field, (this.#counts.get(field) ?? 0) + by);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#flushing = this.#flush();
    }, FLUSH_EVERY_MS);
  }

  async #flush(): Promise<void> {
    const counts = [...this.#counts];
    this.#counts.clear();
    if (counts.length === 0) return;
    const key = this.#store.key(suffix.ecsCounters);
    try {
      await Promise.all(
        counts.map(([field, by]) => this.#store.redis.hincrby(key, field, Math.round(by))),
      );
    } catch (error) {
      this.#log.debug({ err: error }, "some ecs counts were lost");
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#flushing;
    await this.#flush();
  }
}
