// The load that schedulers log, against a real Redis: what waits, what runs, and who has places.
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { createObject, enqueuePods, podQueueName, renewLease, Txn } from "@gantry/store";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { Worker } from "bullmq";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Load, measureLoad } from "../src/load-report.ts";
import { startScheduler } from "../src/start-scheduler.ts";
import { MetricsCell } from "./metrics-cell.ts";

let server: TestRedis;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const addNode = async (
  { store, nowMs }: MetricsCell,
  name: string,
  pods: string,
  more: { spec?: object; leaseMs?: number } = {},
): Promise<void> => {
  const txn = new Txn();
  const metadata = { name, uid: name, creationTimestamp: "2030-01-01T00:00:00Z" };
  const status = { allocatable: { pods } };
  const object = { kind: "Node", apiVersion: "v1", metadata, spec: more.spec ?? {}, status };
  createObject(txn, "nodes", object, nowMs);
  await store.commit(txn);
  await renewLease(store, name, nowMs + (more.leaseMs ?? 15_000));
};

const enqueue = async (cell: MetricsCell, count: number, runtime?: string): Promise<void> => {
  const pods = Array.from({ length: count }, (_, n) => {
    const name = `${runtime ?? "any"}-${n}`;
    return { namespace: "default", name, uid: name, queue: podQueueName(runtime) };
  });
  await cell.store.commit(enqueuePods(new Txn(), pods, cell.nowMs));
};

test("waiting and taken Pods of all queues, places of ready workers only", async () => {
  const cell = new MetricsCell(server.url, "load");
  await addNode(cell, "one", "30");
  await addNode(cell, "two", "10");
  await addNode(cell, "cordoned", "100", { spec: { unschedulable: true } });
  await addNode(cell, "gone", "100", { leaseMs: -1 });
  await enqueue(cell, 20);
  await enqueue(cell, 12, "ecs");
  const taken: string[] = [];
  const worker = new Worker("pods", null, {
    connection: cell.store.redis,
    prefix: "{load}:q",
    autorun: false,
  });
  for (let n = 0; n < 5; n += 1) taken.push((await worker.getNextJob("token"))?.id ?? "");
  expect(new Set(taken).size).toBe(5);
  expect(await measureLoad(cell.store, cell.queues, cell.nowMs)).toEqual({
    waitingPods: 27,
    activePods: 5,
    readyWorkers: 2,
    places: 40,
    placesUsedPercent: 80,
  } satisfies Load);
  await worker.close();
  await cell.close();
});

test("without a worker, waiting Pods ask for one all the same", async () => {
  const cell = new MetricsCell(server.url, "empty");
  expect(await measureLoad(cell.store, cell.queues, cell.nowMs)).toMatchObject({
    readyWorkers: 0,
    placesUsedPercent: 0,
  });
  await enqueue(cell, 3);
  expect(await measureLoad(cell.store, cell.queues, cell.nowMs)).toMatchObject({
    waitingPods: 3,
    places: 0,
    placesUsedPercent: 300,
  });
  await cell.close();
});

test("a scheduler that is asked for it logs the load", async () => {
  const lines = new PassThrough();
  const scheduler = await startScheduler({
    redis: { url: server.url },
    cell: "told",
    log: pino({ level: "info" }, lines),
    reportLoadEveryMs: 20,
  });
  for await (const line of createInterface(lines)) {
    const { msg, load } = JSON.parse(line) as { msg: string; load: Load };
    if (msg !== "load") continue;
    expect(load).toMatchObject({ waitingPods: 0, activePods: 0, readyWorkers: 0 });
    break;
  }
  await scheduler.close();
});
