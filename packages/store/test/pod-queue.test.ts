// Pods' queues are BullMQ's: what is done here in bulk, BullMQ's own tools see, go on with and can change.
import { randomUUID } from "node:crypto";
import { type Job, Queue, UnrecoverableError, Worker } from "bullmq";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startRedis, type TestRedis } from "../testing/redis-server.ts";
import { waitFor } from "../testing/wait-for.ts";
import { type EndedJob, PodQueue, queuePrefix } from "../src/pod-queue.ts";
import { enqueuePods } from "../src/queued-pods.ts";
import { Queues } from "../src/queues.ts";
import { Store } from "../src/store.ts";
import { Txn } from "../src/txn.ts";
import { createPod } from "../src/writes.ts";

let server: TestRedis;
let store: Store;
let cells = 0;
let queues: Queues;
let queue: PodQueue;
let bull: Queue;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  cells += 1;
  store = new Store({ connection: { url: server.url }, cell: `pods${cells}` });
  queues = new Queues(store);
  queue = new PodQueue(store, "pods");
  bull = new Queue("pods", { connection: store.redis, prefix: queuePrefix(store) });
});
afterEach(async () => {
  await bull.close();
  await queues.close();
  await store.close();
});

const LOCK_MS = 10_000;
const pod = (name: string) => ({ queue: "pods", namespace: "ns", name, uid: `uid-${name}` });
const add = async (...names: string[]): Promise<void> => {
  await store.commit(enqueuePods(new Txn(), names.map(pod), Date.now()));
};
const takeAll = (room: number, ended: EndedJob[] = [], nowMs = Date.now(), from = queue) =>
  from.take(room, ended, { by: "node-1", nowMs, lockMs: LOCK_MS });
const take = async (room = 10, ended: EndedJob[] = [], nowMs = Date.now()): Promise<string[]> =>
  (await takeAll(room, ended, nowMs)).pods.map(({ name }) => name);
const state = async (name: string) => (await bull.getJob(`uid-${name}`))?.getState();
const job = async (name: string): Promise<Job> => {
  const found = await bull.getJob(`uid-${name}`);
  if (found === undefined) throw new Error(`${name} is not on the queue`);
  return found;
};

describe("adding", () => {
  test("a job looks as one that BullMQ added", async () => {
    await add("ours");
    const [namespace, name, uid] = ["ns", "theirs", "uid-theirs"];
    const ended = { removeOnComplete: { count: 1_000 }, removeOnFail: { count: 1_000 } };
    const given = { jobId: uid, attempts: 1, ...ended };
    await bull.add(`${namespace}/${name}`, { namespace, name, uid }, given);
    const shown = async (which: string) => {
      const { timestamp: _, opts, ...json } = (await job(which)).toJSON();
      // BullMQ also keeps the id there, which it does not read.
      const { jobId: __, ...options } = opts;
      return JSON.parse(JSON.stringify({ ...json, options }).replaceAll(which, "NAME")) as object;
    };
    expect(await shown("ours")).toEqual(await shown("theirs"));
    expect(await state("ours")).toBe("waiting");
  });

  test("goes with the transaction: all of it or nothing", async () => {
    const txn = new Txn().check("jobs", "ns/gone", "any");
    const result = await store.commit(enqueuePods(txn, [pod("a")], Date.now()));
    expect(result).toMatchObject({ ok: false, reason: "missing" });
    expect(await bull.getJobCounts()).toMatchObject({ waiting: 0 });
  });

  test("of more than one command holds, in order, to the queues of their runtimes", async () => {
    const names = Array.from({ length: 2_500 }, (_, n) => `p${n}`);
    const pods = [...names.map(pod), { ...pod("other"), queue: "pods-docker" }];
    await store.commit(enqueuePods(new Txn(), pods, Date.now()));
    expect(await take(3_000)).toEqual(names);
    const docker = await takeAll(10, [], Date.now(), new PodQueue(store, "pods-docker"));
    expect(docker.pods.map(({ name }) => name)).toEqual(["other"]);
  });

  test("leaves a job that is there as it is", async () => {
    await add("a");
    await take();
    await add("a", "b");
    expect(await state("a")).toBe("active");
    expect(await bull.getJobCounts("waiting", "active")).toEqual({ waiting: 1, active: 1 });
  });

  test("wakes BullMQ's own worker, which processes it", async () => {
    const seen: string[] = [];
    const worker = new Worker("pods", async ({ name }) => void seen.push(name), {
      connection: store.redis,
      prefix: queuePrefix(store),
    });
    try {
      await worker.waitUntilReady();
      await add("a", "b");
      await waitFor("both", async () => seen.length === 2 || undefined);
      expect(seen).toEqual(["ns/a", "ns/b"]);
    } finally {
      await worker.close();
    }
  });
});

describe("taking", () => {
  test("first in, first out, as many as there is room for, each locked once", async () => {
    await add("a", "b", "c");
    expect(await take(2)).toEqual(["a", "b"]);
    expect((await takeAll(5, [], Date.now(), new PodQueue(store, "pods"))).pods).toMatchObject([
      { name: "c", attempt: 1 },
    ]);
    expect(await take()).toEqual([]);
    const taken = await job("a");
    expect(taken.processedBy).toBe("node-1");
    expect(taken.attemptsStarted).toBe(1);
    expect(await state("a")).toBe("active");
    expect(await store.redis.pttl(`${queuePrefix(store)}:pods:uid-a:lock`)).toBeGreaterThan(9_000);
  });

  test("brings the Pod of that name along", async () => {
    const txn = new Txn();
    createPod(txn, {
      ...{ namespace: "ns", name: "a", uid: randomUUID(), createdAtMs: 1, tracked: false },
      ...{ phase: "Pending", ready: false, containers: [] },
    });
    const result = await store.commit(txn);
    await add("a", "b");
    const { pods } = await takeAll(2);
    expect(pods[0]?.pod).toMatchObject({ rv: result.ok ? result.rvs[0] : "", key: "ns/a" });
    expect(pods[1]?.pod).toBeNull();
  });

  test("jobs that BullMQ added, gave a priority or a delay", async () => {
    await bull.add("ns/x", {}, { jobId: "uid-x" });
    await bull.add("ns/urgent", {}, { jobId: "uid-urgent", priority: 1 });
    await bull.add("ns/later", {}, { jobId: "uid-later", delay: 60_000 });
    expect(await take()).toEqual(["x"]);
    expect(await take()).toEqual(["urgent"]);
    const { pods, nextAtMs } = await takeAll(1);
    expect(pods).toEqual([]);
    expect(Math.abs((nextAtMs ?? 0) - Date.now() - 60_000)).toBeLessThan(5_000);
    expect(await take(1, [], Date.now() + 61_000)).toEqual(["later"]);
  });

  test("nothing of a paused queue, all of it when it is resumed", async () => {
    await bull.pause();
    await add("a");
    expect(await take()).toEqual([]);
    await bull.resume();
    expect(await take()).toEqual(["a"]);
  });

  test("no more than the queue's own limits let through", async () => {
    await add("a", "b", "c", "d");
    await bull.setGlobalConcurrency(1);
    expect(await take()).toEqual(["a"]);
    expect(await take()).toEqual([]);
    await bull.removeGlobalConcurrency();
    await bull.setGlobalRateLimit(2, 60_000);
    expect(await take()).toEqual(["b", "c"]);
    expect(await take()).toEqual([]);
  });

  test("passes over what somebody removed, and an obliterated queue is just empty", async () => {
    await add("a", "b");
    await store.redis.del(`${queuePrefix(store)}:pods:uid-a`);
    expect(await take()).toEqual(["b"]);
    await bull.obliterate({ force: true });
    expect(await take(1, [{ uid: "uid-b", kind: "completed", result: 1 }])).toEqual([]);
    await add("b");
    expect(await take()).toEqual(["b"]);
  });

  test("wakes the next worker when it leaves some", async () => {
    await add("a", "b");
    await store.redis.del(queue.marker);
    await take(1);
    expect(await store.redis.zscore(queue.marker, "0")).toBe("0");
    await store.redis.del(queue.marker);
    await take(1);
    expect(await store.redis.exists(queue.marker)).toBe(0);
  });
});

describe("ending", () => {
  test("completed and failed jobs look as those that BullMQ ended", async () => {
    const failing = ["bad-ours", "bad-theirs"];
    await add("ours", "bad-ours");
    await take();
    await take(0, [
      { uid: "uid-ours", kind: "completed", result: { phase: "Succeeded" } },
      { uid: "uid-bad-ours", kind: "failed", reason: "exit code 1" },
    ]);
    await add("theirs", "bad-theirs");
    const worker = new Worker(
      "pods",
      async ({ name }) => {
        if (name !== "ns/bad-theirs") return { phase: "Succeeded" };
        const error = new UnrecoverableError("exit code 1");
        error.stack = error.message;
        throw error;
      },
      { connection: store.redis, prefix: queuePrefix(store), name: "node-1" },
    );
    await waitFor("both", async () => (await bull.getFailedCount()) === 2 || undefined);
    await waitFor("both", async () => (await bull.getCompletedCount()) === 2 || undefined);
    await worker.close();
    const shown = async (which: string) => {
      const {
        timestamp: _,
        opts: __,
        processedOn,
        finishedOn,
        ...json
      } = (await job(which)).toJSON();
      const text = JSON.stringify(json).replaceAll(which, "NAME");
      return {
        ...(JSON.parse(text) as object),
        ran: (finishedOn ?? 0) >= (processedOn ?? Infinity),
      };
    };
    expect(await shown("ours")).toEqual(await shown("theirs"));
    expect(await shown(failing[0] ?? "")).toEqual(await shown(failing[1] ?? ""));
    expect(await state("ours")).toBe("completed");
    expect(await state("bad-ours")).toBe("failed");
    expect(await store.redis.keys(`${queuePrefix(store)}*lock*`)).toEqual([]);
  });

  test("a delayed job comes back when it is due, or when BullMQ promotes it", async () => {
    await add("a", "b");
    await take();
    const nowMs = Date.now();
    const until = (name: string): EndedJob =>
      ({
        ...{ uid: `uid-${name}`, kind: "delayed", untilMs: nowMs + 5_000 },
      }) as EndedJob;
    const { nextAtMs } = await takeAll(0, [until("a"), until("b")], nowMs);
    expect(nextAtMs).toBe(nowMs + 5_000);
    expect(await state("a")).toBe("delayed");
    expect(await store.redis.zscore(queue.marker, "1")).toBe(String(nowMs + 5_000));
    await (await job("b")).promote();
    expect(await take()).toEqual(["b"]);
    expect((await takeAll(1, [], nowMs + 5_000)).pods).toMatchObject([{ name: "a", attempt: 2 }]);
  });

  test("a job whose lock another holds by now is left alone", async () => {
    const other = new PodQueue(store, "pods");
    await add("a");
    await take();
    await store.redis.del(`${queuePrefix(store)}:pods:uid-a:lock`);
    await store.redis.rpoplpush(
      `${queuePrefix(store)}:pods:active`,
      `${queuePrefix(store)}:pods:wait`,
    );
    expect((await takeAll(1, [], Date.now(), other)).pods).toHaveLength(1);
    await take(0, [{ uid: "uid-a", kind: "completed", result: null }]);
    expect(await state("a")).toBe("active");
    await takeAll(0, [{ uid: "uid-a", kind: "completed", result: null }], Date.now(), other);
    expect(await state("a")).toBe("completed");
  });

  test("only the last thousand of a kind are kept, with nothing left of the others", async () => {
    const names = Array.from({ length: 1_100 }, (_, n) => `p${n}`);
    await add(...names);
    const nowMs = Date.now();
    const ended: EndedJob[] = [];
    for (;;) {
      const { pods } = await takeAll(200, [], nowMs);
      if (pods.length === 0) break;
      for (const { uid } of pods) ended.push({ uid, kind: "completed", result: null });
    }
    // As many at once as a reader ends.
    await takeAll(0, ended.slice(0, 1_000), nowMs + 1);
    await takeAll(0, ended.slice(1_000), nowMs + 2);
    expect(await bull.getCompletedCount()).toBe(1_000);
    expect(await bull.getJob("uid-p0")).toBeUndefined();
    expect(await bull.getJob("uid-p1099")).toBeDefined();
    expect((await store.redis.keys(`${store.prefix}*uid-p*`)).length).toBe(1_000);
  });
});

describe("keeping hold", () => {
  test("BullMQ's stalled check leaves what is extended, and hands out what is not", async () => {
    await add("held", "lost");
    await take();
    const prefix = `${queuePrefix(store)}:pods:`;
    const worker = new Worker("pods", null, {
      connection: store.redis,
      prefix: queuePrefix(store),
      autorun: false,
      stalledInterval: 50,
      maxStalledCount: Number.MAX_SAFE_INTEGER,
    });
    try {
      await worker.startStalledCheckTimer();
      await store.redis.del(`${prefix}uid-lost:lock`);
      await waitFor("the lost one to wait again", async () => {
        await queue.extend(["uid-held", "uid-lost"], LOCK_MS);
        return (await state("lost")) === "waiting" || undefined;
      });
    } finally {
      await worker.close();
    }
    expect(await state("held")).toBe("active");
    expect((await takeAll(5)).pods).toMatchObject([{ name: "lost", attempt: 2 }]);
  });
});
