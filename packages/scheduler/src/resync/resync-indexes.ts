// Each resource's index against its objects, and its stream of changes against what was there before.
import {
  compareRevisions,
  raiseRevisionBase,
  resources,
  type Resource,
  suffix,
  Txn,
} from "@gantry/store";
import type { ResyncPass } from "./resync-pass.ts";

/** So many keys are compared also where their number is right. */
const COMPARED_MAX = 20_000;

/** Objects that lists do not show, and entries of lists without objects. */
export const mendIndexes = async (pass: ResyncPass): Promise<void> => {
  const { store } = pass.context;
  for (const resource of resources) {
    // At one moment: between two commands others write.
    const counts = await store.redis
      .multi()
      .hlen(store.key(suffix.objects(resource)))
      .zcard(store.key(suffix.index(resource)))
      .exec();
    const [objects = 0, entries = 0] = (counts ?? []).map(([, count]) => Number(count));
    const compare = pass.thorough && objects <= COMPARED_MAX;
    if (objects === entries && !compare) continue;
    const keys = await store.redis.hkeys(store.key(suffix.objects(resource)));
    const listed = await store.keys(resource);
    await pass.pace();
    const [there, shown] = [new Set(keys), new Set(listed)];
    const hidden = keys.filter((key) => !shown.has(key));
    const empty = listed.filter((key) => !there.has(key));
    for (const key of hidden) await mendEntry(pass, resource, key, true);
    for (const key of empty) await mendEntry(pass, resource, key, false);
  }
};

const mendEntry = async (
  pass: ResyncPass,
  resource: Resource,
  key: string,
  present: boolean,
): Promise<void> => {
  if (!pass.findings.confirmed(`index|${resource}|${key}`, String(present))) return;
  const txn = new Txn();
  const index = suffix.index(resource);
  if (present) txn.check(resource, key, "any").side("ZADD", index, 0, key);
  else txn.checkAbsent(resource, key).side("ZREM", index, key);
  if ((await pass.context.store.commit(txn)).ok) {
    pass.findings.mended("index_entry", `${index} ${key}`);
  }
};

/**
 * A stream that is gone, or begins anew: watches would resume over the gap. They are told to list
 * again instead.
 */
export class StreamResync {
  readonly #lastIds = new Map<Resource, string>();

  async look(pass: ResyncPass): Promise<void> {
    const { store } = pass.context;
    for (const resource of resources) {
      const last = await lastId(pass, resource);
      const before = this.#lastIds.get(resource);
      if (last !== null) this.#lastIds.set(resource, last);
      const mark = `stream:${resource}`;
      const wentBack =
        before !== undefined && (last === null || compareRevisions(last, before) < 0);
      const known = await store.redis.hget(store.key(suffix.meta), mark);
      if (last !== null && known !== null) await store.redis.hdel(store.key(suffix.meta), mark);
      const vanished = last === null && known === null && (await hasObjects(pass, resource));
      if (!wentBack && !vanished) continue;
      this.#lastIds.delete(resource);
      const base = await raiseRevisionBase(store);
      if (last === null) await store.redis.hset(store.key(suffix.meta), mark, base);
      pass.findings.mended("stream_lost", suffix.watch(resource));
    }
  }
}

const lastId = async (
  { context: { store } }: ResyncPass,
  resource: Resource,
): Promise<string | null> => {
  const info = await store.redis
    .xinfo("STREAM", store.key(suffix.watch(resource)))
    .catch(() => null);
  if (!Array.isArray(info)) return null;
  const id = String((info as unknown[])[info.indexOf("last-generated-id") + 1]);
  return id.slice(0, id.indexOf("-"));
};

const hasObjects = async (
  { context: { store } }: ResyncPass,
  resource: Resource,
): Promise<boolean> => (await store.redis.hlen(store.key(suffix.objects(resource)))) > 0;
