// What a Pod costs Redis, from its Job to Complete, through the real scheduler and worker: a regression fails here.
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newJob } from "@gantry/core";
import { type Scheduler, startScheduler } from "@gantry/scheduler";
import { createObject, Store, Txn } from "@gantry/store";
import { type RunningWorker, startWorker } from "@gantry/worker";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait-for.ts";
import { type RedisCounters, redisCounters } from "./private-redis.ts";

const log = pino({ level: "silent" });
const PARALLELISM = 50;

let server: TestRedis;
let store: Store;
let scheduler: Scheduler;
let worker: RunningWorker;
let dataDir: string;

beforeAll(async () => {
  server = await startRedis();
  dataDir = await mkdtemp(join(tmpdir(), "gantry-cost-"));
  const redis = { url: server.url };
  store = new Store({ connection: redis });
  await store.open();
  scheduler = await startScheduler({ redis, log });
  worker = await startWorker({
    redis,
    log,
    dataDir,
    node: "cost",
    runtimes: ["simulated"],
    defaultRuntime: "simulated",
    concurrency: PARALLELISM,
    listen: { host: "127.0.0.1", port: 0 },
    drain: "stop",
  });
});
afterAll(async () => {
  await worker.close();
  await scheduler.close();
  await store.close();
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

const succeeded = async (key: string): Promise<number | undefined> =>
  (await store.get("jobs", key))?.value.status.succeeded;

/** Per Pod, from the submission until all have succeeded. */
const costOf = async (name: string, completions: number): Promise<RedisCounters> => {
  const manifest = {
    metadata: { name, namespace: "default" },
    spec: {
      completions,
      parallelism: PARALLELISM,
      completionMode: "Indexed",
      template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "none" }] } },
    },
  };
  const before = await redisCounters(store.redis);
  const txn = new Txn();
  createObject(txn, "jobs", newJob(manifest, randomUUID(), Date.now()), Date.now());
  await store.commit(txn.dirty(`jobs|default/${name}`));
  await waitFor(`${name} to complete`, async () =>
    (await succeeded(`default/${name}`)) === completions ? true : undefined,
  );
  const after = await redisCounters(store.redis);
  const each = (field: keyof RedisCounters): number => (after[field] - before[field]) / completions;
  return {
    commands: each("commands"),
    scripts: each("scripts"),
    scriptMicros: each("scriptMicros"),
    reads: each("reads"),
    bytesIn: each("bytesIn"),
    bytesOut: each("bytesOut"),
  };
};

describe("a Pod of a Job of 1,000, at parallelism 50", () => {
  let small: RedisCounters;
  let large: RedisCounters;
  beforeAll(async () => {
    small = await costOf("small", 250);
    large = await costOf("large", 1_000);
  });

  test("takes a share of a few scripts: everything is done for many Pods at once", () => {
    expect(large.scripts).toBeLessThan(0.4);
  });

  test("takes fewer than 25 Redis commands, those inside of scripts included", () => {
    expect(large.commands).toBeLessThan(25);
  });

  test("takes less than one read of a socket: requests of one moment travel together", () => {
    expect(large.reads).toBeLessThan(0.8);
  });

  test("sends less than 3 KB and is answered less than 1 KB", () => {
    expect(large.bytesIn).toBeLessThan(3_000);
    expect(large.bytesOut).toBeLessThan(1_000);
  });

  test("costs no more than one of a Job of a quarter of its size", () => {
    expect(large.commands).toBeLessThan(small.commands * 1.25);
    expect(large.bytesIn).toBeLessThan(small.bytesIn * 1.25);
    expect(large.scripts).toBeLessThan(small.scripts * 1.25);
  });
});
