// The queues as BullMQ has them: which Pods are on them, and which are paused.
import { allQueueNames, queueNames } from "@gantry/store";
import type { ResyncMetrics } from "./findings.ts";
import type { ResyncPass } from "./resync-pass.ts";

/** Ids read at once. */
const IDS = 5_000;

/** A queue may be paused for a moment while an operator looks. */
const PAUSED_LONG_MS = 60_000;

/** Ids of jobs that are waiting, delayed or active on the Pods' queues. */
export const placedPods = async (pass: ResyncPass): Promise<ReadonlySet<string>> => {
  const placed = new Set<string>();
  const { store } = pass.context;
  for (const name of podQueues()) {
    const { keys } = pass.queues.pods(name);
    // From the head, where new ones come: whoever moves meanwhile is read twice, and not left out.
    const readers = [
      ...["wait", "paused", "active"].map(
        (list) => (from: number) => store.redis.lrange(keys[list] ?? "", from, from + IDS - 1),
      ),
      ...["delayed", "prioritized"].map(
        (set) => (from: number) =>
          store.redis.zrange(keys[set] ?? "", String(from), String(from + IDS - 1)),
      ),
    ];
    for (const read of readers) {
      for (let from = 0; ; from += IDS) {
        const ids = await read(from);
        for (const id of ids) placed.add(id);
        if (ids.length < IDS) break;
      }
    }
    await pass.pace();
  }
  return placed;
};

const podQueues = (): string[] => allQueueNames.filter((name) => name !== queueNames.cleanup);

/** Remembers how long queues have been paused, and tells of it once. */
export class PausedQueues {
  readonly #metrics: ResyncMetrics | undefined;
  readonly #sinceMs = new Map<string, number>();
  readonly #told = new Set<string>();

  constructor(metrics: ResyncMetrics | undefined) {
    this.#metrics = metrics;
  }

  async look({ context, queues }: ResyncPass): Promise<void> {
    const { log, now } = context;
    for (const name of podQueues()) {
      const paused = await queues.pods(name).isPaused();
      this.#metrics?.paused(name, paused);
      if (!paused) {
        if (this.#told.delete(name)) log.info({ queue: name }, "the queue is resumed");
        this.#sinceMs.delete(name);
        continue;
      }
      const sinceMs = this.#sinceMs.get(name) ?? now();
      this.#sinceMs.set(name, sinceMs);
      if (now() - sinceMs < PAUSED_LONG_MS || this.#told.has(name)) continue;
      this.#told.add(name);
      log.warn({ queue: name }, "the queue is paused: nothing on it starts until it is resumed");
    }
  }
}
