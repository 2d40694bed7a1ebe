// CronJobs and namespaces that nothing would wake, Events that nothing would delete.
import { EVENT_TTL_MS, type Resource, type StoredObject, suffix, Txn } from "@gantry/store";
import { PAGE, type ResyncPass } from "./resync-pass.ts";

/** Woken once for each version: some have no next time. */
const NUDGED_MAX = 10_000;

export class TimerResync {
  readonly #nudged = new Map<string, string>();

  async look(pass: ResyncPass): Promise<void> {
    await this.#each(pass, "cronjobs", ({ metadata, ...object }) => {
      const { suspend } = (object["spec"] ?? {}) as { suspend?: boolean };
      return suspend !== true && metadata.deletionTimestamp === undefined;
    });
    await this.#each(
      pass,
      "namespaces",
      ({ metadata }) =>
        metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0,
    );
  }

  /** Those of a resource that must have a timer or a sync owed. */
  async #each(
    pass: ResyncPass,
    resource: Extract<Resource, "cronjobs" | "namespaces">,
    needsTimer: (object: StoredObject) => boolean,
  ): Promise<void> {
    const { store } = pass.context;
    let after: string | undefined;
    for (;;) {
      const page = await store.page(resource, {
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      });
      const objects = page.items.filter(({ value }) => needsTimer(value as StoredObject));
      const keys = objects.map(({ key }) => `${resource}|${key}`);
      if (keys.length > 0) {
        const [times, marks] = await Promise.all([
          store.redis.zmscore(store.key(suffix.timers), ...keys),
          store.redis.hmget(store.key(suffix.dirty), ...keys),
        ]);
        for (const [n, syncKey] of keys.entries()) {
          const rv = objects[n]?.rv ?? "";
          if (times[n] !== null || marks[n] !== null) continue;
          if (!pass.findings.confirmed(`timer|${syncKey}`, rv)) continue;
          if (this.#nudged.get(syncKey) === rv) continue;
          this.#remember(syncKey, rv);
          await store.commit(new Txn().dirty(syncKey));
          pass.findings.mended("timer_lost", syncKey);
        }
      }
      await pass.pace();
      if (!page.more || page.last === undefined) return;
      after = page.last;
    }
  }

  #remember(syncKey: string, rv: string): void {
    if (this.#nudged.size >= NUDGED_MAX) this.#nudged.clear();
    this.#nudged.set(syncKey, rv);
  }
}

/** Each Event is to be deleted some time. */
export const mendEvents = async (pass: ResyncPass): Promise<void> => {
  const { store, now } = pass.context;
  const expiry = store.key(suffix.eventExpiry);
  const counts = await store.redis
    .multi()
    .hlen(store.key(suffix.objects("events")))
    .zcard(expiry)
    .exec();
  const [events = 0, timed = 0] = (counts ?? []).map(([, count]) => Number(count));
  if (timed >= events) return;
  let after: string | undefined;
  for (;;) {
    const page = await store.page("events", {
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    const keys = page.items.map(({ key }) => key);
    const scores = keys.length === 0 ? [] : await store.redis.zmscore(expiry, ...keys);
    for (const [n, key] of keys.entries()) {
      if (scores[n] !== null || !pass.findings.confirmed(`evx|${key}`, "none")) continue;
      const txn = new Txn().check("events", key, "any");
      txn.side("ZADD", suffix.eventExpiry, "NX", now() + EVENT_TTL_MS, key);
      if ((await store.commit(txn)).ok) pass.findings.mended("timer_lost", `event ${key}`);
    }
    await pass.pace();
    if (!page.more || page.last === undefined) return;
    after = page.last;
  }
};
