// The repeatable cleanup job: finished Jobs after their TTL, expired Events, the oldest ended Pods.
import { isTerminal, type PodRecord } from "@gantry/core";
import { deleteObject, removeObject, removePod, type Stored, suffix, Txn } from "@gantry/store";
import type { ControllerContext } from "./controller-context.ts";
import { expiryOf } from "./ttl-expiry.ts";
import { TTL_QUEUE } from "./metrics/work-queue-metrics.ts";

/** How often it runs when no TTL is due before. */
export const CLEANUP_EVERY_MS = 10_000;

/** Ended and counted Pods kept in all (kube-controller-manager --terminated-pod-gc-threshold). */
const SETTLED_PODS_MAX = 12_500;

const BATCH = 500;

export interface CleanupReport {
  readonly jobsDeleted: number;
  readonly eventsDeleted: number;
  readonly podsDeleted: number;
}

export class Cleanup {
  readonly #context: ControllerContext;

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  async run(): Promise<CleanupReport> {
    return {
      jobsDeleted: await this.#expiredJobs(),
      eventsDeleted: await this.#expiredEvents(),
      podsDeleted: await this.#oldPods(),
    };
  }

  async #expiredJobs(): Promise<number> {
    const { store, now, metrics } = this.#context;
    let deleted = 0;
    for (;;) {
      const found = await store.redis.zrangebyscore(
        store.key(suffix.ttl),
        "-inf",
        now(),
        "WITHSCORES",
        "LIMIT",
        0,
        BATCH,
      );
      for (let n = 0; n + 1 < found.length; n += 2) {
        const [key = "", dueAtMs = ""] = found.slice(n, n + 2);
        const expire = (): Promise<boolean> => this.#expireJob(key);
        const gone = await (metrics?.queues.run(TTL_QUEUE, Number(dueAtMs), now(), expire) ??
          expire());
        if (gone) deleted += 1;
      }
      if (found.length < 2 * BATCH) return deleted;
    }
  }

  /** H3: read again before deleting, with the uid as precondition, Foreground. */
  async #expireJob(key: string): Promise<boolean> {
    const { store, templates, queues, now, log, metrics } = this.#context;
    const job = await store.get("jobs", key);
    const expiry = job === null ? null : expiryOf(log, job.value);
    let gone = false;
    if (job !== null && expiry !== null && expiry <= now()) {
      const deletedAtMs = now();
      const { outcome, wake } = await deleteObject(
        store,
        templates,
        "jobs",
        key,
        { propagation: "Foreground", uid: job.value.metadata.uid },
        deletedAtMs,
      );
      gone = outcome.kind === "marked" || outcome.kind === "removed";
      if (gone) metrics?.controllers.expiredJobDeleted(expiry, deletedAtMs);
      await queues.wake(wake);
      log.info({ job: key, uid: job.value.metadata.uid }, "job deleted: its TTL has passed");
    }
    const txn = new Txn();
    if (expiry !== null && expiry > now()) txn.side("ZADD", suffix.ttl, expiry, key);
    else txn.side("ZREM", suffix.ttl, key);
    await store.commit(txn);
    return gone;
  }

  async #expiredEvents(): Promise<number> {
    const { store, now } = this.#context;
    let deleted = 0;
    for (;;) {
      const keys = await store.redis.zrangebyscore(
        store.key(suffix.eventExpiry),
        "-inf",
        now(),
        "LIMIT",
        0,
        BATCH,
      );
      const events = await store.getMany("events", keys);
      for (const [n, key] of keys.entries()) {
        const event = events[n];
        const txn = new Txn();
        if (event === null || event === undefined) txn.side("ZREM", suffix.eventExpiry, key);
        else removeObject(txn, "events", event);
        await store.commit(txn);
      }
      deleted += keys.length;
      if (keys.length < BATCH) return deleted;
    }
  }

  async #oldPods(): Promise<number> {
    const { store } = this.#context;
    const list = store.key(suffix.settled);
    let excess = (await store.redis.llen(list)) - SETTLED_PODS_MAX;
    let deleted = 0;
    while (excess > 0) {
      const keys = await store.redis.lrange(list, 0, Math.min(BATCH, excess) - 1);
      const pods = await store.getMany("pods", keys);
      // Committed at once, they go to Redis together.
      const results = await Promise.all(
        pods.filter(isCollectable).map((pod) => {
          const txn = new Txn();
          removePod(txn, pod);
          return store.commit(txn);
        }),
      );
      deleted += results.filter((result) => result.ok).length;
      await store.commit(new Txn().side("LTRIM", suffix.settled, keys.length, -1));
      excess -= keys.length;
    }
    return deleted;
  }
}

/** A Pod of that name may be a new one; only ended and counted ones are collected. */
const isCollectable = (pod: Stored<PodRecord> | null): pod is Stored<PodRecord> =>
  pod !== null &&
  !pod.value.tracked &&
  isTerminal(pod.value) &&
  (pod.value.meta?.finalizers ?? []).length === 0;
