// The safety rules of the sweep of orphaned tasks, with a clock of the test's own and a real Redis.
import { type EcsTask, parseEcsSettings } from "@gantry/core";
import { createPod, putTaskRecord, readSeenTask, Store, suffix, Txn } from "@gantry/store";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { EcsContext } from "../src/ecs/ecs-context.ts";
import { OrphanSweep } from "../src/ecs/orphan-sweep.ts";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

let redis: TestRedis;
let store: Store;
let nowMs: number;
let running: Map<string, EcsTask>;
let stopped: string[];
let told: string[];
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
  await serverIs("first");
  nowMs = 100 * HOUR_MS;
  running = new Map();
  stopped = [];
  told = [];
});

/** The server that the store's data are on, by its own name for this run of it. */
const serverIs = (runId: string): Promise<unknown> =>
  store.redis.hset(store.key(suffix.meta), "runId", runId);

const sweeper = (sweep: object, holder = "worker"): OrphanSweep => {
  const settings = parseEcsSettings({
    engineId: "test",
    region: "us-east-1",
    lanes: [{ name: "fargate", cluster: "default", launchType: "FARGATE" }],
    network: { subnets: [{ id: "subnet-1" }], securityGroups: [] },
    executionRoleArn: "arn:aws:iam::123456789012:role/execution",
    sweep,
  });
  const stop = async ({ input }: { input: { task: string } }): Promise<void> => {
    stopped.push(input.task);
    running.delete(input.task);
  };
  const context = {
    settings,
    store,
    holder,
    now: () => nowMs,
    log: pino({ level: "silent" }),
    counters: { count: () => {} },
    census: { tasks: async () => new Map(running) },
    clients: { ecs: { send: stop } },
    api: { patiently: (_name: string, _bucket: string, call: () => unknown) => call() },
  } as unknown as EcsContext;
  return new OrphanSweep({ context, tell: (_owner, { reason }) => told.push(reason) });
};

/** A task that was made so long ago, for a Pod of this uid. */
const task = (uid: string, ageMs: number, attempt = 1): EcsTask => {
  const made = {
    taskArn: `arn:aws:ecs:us-east-1:1:task/default/${uid}-${attempt}`,
    version: 1,
    lastStatus: "RUNNING",
    desiredStatus: "RUNNING",
    createdAtMs: nowMs - ageMs,
    containers: [],
    owner: { podUid: uid, attempt, pod: `default/${uid}` },
  };
  running.set(made.taskArn, made);
  return made;
};

const committed = async (write: (txn: Txn) => void): Promise<void> => {
  const txn = new Txn();
  write(txn);
  expect((await store.commit(txn)).ok).toBe(true);
};

const record = (uid: string, more: object) =>
  ({ podUid: uid, pod: `default/${uid}`, attempt: 1, lane: "fargate", ...more }) as never;

const always = { dryRunSeconds: 0 };

test("an orphan is told of when it is first seen, and stopped when it is seen again", async () => {
  const sweep = sweeper(always);
  const { taskArn } = task("gone", HOUR_MS);
  expect(await sweep.sweep()).toMatchObject({ tasks: 1, orphans: 1, stopped: 0 });
  expect(told).toEqual(["OrphanedTask"]);
  expect(await sweep.sweep()).toMatchObject({ orphans: 1, stopped: 1 });
  expect(stopped).toEqual([taskArn]);
  expect(told).toEqual(["OrphanedTask", "OrphanedTaskStopped"]);
  expect(await sweep.sweep()).toMatchObject({ tasks: 0, orphans: 0 });
});

test("both sightings count, whichever worker had them", async () => {
  const first = sweeper(always, "first");
  task("gone", HOUR_MS);
  await first.sweep();
  const second = sweeper(always, "second");
  expect(await second.sweep()).toBeNull();
  await first.close();
  expect(await second.sweep()).toMatchObject({ stopped: 1 });
});

test("a young one is left alone, however often it is seen", async () => {
  const sweep = sweeper(always);
  task("young", 9 * MINUTE_MS);
  for (let n = 0; n < 3; n++) expect(await sweep.sweep()).toMatchObject({ stopped: 0 });
  nowMs += MINUTE_MS;
  expect(await sweep.sweep()).toMatchObject({ stopped: 1 });
});

test("no more are stopped at once than is allowed; the next sweeps go on", async () => {
  const sweep = sweeper({ ...always, maxStopsPerSweep: 2 });
  for (const uid of ["a", "b", "c", "d", "e"]) task(uid, HOUR_MS);
  const counts: (number | undefined)[] = [];
  for (let n = 0; n < 4; n++) counts.push((await sweep.sweep())?.stopped);
  expect(counts).toEqual([0, 2, 2, 1]);
  expect(new Set(stopped).size).toBe(5);
});

test("after the store's server changed nothing is stopped for an hour", async () => {
  const sweep = sweeper({});
  task("gone", HOUR_MS);
  for (let n = 0; n < 12; n++) {
    expect(await sweep.sweep()).toMatchObject({ stopped: 0, dryRun: true });
    nowMs += 5 * MINUTE_MS;
  }
  expect(await sweep.sweep()).toMatchObject({ stopped: 1, dryRun: false });
  task("another", HOUR_MS);
  await sweep.sweep();
  await serverIs("second");
  expect(await sweep.sweep()).toMatchObject({ stopped: 0, dryRun: true });
});

test("what is somebody's is not stopped: of a record, of a Pod, or without an owner's name", async () => {
  const sweep = sweeper(always);
  const { taskArn } = task("recorded", HOUR_MS);
  await committed((txn) => putTaskRecord(txn, record("recorded", { taskArn })));
  const { taskArn: handle } = task("running", HOUR_MS);
  const pod = { namespace: "default", name: "running", uid: "running", createdAtMs: nowMs };
  const state = { tracked: false, phase: "Running", ready: true, containers: [], handle } as const;
  await committed((txn) => createPod(txn, { ...pod, ...state, spec: {} }));
  const foreign = task("foreign", HOUR_MS);
  running.set(foreign.taskArn, { ...foreign, owner: undefined });
  for (let n = 0; n < 3; n++) expect(await sweep.sweep()).toMatchObject({ tasks: 3, orphans: 0 });
  expect(stopped).toEqual([]);
});

test("one that a launch waits for is told of, and adopted; one of an earlier attempt is an orphan", async () => {
  const sweep = sweeper(always);
  await committed((txn) => putTaskRecord(txn, record("launching", { attempt: 2 })));
  const awaited = task("launching", HOUR_MS, 2);
  const late = task("launching", HOUR_MS, 1);
  await sweep.sweep();
  expect(await sweep.sweep()).toMatchObject({ tasks: 2, orphans: 1, stopped: 1 });
  expect(stopped).toEqual([late.taskArn]);
  expect((await readSeenTask(store, awaited.taskArn))?.task.owner?.attempt).toBe(2);
});
