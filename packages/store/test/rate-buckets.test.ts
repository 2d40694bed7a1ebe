// Token buckets and roles that processes share, and what is kept of tasks, against a real server.
import type { EcsTask } from "@gantry/core";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { RateBuckets } from "../src/rate-buckets.ts";
import { holdRole, leaveRole } from "../src/role-lease.ts";
import { Store } from "../src/store.ts";
import { readSeenTask, recordSeenTask } from "../src/task-records.ts";
import { startRedis, type TestRedis } from "../testing/redis-server.ts";
import { waitFor } from "../testing/wait-for.ts";

let redis: TestRedis;
let store: Store;

beforeAll(async () => {
  redis = await startRedis();
  store = new Store({ connection: { url: redis.url } });
});
afterAll(async () => {
  await store.close();
  await redis.stop();
});
beforeEach(async () => {
  await store.redis.flushall();
});

describe("token buckets", () => {
  const slow = { name: "slow", burst: 10, perSecond: 1 };

  test("two processes together get no more than the burst", async () => {
    const [a, b] = [new RateBuckets(store, "a"), new RateBuckets(store, "b")];
    expect((await a.take([slow], 6)).granted).toBe(6);
    expect((await b.take([slow], 6)).granted).toBe(4);
    const none = await a.take([slow], 1);
    expect(none.granted).toBe(0);
    expect(none.waitMs).toBeGreaterThan(0);
    expect(none.waitMs).toBeLessThanOrEqual(1_000);
    expect(none.askers).toBe(2);
  });

  test("the bucket that has least decides, and the others lose no more than was granted", async () => {
    const buckets = new RateBuckets(store, "a");
    const wide = { name: "wide", burst: 100, perSecond: 1 };
    const narrow = { name: "narrow", burst: 3, perSecond: 1 };
    expect((await buckets.take([wide, narrow], 50)).granted).toBe(3);
    expect((await buckets.take([wide], 200)).granted).toBe(97);
  });

  test("what is reserved is left to those who need not leave it", async () => {
    const buckets = new RateBuckets(store, "a");
    expect((await buckets.take([{ ...slow, reserve: 4 }], 10)).granted).toBe(6);
    expect((await buckets.take([{ ...slow, reserve: 4 }], 1)).granted).toBe(0);
    expect((await buckets.take([slow], 10)).granted).toBe(4);
  });

  test("tokens come back at the bucket's rate", async () => {
    const buckets = new RateBuckets(store, "a");
    const quick = { name: "quick", burst: 5, perSecond: 50 };
    await buckets.take([quick], 5);
    const startedAtMs = Date.now();
    let granted = 0;
    await waitFor("ten tokens", async () => {
      granted += (await buckets.take([quick], 10 - granted)).granted;
      return granted >= 10 || undefined;
    });
    expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(180);
  });

  test("refusals at one moment halve the rate once; the bucket starts from nothing", async () => {
    const buckets = new RateBuckets(store, "a");
    const fast = { name: "fast", burst: 40, perSecond: 40 };
    expect(await Promise.all([buckets.slow(fast), buckets.slow(fast)])).toEqual([true, false]);
    expect((await buckets.take([fast], 40)).granted).toBeLessThan(5);
    await pause(500);
    const { granted } = await buckets.take([fast], 40);
    expect(granted).toBeGreaterThanOrEqual(8);
    expect(granted).toBeLessThanOrEqual(20);
  });
});

test("a role has one holder, who may extend it and give it up", async () => {
  expect(await holdRole(store, "leader", "a", 10_000)).toBe(true);
  expect(await holdRole(store, "leader", "b", 10_000)).toBe(false);
  expect(await holdRole(store, "leader", "a", 10_000)).toBe(true);
  await leaveRole(store, "leader", "b");
  expect(await holdRole(store, "leader", "b", 10_000)).toBe(false);
  await leaveRole(store, "leader", "a");
  expect(await holdRole(store, "leader", "b", 50)).toBe(true);
  await waitFor("the role to run out", async () =>
    (await holdRole(store, "leader", "a", 10_000)) ? true : undefined,
  );
});

describe("what events tell of tasks", () => {
  const task = (version: number): EcsTask => ({
    taskArn: "arn:task",
    version,
    lastStatus: "RUNNING",
    desiredStatus: "RUNNING",
    containers: [],
  });

  test("in any order and any number the newest is kept, and each newer one told once", async () => {
    await store.redis.hset(store.key("ecs:records"), "uid", "{}");
    const results = [];
    for (const version of [2, 1, 2, 5, 3, 5]) {
      results.push(await recordSeenTask(store, "uid", task(version)));
    }
    expect(results).toEqual(["new", "old", "old", "new", "old", "old"]);
    expect((await readSeenTask(store, "arn:task"))?.version).toBe(5);
    expect(await store.redis.xlen(store.key("ecs:events"))).toBe(2);
  });

  test("of a task that no Pod has nothing is kept", async () => {
    expect(await recordSeenTask(store, "uid", task(1))).toBe("unowned");
    expect(await readSeenTask(store, "arn:task")).toBeNull();
  });
});
