// What deletion leaves to the controllers, against a real Redis: garbage collection, TTL, lost nodes.
import { TRACKING_FINALIZER } from "@gantry/core";
import {
  createObject,
  deleteObject,
  removeObject,
  type StoredObject,
  Templates,
  Txn,
  updateObject,
  updatePod,
  writePod,
} from "@gantry/store";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { waitFor } from "@gantry/store/testing/wait-for";
import { type Scheduler, startScheduler } from "../src/start-scheduler.ts";
import { jobSpec, MetricsCell } from "./metrics-cell.ts";

let server: TestRedis;
let cell: MetricsCell;
let cells = 0;
let scheduler: Scheduler;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  cells += 1;
  cell = new MetricsCell(server.url, `deletion${cells}`);
  scheduler = await startScheduler({
    redis: { url: server.url },
    cell: `deletion${cells}`,
    log: pino({ level: "silent" }),
    now: () => cell.nowMs,
    nodeGraceMs: 60_000,
  });
});
afterEach(async () => {
  await scheduler.close();
  await cell.close();
});

type Propagation = "Background" | "Foreground" | "Orphan";

const removeJob = async (name: string, propagation: Propagation): Promise<void> => {
  const { store } = cell;
  const key = `default/${name}`;
  const templates = new Templates(store);
  await deleteObject(store, templates, "jobs", key, { propagation }, cell.nowMs);
};

const gone = (name: string): Promise<true> =>
  waitFor(`${name} to be gone`, async () =>
    (await cell.job(name)) === undefined ? true : undefined,
  );

const firstPod = (job: string) => waitFor(`a Pod of ${job}`, async () => (await cell.pods(job))[0]);

/** Puts a Pod on a node, as a worker's claim does. */
const bind = async (job: string, node: string): Promise<void> => {
  const pod = await firstPod(job);
  const txn = new Txn();
  updatePod(txn, pod, { ...pod.value, node, phase: "Running", startedAtMs: cell.nowMs });
  expect((await cell.store.commit(txn)).ok).toBe(true);
};

describe("deletion of a Job", () => {
  test("R7, R77, D4: Background: its Pods lose the finalizer and go; nothing is remembered", async () => {
    await cell.createJob("a", jobSpec({ completions: 2, parallelism: 2, backoffLimit: 4 }));
    await cell.endPod("a", 1);
    await cell.endPod("a", 0);
    await cell.settled();
    await removeJob("a", "Background");
    await gone("a");
    await waitFor("its Pods to be gone", async () =>
      (await cell.pods("a")).length === 0 ? true : undefined,
    );
    await cell.settled();
    expect(await cell.store.redis.hlen(cell.store.key("book"))).toBe(0);
    expect(await cell.store.redis.zcard(cell.store.key("timers"))).toBe(0);
  });

  test("R77: a Pod on a node gets its grace, without the finalizer", async () => {
    await cell.createJob("a", jobSpec({}));
    await bind("a", "n1");
    await removeJob("a", "Background");
    await gone("a");
    const pod = await waitFor("the Pod to be asked to go", async () => {
      const found = (await cell.pods("a"))[0];
      return found?.value.deletion === undefined ? undefined : found.value;
    });
    expect(pod.tracked).toBe(false);
    expect(pod.deletion?.graceSeconds).toBe(30);
  });

  test("R79, D4: Orphan: its Pods stay, without owner and finalizer", async () => {
    await cell.createJob("a", jobSpec({}));
    await bind("a", "n1");
    await removeJob("a", "Orphan");
    await gone("a");
    const [pod] = await cell.pods("a");
    expect(pod?.value).toMatchObject({ tracked: false, phase: "Running" });
    expect(pod?.value.job).toBeUndefined();
    expect(pod?.value.deletion).toBeUndefined();
    expect(pod?.value.meta?.finalizers ?? []).not.toContain(TRACKING_FINALIZER);
  });

  test("R78, D4: Foreground: it stays until its Pods are gone, and starts none", async () => {
    await cell.createJob("a", jobSpec({ completions: 2, parallelism: 1 }));
    await bind("a", "n1");
    await removeJob("a", "Foreground");
    await waitFor("the Pod to be asked to go", async () =>
      (await cell.pods("a"))[0]?.value.deletion === undefined ? undefined : true,
    );
    await cell.settled();
    expect((await cell.job("a"))?.metadata.finalizers).toEqual(["foregroundDeletion"]);
    expect(await cell.pods("a")).toHaveLength(1);
    const pod = await firstPod("a");
    const txn = new Txn();
    writePod(txn, pod, { ...pod.value, phase: "Failed" });
    await cell.store.commit(txn.dirty("jobs|default/a"));
    await gone("a");
    expect(await cell.pods("a")).toEqual([]);
  });
});

describe("D4: objects with owners", () => {
  const owner = async (name: string, blocks = false) => ({
    apiVersion: "batch/v1",
    kind: "Job",
    name,
    uid: await waitFor(`the Job ${name}`, async () => (await cell.job(name))?.metadata.uid),
    ...(blocks && { blockOwnerDeletion: true }),
  });

  const createConfig = async (ownerReferences: object[], finalizers: string[] = []) => {
    const metadata = {
      name: "m",
      namespace: "default",
      uid: "m-uid",
      creationTimestamp: "2030-01-01T12:00:00Z",
      ownerReferences,
      ...(finalizers.length > 0 && { finalizers }),
    };
    const txn = new Txn();
    createObject(txn, "configmaps", { metadata } as StoredObject, cell.nowMs);
    await cell.store.commit(txn);
  };

  const config = () => cell.store.get("configmaps", "default/m");

  test("D4: what another owner still has stays, and goes with the last one", async () => {
    await cell.createJob("a", jobSpec({}));
    await cell.createJob("b", jobSpec({}));
    await createConfig([await owner("a"), await owner("b")]);
    await removeJob("a", "Background");
    await gone("a");
    await cell.settled();
    expect((await config())?.value.metadata.ownerReferences).toMatchObject([{ name: "b" }]);
    await removeJob("b", "Background");
    await gone("b");
    await cell.settled();
    expect(await config()).toBeNull();
  });

  test("D4: a Pod that has another owner loses its Job and goes on", async () => {
    await cell.createJob("a", jobSpec({}));
    await cell.createJob("b", jobSpec({}));
    await bind("a", "n1");
    const pod = await firstPod("a");
    const txn = new Txn();
    const meta = { ...pod.value.meta, ownerReferences: [await owner("b")] };
    updatePod(txn, pod, { ...pod.value, meta });
    expect((await cell.store.commit(txn)).ok).toBe(true);
    await removeJob("a", "Background");
    await gone("a");
    await cell.settled();
    const left = (await firstPod("a")).value;
    expect(left).toMatchObject({ tracked: false, phase: "Running" });
    expect([left.job, left.deletion]).toEqual([undefined, undefined]);
  });

  test("D4: Foreground waits for what blocks it, until that has gone", async () => {
    await cell.createJob("a", jobSpec({ parallelism: 0 }));
    await createConfig([await owner("a", true)], ["example.com/hold"]);
    await removeJob("a", "Foreground");
    const held = await waitFor("the ConfigMap to be asked to go", async () => {
      const found = await config();
      return found?.value.metadata.deletionTimestamp === undefined ? undefined : found;
    });
    await cell.settled();
    expect((await cell.job("a"))?.metadata.finalizers).toEqual(["foregroundDeletion"]);
    const txn = new Txn();
    removeObject(txn, "configmaps", held);
    await cell.store.commit(txn);
    await gone("a");
  });

  test("D4: Foreground does not wait for what does not block it", async () => {
    await cell.createJob("a", jobSpec({ parallelism: 0 }));
    await createConfig([await owner("a")], ["example.com/hold"]);
    await removeJob("a", "Foreground");
    await gone("a");
    expect((await config())?.value.metadata.deletionTimestamp).toBeDefined();
  });

  test("D4, G1: a CronJob deleted in the foreground waits for the Pods of its Jobs", async () => {
    const uid = await cell.createCronJob("c", {
      schedule: "0 0 1 1 *",
      jobTemplate: { spec: jobSpec({}) },
    });
    await cell.createJob("a", jobSpec({}));
    await bind("a", "n1");
    const job = await cell.store.get("jobs", "default/a");
    if (job === null) throw new Error("the Job is gone");
    const reference = { apiVersion: "batch/v1", kind: "CronJob", name: "c", uid };
    const ownerReferences = [{ ...reference, controller: true, blockOwnerDeletion: true }];
    const metadata = { ...job.value.metadata, ownerReferences };
    const txn = new Txn();
    updateObject(txn, "jobs", job, { ...job.value, metadata });
    expect((await cell.store.commit(txn)).ok).toBe(true);
    const templates = new Templates(cell.store);
    const request = { propagation: "Foreground" } as const;
    await deleteObject(cell.store, templates, "cronjobs", "default/c", request, cell.nowMs);
    const pod = await waitFor("the Pod to be asked to go", async () => {
      const found = await firstPod("a");
      return found.value.deletion === undefined || found.value.tracked ? undefined : found;
    });
    await cell.settled();
    expect((await cell.job("a"))?.metadata.finalizers).toEqual(["foregroundDeletion"]);
    expect(await cell.store.get("cronjobs", "default/c")).not.toBeNull();
    const end = new Txn();
    writePod(end, pod, { ...pod.value, phase: "Failed" });
    await cell.store.commit(end.dirty("jobs|default/a"));
    await gone("a");
    await waitFor("the CronJob to be gone", async () =>
      (await cell.store.get("cronjobs", "default/c")) === null ? true : undefined,
    );
  });
});

describe("TTL", () => {
  test("H3, H5: what was raised meanwhile is read again, and not deleted", async () => {
    await cell.createJob("a", jobSpec({ ttlSecondsAfterFinished: 5 }));
    await cell.createJob("b", jobSpec({ ttlSecondsAfterFinished: 5 }));
    await cell.endPod("a", 0);
    await cell.endPod("b", 0);
    await cell.condition("a", "Complete");
    await cell.condition("b", "Complete");
    const { store } = cell;
    const ttlMs = async (): Promise<number> =>
      Number(await store.redis.zscore(store.key("ttl"), "default/a"));
    const dueMs = await ttlMs();
    const stored = await store.get("jobs", "default/a");
    if (stored === null) throw new Error("the Job is gone");
    const spec = { ...stored.value.spec, ttlSecondsAfterFinished: 60 };
    // Without a wake-up: the timer still says five seconds.
    const body = JSON.stringify({ ...stored.value, spec });
    await store.commit(new Txn().update("jobs", "default/a", stored.rv, body));
    cell.nowMs += 5_000;
    await gone("b");
    await waitFor("the timer to be set anew", async () =>
      (await ttlMs()) === dueMs + 55_000 ? true : undefined,
    );
    expect((await cell.job("a"))?.metadata.deletionTimestamp).toBeUndefined();
  });

  test("H7: it is Foreground: a user's finalizer keeps the Job, and its Pods go", async () => {
    await cell.createJob("a", jobSpec({ ttlSecondsAfterFinished: 0 }), ["example.com/keep"]);
    await cell.endPod("a", 0);
    await waitFor("only the user's finalizer to be left", async () => {
      const { finalizers = [], deletionTimestamp } = (await cell.job("a"))?.metadata ?? {};
      const left = finalizers.length === 1 && finalizers[0] === "example.com/keep";
      return left && deletionTimestamp !== undefined ? true : undefined;
    });
    expect(await cell.pods("a")).toEqual([]);
  });
});

test("R86: Pods of a node that stays away are Failed with DisruptionTarget, and replaced", async () => {
  const { store } = cell;
  const node = {
    kind: "Node",
    apiVersion: "v1",
    metadata: { name: "n1", uid: "u1", creationTimestamp: "2030-01-01T00:00:00Z" },
  };
  await store.commit(new Txn().create("nodes", "n1", JSON.stringify(node)));
  const rules = [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }];
  await cell.createJob("a", jobSpec({ podFailurePolicy: { rules } }));
  await bind("a", "n1");
  const [before] = await cell.pods("a");
  await waitFor("the node to be seen as away", async () => {
    const status = (await store.get("nodes", "n1"))?.value["status"];
    return JSON.stringify(status ?? {}).includes("Unknown") ? true : undefined;
  });
  expect((await cell.pods("a"))[0]?.value.phase).toBe("Running");
  cell.nowMs += 60_000;
  const replacement = await waitFor("a replacement", async () => {
    cell.nowMs += 1_000;
    return (await cell.pods("a")).find(({ value }) => value.uid !== before?.value.uid);
  });
  expect(replacement.value.phase).toBe("Pending");
  expect((await cell.job("a"))?.status.failed).toBeUndefined();
  const left = await waitFor("the lost Pod to be gone", async () => {
    const pods = await cell.pods("a");
    return pods.some(({ value }) => value.uid === before?.value.uid) ? undefined : pods;
  });
  expect(left).toHaveLength(1);
});
