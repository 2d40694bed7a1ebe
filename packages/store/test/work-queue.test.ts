// The workqueue against a real Redis: a key is handed to one scheduler at a time, and none is lost or forgotten.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startRedis, type TestRedis } from "../testing/redis-server.ts";
import { waitFor } from "../testing/wait-for.ts";
import { suffix } from "../src/keys.ts";
import { Store } from "../src/store.ts";
import { Txn } from "../src/txn.ts";
import { listenToBell, WorkQueue } from "../src/work-queue.ts";

let server: TestRedis;
let store: Store;
let cells = 0;
let a: WorkQueue;
let b: WorkQueue;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  cells += 1;
  store = new Store({ connection: { url: server.url }, cell: `queue${cells}` });
  a = new WorkQueue(store, "a");
  b = new WorkQueue(store, "b");
});
afterEach(() => store.close());

const NOW = 1_000_000;
const LEASE = 15_000;

const mark = (...keys: string[]) =>
  store.commit(keys.reduce((txn, key) => txn.dirty(key), new Txn()));
const keys = async (queue: WorkQueue, room = 10, done: string[] = []): Promise<string[]> =>
  (await queue.take(room, done)).map(({ key }) => key);
/** What a sync does in its own transaction. */
const clean = async (key: string): Promise<void> => {
  const count = (await store.redis.hget(store.key(suffix.dirty), key)) ?? "";
  await store.commit(new Txn().clean(key, count));
};

describe("taking", () => {
  test("hands out each key once, however often it was marked, the longest waiting first", async () => {
    await mark("jobs|ns/first");
    await mark("jobs|ns/second");
    await mark("jobs|ns/first");
    expect(await keys(a, 1)).toEqual(["jobs|ns/first"]);
    expect(await keys(b)).toEqual(["jobs|ns/second"]);
    expect(await keys(a)).toEqual([]);
  });

  test("tells since when a key has waited, by Redis' clock", async () => {
    await mark("jobs|ns/a");
    const [taken] = await a.take(1, []);
    expect(Math.abs((taken?.readySinceMs ?? 0) - Date.now())).toBeLessThan(10_000);
    expect(taken?.takenAtMs).toBeGreaterThanOrEqual(taken?.readySinceMs ?? Infinity);
  });

  test("a key marked while it is held waits until it is given back, and only then is offered", async () => {
    await mark("jobs|ns/a");
    await keys(a);
    await clean("jobs|ns/a");
    await mark("jobs|ns/a");
    expect(await keys(b)).toEqual([]);
    expect(await keys(a, 0, ["jobs|ns/a"])).toEqual([]);
    expect(await keys(b)).toEqual(["jobs|ns/a"]);
  });

  test("a key given back without being marked again is offered to nobody", async () => {
    await mark("jobs|ns/a");
    await keys(a);
    await clean("jobs|ns/a");
    expect(await keys(a, 10, ["jobs|ns/a"])).toEqual([]);
    expect(await store.redis.exists(store.key(suffix.taken), store.key(suffix.ready))).toBe(0);
  });

  test("a key whose sync failed keeps its mark, and so is offered again", async () => {
    await mark("jobs|ns/a");
    await keys(a);
    expect(await keys(a, 10, ["jobs|ns/a"])).toEqual(["jobs|ns/a"]);
  });

  test("a hot key goes behind those that wait", async () => {
    await mark("jobs|ns/hot");
    await keys(a);
    await mark("jobs|ns/hot", "jobs|ns/cold");
    expect(await keys(a, 1, ["jobs|ns/hot"])).toEqual(["jobs|ns/cold"]);
  });
});

describe("a scheduler that is gone", () => {
  test("loses its keys to the others once its lease has run out, and not before", async () => {
    await a.sweep([], NOW, LEASE);
    await mark("jobs|ns/a");
    await keys(a);
    expect(await b.sweep([], NOW + LEASE - 1, LEASE)).toEqual({ givenBack: 0, put: 0 });
    expect(await keys(b)).toEqual([]);
    expect(await b.sweep([], NOW + LEASE, LEASE)).toEqual({ givenBack: 1, put: 0 });
    expect(await keys(b)).toEqual(["jobs|ns/a"]);
  });

  test("can't give back what another holds by now", async () => {
    await a.sweep([], NOW, LEASE);
    await mark("jobs|ns/a");
    await keys(a);
    await b.sweep([], NOW + LEASE, LEASE);
    await keys(b);
    await mark("jobs|ns/a");
    expect(await keys(a, 10, ["jobs|ns/a"])).toEqual([]);
    expect(await store.redis.hget(store.key(suffix.taken), "jobs|ns/a")).toBe("b");
  });

  test("that leaves in order is not waited for", async () => {
    await a.sweep([], NOW, LEASE);
    await mark("jobs|ns/a");
    await keys(a);
    await a.leave();
    expect(await b.sweep([], NOW, LEASE)).toEqual({ givenBack: 1, put: 0 });
  });
});

describe("a sweep", () => {
  test("gives back keys that were handed out in an answer that got lost", async () => {
    await mark("jobs|ns/heard", "jobs|ns/lost");
    await keys(a);
    expect(await a.sweep(["jobs|ns/heard"], NOW, LEASE)).toEqual({ givenBack: 1, put: 0 });
    expect(await keys(b)).toEqual(["jobs|ns/lost"]);
  });

  test("puts on the queue what is marked and forgotten, once", async () => {
    await store.redis.hset(store.key(suffix.dirty), "jobs|ns/a", 1, "jobs|ns/b", 2);
    expect(await a.sweep([], NOW, LEASE)).toEqual({ givenBack: 0, put: 2 });
    expect(await a.sweep([], NOW, LEASE)).toEqual({ givenBack: 0, put: 0 });
    expect((await keys(a)).sort()).toEqual(["jobs|ns/a", "jobs|ns/b"]);
  });
});

describe("the bell", () => {
  test("wakes a listener when a key is marked; what one leaves wakes the next", async () => {
    const rings = [0, 0];
    const bells = rings.map((_, n) => listenToBell(store, () => (rings[n] = (rings[n] ?? 0) + 1)));
    try {
      await mark("jobs|ns/a", "jobs|ns/b");
      await waitFor(
        "one of them to hear it",
        async () => rings.some((count) => count > 0) || undefined,
      );
      expect(rings.reduce((sum, count) => sum + count, 0)).toBe(1);
      await keys(a, 1);
      await waitFor(
        "another ring",
        async () => (rings[0] ?? 0) + (rings[1] ?? 0) === 2 || undefined,
      );
    } finally {
      for (const bell of bells) bell.close();
    }
  });
});
