// What the cleanup job keeps of what grows with load.
import { randomUUID } from "node:crypto";
import { createObject, EVENT_TTL_MS, EventRecorder, Templates, Txn } from "@gantry/store";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Cleanup } from "../src/cleanup.ts";
import { newIds } from "../src/new-ids.ts";
import { jobSpec, MetricsCell } from "./metrics-cell.ts";

let server: TestRedis;
let cell: MetricsCell;
beforeAll(async () => {
  server = await startRedis();
  cell = new MetricsCell(server.url, "cleanup");
});
afterAll(async () => {
  await cell.close();
  await server.stop();
});

const cleanup = (eventsMax?: number): Cleanup => {
  const log = pino({ level: "silent" });
  const now = (): number => cell.nowMs;
  const { store, queues } = cell;
  const templates = new Templates(store);
  const events = new EventRecorder(store, now, log);
  const context = { store, queues, templates, events, log, now, newIds, hint: () => {} };
  return new Cleanup(context, eventsMax);
};

test("Events: those whose hour is over go, and the oldest of too many", async () => {
  for (let n = 0; n < 30; n++) {
    const metadata = {
      name: `e${String(n).padStart(2, "0")}`,
      namespace: "default",
      uid: randomUUID(),
      creationTimestamp: "",
    };
    const txn = new Txn();
    const event = { kind: "Event", apiVersion: "v1", metadata };
    createObject(txn, "events", event, cell.nowMs + n * 1_000);
    await cell.store.commit(txn);
  }
  expect((await cleanup(12).run()).eventsDeleted).toBe(18);
  const left = await cell.store.keys("events");
  expect(left).toHaveLength(12);
  expect(left[0]).toBe("default/e18");
  cell.nowMs += EVENT_TTL_MS + 20_000;
  expect((await cleanup().run()).eventsDeleted).toBe(3);
  expect(await cell.store.redis.zcard(cell.store.key("evx"))).toBe(9);
});

test("many Jobs that expire at once are all deleted", async () => {
  for (let n = 0; n < 70; n++) {
    await cell.createJob(`j${n}`, jobSpec({ ttlSecondsAfterFinished: 1 }));
    const key = `default/j${n}`;
    const job = await cell.store.get("jobs", key);
    if (job === null) throw new Error(key);
    const at = new Date(cell.nowMs).toISOString().replace(".000", "");
    const conditions = [{ type: "Complete", status: "True", lastTransitionTime: at }];
    const body = JSON.stringify({ ...job.value, status: { ...job.value.status, conditions } });
    await cell.store.redis.hset(cell.store.key("o:jobs"), key, `${job.rv} ${body}`);
    await cell.store.redis.zadd(cell.store.key("ttl"), cell.nowMs + 1_000, key);
  }
  cell.nowMs += 2_000;
  expect((await cleanup().run()).jobsDeleted).toBe(70);
  expect(await cell.store.redis.zcard(cell.store.key("ttl"))).toBe(0);
});
