// The queues as BullMQ has them: which Pods are on them, which are paused, and wake-ups that are stuck.
import { allQueueNames, queueNames, suffix } from "@gantry/store";
import type { ResyncMetrics } from "./findings.ts";
import { type ResyncPass, slices } from "./resync-pass.ts";

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

const podQueues = (): string[] =>
  allQueueNames.filter((name) => name !== queueNames.sync && name !== queueNames.cleanup);

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
    for (const name of [queueNames.sync, ...podQueues()]) {
      const queue = name === queueNames.sync ? queues.sync : queues.pods(name);
      const paused = await queue.isPaused();
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

/**
 * A key that stays dirty is woken again and again by the sweep, which is in vain while the queue
 * takes a job that it has lost for the one that is to come.
 */
export const strandedWakeUps = async (pass: ResyncPass): Promise<void> => {
  const { store } = pass.context;
  const dirty = Object.entries(await store.redis.hgetall(store.key(suffix.dirty)));
  const stuck = dirty.filter(([key, count]) => pass.findings.confirmed(`dirty|${key}`, count));
  for (const page of slices(stuck)) {
    const pipe = store.redis.pipeline();
    for (const [key] of page) pipe.get(`${pass.queues.sync.toKey("de")}:${key}`);
    const ids = await pipe.exec();
    for (const [n, [key]] of page.entries()) {
      const id = ids?.[n]?.[1];
      if (typeof id === "string") await freeWakeUp(pass, key, id);
    }
    await pass.pace();
  }
};

const freeWakeUp = async (pass: ResyncPass, key: string, id: string): Promise<void> => {
  const { sync } = pass.queues;
  const job = await sync.getJob(id);
  const state = job === undefined ? "unknown" : await job.getState();
  if (state !== "unknown" && state !== "completed" && state !== "failed") return;
  await job?.remove().catch(() => {});
  await sync.removeDeduplicationKey(key);
  await pass.context.queues.wake([key]);
  pass.findings.mended("sync_job_stranded", key);
};
