// What nobody told of: each test breaks one thing by hand, and two passes of the resync mend it.
import { type PodRecord } from "@gantry/core";
import {
  createObject,
  EventRecorder,
  Store,
  type Stored,
  suffix,
  Templates,
  Txn,
  updatePod,
} from "@gantry/store";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { Worker } from "bullmq";
import { pino } from "pino";
import { Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ControllerContext } from "../src/controller-context.ts";
import { schedulerMetrics } from "../src/metrics/scheduler-metrics.ts";
import { newIds } from "../src/new-ids.ts";
import { Resync } from "../src/resync/resync.ts";
import { startScheduler } from "../src/start-scheduler.ts";
import { syncByKey } from "../src/sync-by-key.ts";
import { jobSpec, MetricsCell } from "./metrics-cell.ts";

let server: TestRedis;
let cell: MetricsCell;
let store: Store;
let context: ControllerContext;
let registry: Registry;
let resync: Resync;
let sync: (key: string) => Promise<void>;
let logged: string[];
let cells = 0;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  cells += 1;
  logged = [];
  cell = new MetricsCell(server.url, `resync${cells}`);
  store = cell.store;
  await store.open();
  const now = (): number => cell.nowMs;
  const log = pino({ level: "warn" }, { write: (line: string) => logged.push(line) });
  registry = new Registry();
  context = {
    store,
    queues: cell.queues,
    now,
    newIds,
    log,
    templates: new Templates(store),
    events: new EventRecorder(store, now, log),
    hint: () => {},
    metrics: schedulerMetrics(registry, store, now),
  };
  resync = new Resync(context, cell.queues);
  sync = syncByKey(context);
});
afterEach(async () => {
  await context.events.close();
  await cell.close();
});

/** A Job whose Pods are made and on their queue. */
const started = async (name: string, spec: Parameters<typeof jobSpec>[0] = {}): Promise<void> => {
  await cell.createJob(name, jobSpec(spec));
  await sync(`jobs|default/${name}`);
  await noWakeUps();
};

const only = async (name: string): Promise<Stored<PodRecord>> => {
  const [pod] = await cell.pods(name);
  if (pod === undefined) throw new Error(`${name} has no Pod`);
  return pod;
};

const queue = () => cell.queues.pods("pods");

/** Forgets the keys that wait on the workqueue. */
const noWakeUps = async (): Promise<void> => {
  await store.redis.del(store.key(suffix.ready));
};

/** Runs a sync for each key that the resync woke. */
const syncWoken = async (): Promise<string[]> => {
  const keys = await store.redis.zrange(store.key(suffix.ready), "0", "-1");
  for (const key of keys) await sync(key);
  await noWakeUps();
  return keys;
};

/** Two passes: what was mended. The first only suspects. */
const twice = async (): Promise<unknown> => {
  expect(await resync.pass()).toEqual({});
  return resync.pass();
};

describe("a Pod's job on its queue", () => {
  test("removed by hand: it is there again, counted and logged once", async () => {
    await started("a");
    const pod = await only("a");
    await queue().remove(pod.value.uid);
    expect(await twice()).toEqual({ queue_job_missing: 1 });
    expect(await (await queue().getJob(pod.value.uid))?.getState()).toBe("waiting");
    expect(await resync.pass()).toEqual({});
    expect(await registry.metrics()).toContain(
      'gantry_resync_repairs_total{kind="queue_job_missing"} 1',
    );
    expect(logged).toHaveLength(1);
    expect(JSON.parse(logged[0] ?? "{}")).toMatchObject({ examples: [pod.key], count: 1 });
  });

  test("of a whole queue that was obliterated", async () => {
    await started("a", { completions: 30, parallelism: 30 });
    await queue().obliterate({ force: true });
    expect(await twice()).toEqual({ queue_job_missing: 30 });
    expect(await queue().getWaitingCount()).toBe(30);
  });

  test("failed by hand while the Pod waits", async () => {
    await started("a");
    const { uid } = (await only("a")).value;
    const failing = new Worker("pods", async () => Promise.reject(new Error("by hand")), {
      connection: store.redis,
      prefix: `{${store.cell}}:q`,
    });
    await new Promise((resolve) => failing.once("failed", resolve));
    await failing.close();
    expect(await twice()).toEqual({ queue_job_ended: 1 });
    expect(await (await queue().getJob(uid))?.getState()).toBe("waiting");
  });

  test("in none of the queue's lists", async () => {
    await started("a");
    const { uid } = (await only("a")).value;
    await store.redis.lrem(queue().toKey("wait"), 0, uid);
    expect(await twice()).toEqual({ queue_job_stranded: 1 });
    expect(await (await queue().getJob(uid))?.getState()).toBe("waiting");
  });

  test("without its own hash", async () => {
    await started("a");
    const { uid } = (await only("a")).value;
    await store.redis.del(queue().toKey(uid));
    expect(await twice()).toEqual({ queue_job_missing: 1 });
    expect(await queue().getJob(uid)).toBeDefined();
  });

  test("of a Pod that runs on a living node; of one on a dead node it is the scheduler's other part", async () => {
    await started("a", { completions: 2, parallelism: 2 });
    const pods = await cell.pods("a");
    for (const [n, pod] of pods.entries()) {
      const txn = new Txn();
      updatePod(txn, pod, { ...pod.value, phase: "Running", node: n === 0 ? "alive" : "dead" });
      await store.commit(txn);
    }
    await store.redis.zadd(store.key(suffix.leases), cell.nowMs + 1e9, "alive", 1, "dead");
    await queue().obliterate({ force: true });
    await sync("jobs|default/a");
    expect(await twice()).toEqual({ queue_job_missing: 1 });
    expect(await queue().getJob(pods[0]?.value.uid ?? "")).toBeDefined();
  });

  test("is left alone where it waits, or is delayed", async () => {
    await started("a", { completions: 3, parallelism: 3 });
    const [, second] = await cell.pods("a");
    await queue().remove(second?.value.uid ?? "");
    const { namespace = "", name = "", uid = "" } = second?.value ?? {};
    await queue().add("x", { namespace, name, uid }, { jobId: uid, delay: 1e6 });
    await queue().pause();
    expect(await twice()).toEqual({});
  });
});

describe("a Job that nothing would wake", () => {
  test("whose Pod ended unheard", async () => {
    await started("a");
    const pod = await only("a");
    const txn = new Txn();
    updatePod(txn, pod, { ...pod.value, phase: "Succeeded", node: "n" });
    await store.commit(txn);
    expect(await twice()).toEqual({ job_not_synced: 1 });
    await syncWoken();
    const job = await cell.job("a");
    expect(job?.status.succeeded).toBe(1);
  });

  test("whose timer is gone", async () => {
    await started("a", { activeDeadlineSeconds: 100 });
    await store.redis.del(store.key(suffix.timers));
    expect(await twice()).toEqual({ timer_lost: 1 });
    expect(await syncWoken()).toEqual(["jobs|default/a"]);
    expect(await store.redis.zscore(store.key(suffix.timers), "jobs|default/a")).not.toBeNull();
  });

  test("whose TTL is gone", async () => {
    await started("a", { ttlSecondsAfterFinished: 100 });
    await cell.endPod("a", 0);
    await sync("jobs|default/a");
    await sync("jobs|default/a");
    await noWakeUps();
    expect(await store.redis.zscore(store.key(suffix.ttl), "default/a")).not.toBeNull();
    await store.redis.del(store.key(suffix.ttl));
    expect(await twice()).toEqual({ timer_lost: 1 });
    expect(await store.redis.zscore(store.key(suffix.ttl), "default/a")).not.toBeNull();
  });

  test("a CronJob without its next time, and one that is suspended", async () => {
    await cell.createCronJob("on", {
      schedule: "0 0 * * *",
      concurrencyPolicy: "Allow",
      jobTemplate: { spec: jobSpec({}) },
    });
    await cell.createCronJob("off", { schedule: "0 0 * * *", suspend: true, jobTemplate: {} });
    await sync("cronjobs|default/on");
    await store.redis.hdel(store.key(suffix.dirty), "cronjobs|default/off");
    await noWakeUps();
    await store.redis.del(store.key(suffix.timers));
    expect(await twice()).toEqual({ timer_lost: 1 });
    expect(await syncWoken()).toEqual(["cronjobs|default/on"]);
    expect(await store.redis.zcard(store.key(suffix.timers))).toBe(1);
  });

  test("a Pod whose Job is gone is collected", async () => {
    await started("a");
    const job = await cell.job("a");
    await store.redis.hdel(store.key("o:jobs"), "default/a");
    await store.redis.zrem(store.key("i:jobs"), "default/a");
    expect(await twice()).toMatchObject({ orphan_pod: 1 });
    expect(await syncWoken()).toEqual([`gc|jobs|default/a|${job?.metadata.uid ?? ""}`]);
    const [pod] = await cell.pods("a");
    expect(pod === undefined || pod.value.deletion !== undefined).toBe(true);
  });
});

describe("an index that does not agree", () => {
  test("a Job's unsettled Pods: one is missing, one was never there", async () => {
    await started("a");
    const pod = await only("a");
    const live = store.key(suffix.live(pod.value.job?.uid ?? ""));
    await store.redis.srem(live, pod.value.name);
    await store.redis.sadd(live, "a-nobdy");
    const mended = (await twice()) as Record<string, number>;
    expect(mended["index_entry"]).toBe(2);
    expect(await store.redis.smembers(live)).toEqual([pod.value.name]);
  });

  test("unfinished Jobs: one is missing, one is finished, one was never there", async () => {
    await started("a");
    await started("b");
    await cell.endPod("b", 0);
    await sync("jobs|default/b");
    await sync("jobs|default/b");
    await noWakeUps();
    const key = store.key(suffix.unfinished);
    expect(await store.redis.smembers(key)).toEqual(["default/a"]);
    await store.redis.srem(key, "default/a");
    await store.redis.sadd(key, "default/b", "default/nobody");
    expect(await twice()).toEqual({ index_entry: 3 });
    expect(await store.redis.smembers(key)).toEqual(["default/a"]);
  });

  test("lists: an object that none shows, and an entry without object", async () => {
    await started("a");
    const { key } = await only("a");
    await store.redis.zrem(store.key("i:pods"), key);
    await store.redis.zadd(store.key("i:pods"), 0, "default/nobody");
    expect(await twice()).toEqual({ index_entry: 2 });
    expect(await store.keys("pods")).toEqual([key]);
  });

  test("a node's Pods, and the list of those to be collected", async () => {
    await started("a");
    await cell.endPod("a", 0);
    await sync("jobs|default/a");
    await sync("jobs|default/a");
    await noWakeUps();
    const { key } = await only("a");
    expect(await store.redis.lrange(store.key(suffix.settled), 0, -1)).toEqual([key]);
    await store.redis.del(store.key(suffix.settled));
    await store.redis.zadd(store.key(suffix.leases), cell.nowMs + 1e9, "somewhere");
    await store.redis.sadd(store.key(suffix.nodePods("somewhere")), key, "default/nobody");
    expect(await twice()).toEqual({ index_entry: 3 });
    expect(await store.redis.lrange(store.key(suffix.settled), 0, -1)).toEqual([key]);
    expect(await store.redis.scard(store.key(suffix.nodePods("somewhere")))).toBe(0);
  });

  test("an Event that would never go", async () => {
    const txn = new Txn();
    const metadata = { name: "e", namespace: "default", uid: "u", creationTimestamp: "" };
    createObject(txn, "events", { kind: "Event", apiVersion: "v1", metadata }, cell.nowMs);
    await store.commit(txn);
    await store.redis.del(store.key(suffix.eventExpiry));
    expect(await twice()).toEqual({ timer_lost: 1 });
    expect(await store.redis.zcard(store.key(suffix.eventExpiry))).toBe(1);
  });
});

describe("a stream of changes that is gone", () => {
  test("watches list again, once", async () => {
    await started("a");
    const before = await store.revision();
    await resync.pass();
    await store.redis.del(store.key(suffix.watch("jobs")));
    expect(await resync.pass()).toEqual({ stream_lost: 1 });
    await expect(store.assertResumable("jobs", before)).rejects.toThrow("too old");
    await store.assertResumable("jobs", await store.revision());
    expect(await resync.pass()).toEqual({});
  });

  test("is seen also by a scheduler that was not there before", async () => {
    await started("a");
    await store.redis.del(store.key(suffix.watch("jobs")));
    expect(await resync.pass()).toEqual({ stream_lost: 1 });
    await resync.release();
    expect(await new Resync(context, cell.queues).pass()).toEqual({});
  });
});

test("a queue that stays paused is told of once", async () => {
  await queue().pause();
  await resync.pass();
  expect(logged).toHaveLength(0);
  cell.nowMs += 61_000;
  await resync.pass();
  await resync.pass();
  expect(logged.map((line) => (JSON.parse(line) as { queue: string }).queue)).toEqual(["pods"]);
  expect(await registry.metrics()).toContain('gantry_queue_paused{queue="pods"} 1');
  await queue().resume();
  await resync.pass();
  expect(await registry.metrics()).toContain('gantry_queue_paused{queue="pods"} 0');
});

test("one scheduler does it; another goes on when it leaves", async () => {
  const other = new Resync(context, cell.queues);
  expect(await resync.pass()).toEqual({});
  expect(await other.pass()).toBeNull();
  await resync.release();
  expect(await other.pass()).toEqual({});
  expect(await resync.pass()).toBeNull();
});

test(
  "nothing is mended in an installation that is well, however busy",
  { timeout: 60_000 },
  async () => {
    const busy = new Registry();
    const scheduler = await startScheduler({
      redis: { url: server.url },
      cell: store.cell,
      log: context.log,
      now: () => cell.nowMs,
      registry: busy,
      resyncEveryMs: 20,
    });
    const run = async (name: string): Promise<void> => {
      await cell.createJob(name, jobSpec({ completions: 6, parallelism: 3, backoffLimit: 9 }));
      await cell.endPod(name, 1);
      for (let n = 0; n < 6; n++) {
        await cell.endPod(name, 0);
        cell.nowMs += 1_000;
      }
      await cell.condition(name, "Complete");
    };
    let text = "";
    for (let round = 0; ; round++) {
      await Promise.all(Array.from({ length: 8 }, (_, n) => run(`busy-${round}-${n}`)));
      text = await busy.metrics();
      if (Number(/gantry_resync_passes_total (\d+)/.exec(text)?.[1]) > 4) break;
    }
    await scheduler.close();
    const repairs = [...text.matchAll(/gantry_resync_repairs_total\{kind="(\w+)"\} (\d+)/g)];
    expect(repairs.length).toBeGreaterThan(5);
    expect(repairs.filter(([, , count]) => count !== "0").map(([, kind]) => kind)).toEqual([]);
  },
);
