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

/**
 * Events kept in all, some 80 MB: under a flood of Jobs an hour of them would fill the store, and
 * nobody reads them then.
 */
const EVENTS_MAX = 100_000;

const BATCH = 500;

/** Jobs whose deletion is under way at once. */
const EXPIRED_AT_ONCE = 32;

export interface CleanupReport {
  readonly jobsDeleted: number;
  readonly eventsDeleted: number;
  readonly podsDeleted: number;
}

export class Cleanup {
  readonly #context: ControllerContext;
  readonly #eventsMax: number;

  constructor(context: ControllerContext, eventsMax = EVENTS_MAX) {
    this.#context = context;
    this.#eventsMax = eventsMax;
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
      const expired: { key: string; dueAtMs: number }[] = [];
      for (let n = 0; n + 1 < found.length; n += 2) {
        expired.push({ key: found[n] ?? "", dueAtMs: Number(found[n + 1]) });
      }
      for (let n = 0; n < expired.length; n += EXPIRED_AT_ONCE) {
        const gone = await Promise.all(
          expired.slice(n, n + EXPIRED_AT_ONCE).map(({ key, dueAtMs }) => {
            const expire = (): Promise<boolean> => this.#expireJob(key);
            return metrics?.queues.run(TTL_QUEUE, dueAtMs, now(), expire) ?? expire();
          }),
        );
        deleted += gone.filter(Boolean).length;
      }
      if (found.length < 2 * BATCH) return deleted;
    }
  }

  /** H3: read again before deleting, with the uid as precondition, Foreground. */
  async #expireJob(key: string): Promise<boolean> {
    const { store, templates, now, log, metrics } = this.#context;
    const job = await store.get("jobs", key);
    const expiry = job === null ? null : expiryOf(log, job.value);
    let gone = false;
    if (job !== null && expiry !== null && expiry <= now()) {
      const deletedAtMs = now();
      const outcome = await deleteObject(
        store,
        templates,
        "jobs",
        key,
        { propagation: "Foreground", uid: job.value.metadata.uid },
        deletedAtMs,
      );
      gone = outcome.kind === "marked" || outcome.kind === "removed";
      if (gone) metrics?.controllers.expiredJobDeleted(expiry, deletedAtMs);
      log.info({ job: key, uid: job.value.metadata.uid }, "job deleted: its TTL has passed");
    }
    const txn = new Txn();
    if (expiry !== null && expiry > now()) txn.side("ZADD", suffix.ttl, expiry, key);
    else txn.side("ZREM", suffix.ttl, key);
    await store.commit(txn);
    return gone;
  }

  /** Those whose time is over, and the oldest of too many. */
  async #expiredEvents(): Promise<number> {
    const { store, now } = this.#context;
    const expiry = store.key(suffix.eventExpiry);
    let deleted = 0;
    let excess = (await store.redis.zcard(expiry)) - this.#eventsMax;
    for (;;) {
      const keys =
        excess > 0
          ? await store.redis.zrange(expiry, "0", String(Math.min(BATCH, excess) - 1))
          : await store.redis.zrangebyscore(expiry, "-inf", now(), "LIMIT", 0, BATCH);
      const events = await store.getMany("events", keys);
      // Committed at once, they go to Redis together.
      await Promise.all(
        keys.map((key, n) => {
          const event = events[n];
          const txn = new Txn();
          if (event === null || event === undefined) txn.side("ZREM", suffix.eventExpiry, key);
          else removeObject(txn, "events", event);
          return store.commit(txn);
        }),
      );
      deleted += keys.length;
      if (excess <= 0 && keys.length < BATCH) return deleted;
      excess -= keys.length;
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
