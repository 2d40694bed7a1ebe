// What is remembered of Spot's reclaims, on a real Redis.
import { Store } from "@gantry/store";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { noteReclaim, reclaimsOf } from "../src/ecs/spot-reclaims.ts";

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

test("each index of a Job has its count, which is forgotten in the end; other Pods have none", async () => {
  const first = { namespace: "ns", job: "job", index: 0 };
  const second = { ...first, index: 1 };
  await noteReclaim(store, first);
  await noteReclaim(store, first);
  await noteReclaim(store, second);
  expect(await reclaimsOf(store, first)).toBe(2);
  expect(await reclaimsOf(store, second)).toBe(1);
  expect(await reclaimsOf(store, { namespace: "ns", job: "other" })).toBe(0);
  expect(await store.redis.pttl(store.key("ecs:reclaims:ns/job/0"))).toBeGreaterThan(3_600_000);
  await noteReclaim(store, { namespace: "ns" });
  expect(await reclaimsOf(store, { namespace: "ns" })).toBe(0);
  expect(await store.redis.keys("*reclaims*")).toHaveLength(2);
});
