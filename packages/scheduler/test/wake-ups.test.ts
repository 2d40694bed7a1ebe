// What makes controllers look, and what they find, against a real Redis (R1, R2, R8 to R11, CronJobs).
import { randomUUID } from "node:crypto";
import { type Job, newJob, type PodRecord } from "@gantry/core";
import { createObject, createPod, deleteObject, Templates, Txn, updateObject } from "@gantry/store";
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
  cell = new MetricsCell(server.url, `wakes${cells}`);
  scheduler = await startScheduler({
    redis: { url: server.url },
    cell: `wakes${cells}`,
    log: pino({ level: "silent" }),
    now: () => cell.nowMs,
  });
});
afterEach(async () => {
  await scheduler.close();
  await cell.close();
});

const pods = (job: string, count: number) =>
  waitFor(`${count} Pods of ${job}`, async () => {
    const found = await cell.pods(job);
    return found.length === count ? found : undefined;
  });

const edit = async (name: string, spec: Partial<Job["spec"]>): Promise<void> => {
  const stored = await cell.store.get("jobs", `default/${name}`);
  if (stored === null) throw new Error(`${name} is gone`);
  const next = { ...stored.value, spec: { ...stored.value.spec, ...spec } };
  const txn = new Txn();
  updateObject(txn, "jobs", stored, next);
  await cell.store.commit(txn.dirty(`jobs|default/${name}`));
};

describe("R1: a sync runs", () => {
  test("R1: when the Job is created, when it is changed, and when a Pod of it ends", async () => {
    await cell.createJob("a", jobSpec({ completions: 5, parallelism: 1 }));
    await pods("a", 1);
    await edit("a", { parallelism: 2 });
    await pods("a", 2);
    await cell.endPod("a", 0);
    await pods("a", 3);
  });

  test("R1, R2: at a deadline that was set while it ran", async () => {
    await cell.createJob("a", jobSpec({}));
    await pods("a", 1);
    await edit("a", { activeDeadlineSeconds: 20 });
    await cell.settled();
    cell.nowMs += 20_500;
    expect(await cell.condition("a", "Failed")).toBe("DeadlineExceeded");
  });

  test("R1: though its wake-up was lost", async () => {
    const manifest = { metadata: { name: "a", namespace: "default" }, spec: jobSpec({}) };
    const txn = new Txn();
    createObject(txn, "jobs", newJob(manifest, randomUUID(), cell.nowMs), cell.nowMs);
    await cell.store.commit(txn);
    // As if somebody had thrown the workqueue away: the mark alone is left.
    await cell.store.redis.hset(cell.store.key("dirty"), "jobs|default/a", 1);
    await pods("a", 1);
  });
});

describe("Pods that a client made", () => {
  const bare = (name: string, meta: PodRecord["meta"]): PodRecord => ({
    namespace: "default",
    name,
    uid: randomUUID(),
    createdAtMs: cell.nowMs,
    spec: { restartPolicy: "Never", containers: [{ name: "main", image: "none" }] },
    meta,
    tracked: false,
    phase: "Pending",
    ready: false,
    containers: [],
  });

  test("R8, R10, R11: matching ones are adopted, those of others are not touched", async () => {
    await cell.createJob("a", jobSpec({ completions: 2, parallelism: 2 }));
    await pods("a", 2);
    const job = await cell.job("a");
    const labels = job?.spec.template.metadata?.labels ?? {};
    const other = { apiVersion: "v1", kind: "Thing", name: "x", uid: "u", controller: true };
    const txn = new Txn();
    createPod(txn, bare("ours", { labels }));
    createPod(txn, bare("theirs", { labels, ownerReferences: [other] }));
    createPod(txn, bare("unrelated", { labels: { app: "x" } }));
    await cell.store.commit(txn.dirty("jobs|default/a"));
    const get = async (name: string): Promise<PodRecord | undefined> =>
      (await cell.store.get("pods", `default/${name}`))?.value;
    const ours = await waitFor("the Pod to be adopted", async () => {
      const pod = await get("ours");
      return pod === undefined || pod.job !== undefined ? { pod } : undefined;
    });
    // There are three now and two are wanted: one of them goes.
    await cell.settled();
    if (ours.pod !== undefined) expect(ours.pod.job?.uid).toBe(job?.metadata.uid);
    expect(await get("theirs")).toMatchObject({ tracked: false, phase: "Pending" });
    expect((await get("theirs"))?.job).toBeUndefined();
    expect((await get("unrelated"))?.job).toBeUndefined();
    const left = [...(await cell.pods("a")).map(({ value }) => value), await get("ours")];
    expect(left.filter((pod) => pod !== undefined)).toHaveLength(2);
  });

  test("R9: one that was adopted and then lost all its labels is released, and goes on", async () => {
    await cell.createJob("a", jobSpec({ parallelism: 1 }));
    const uid = await waitFor("the Job", async () => (await cell.job("a"))?.metadata.uid);
    // As it is stored after a PUT without labels: they would derive from a template, had it one.
    const owned: PodRecord = { ...bare("ours", undefined), job: { name: "a", uid }, tracked: true };
    const txn = new Txn();
    createPod(txn, owned);
    await cell.store.commit(txn.dirty("jobs|default/a"));
    const released = await waitFor("the Pod to be released", async () => {
      const pod = (await cell.store.get("pods", "default/ours"))?.value;
      return pod === undefined || pod.job === undefined ? { pod } : undefined;
    });
    expect(released.pod).toMatchObject({ tracked: false, phase: "Pending", meta: { labels: {} } });
  });
});

describe("CronJobs and their Jobs", () => {
  const minute = Date.UTC(2030, 0, 1, 12, 0) / 60_000;
  const template = { spec: jobSpec({}) };
  const spec = {
    schedule: "0 * * * *",
    concurrencyPolicy: "Allow",
    suspend: false,
    jobTemplate: template,
  };

  const finished = async (name: string, owner: object | undefined): Promise<void> => {
    const manifest = {
      metadata: {
        name,
        namespace: "default",
        ...(owner === undefined ? {} : { ownerReferences: [owner] }),
      },
      spec: jobSpec({ ttlSecondsAfterFinished: 3_600 }),
    };
    const txn = new Txn();
    createObject(txn, "jobs", newJob(manifest, randomUUID(), cell.nowMs), cell.nowMs);
    await cell.store.commit(txn.dirty(`jobs|default/${name}`));
    await cell.endPod(name, 0);
  };

  test("B1, G2, H9: limits take children by uid, before their TTL, and nobody else's", async () => {
    const owner = { apiVersion: "batch/v1", kind: "CronJob", name: "c", controller: true };
    const uid = await cell.createCronJob("c", { ...spec, successfulJobsHistoryLimit: 0 });
    await finished("other", { ...owner, uid: randomUUID() });
    await finished("ownerless", undefined);
    await cell.condition("other", "Complete");
    await cell.condition("ownerless", "Complete");
    await finished("child", { ...owner, uid });
    await waitFor("the child to be gone", async () =>
      (await cell.job("child")) === undefined ? true : undefined,
    );
    await cell.settled();
    expect(await cell.job("other")).toBeDefined();
    expect(await cell.job("ownerless")).toBeDefined();
  });

  test("B19, G1: its Jobs do not change with it, and go with it", async () => {
    await cell.createCronJob("c", spec);
    const name = `c-${minute}`;
    await pods(name, 1);
    const before = (await cell.job(name))?.spec;
    const stored = await cell.store.get("cronjobs", "default/c");
    if (stored === null) throw new Error("the CronJob is gone");
    const changed = { ...spec, jobTemplate: { spec: jobSpec({ backoffLimit: 1 }) } };
    const txn = new Txn();
    updateObject(txn, "cronjobs", stored, { ...stored.value, spec: changed });
    await cell.store.commit(txn.dirty("cronjobs|default/c"));
    await cell.settled();
    expect((await cell.job(name))?.spec).toEqual(before);

    const { store } = cell;
    const request = { propagation: "Background" } as const;
    const templates = new Templates(store);
    await deleteObject(store, templates, "cronjobs", "default/c", request, cell.nowMs);
    await waitFor("the Job to be gone", async () =>
      (await cell.job(name)) === undefined ? true : undefined,
    );
    await pods(name, 0);
  });
});

describe("CronJobs whose schedule changes", () => {
  const change = async (key: string, spec: object): Promise<void> => {
    const stored = await cell.store.get("cronjobs", key);
    if (stored === null) throw new Error(`${key} is gone`);
    const txn = new Txn();
    const next = { ...stored.value, spec: { ...(stored.value["spec"] as object), ...spec } };
    updateObject(txn, "cronjobs", stored, next);
    await cell.store.commit(txn.dirty(`cronjobs|${key}`));
  };
  const jobs = async (): Promise<string[]> => cell.store.keys("jobs");

  test("B17: the new schedule begins at its next time; times of it that have passed do not run", async () => {
    // It is 12:00:05, and nothing is due until one in the morning.
    await cell.createCronJob("nightly", {
      schedule: "0 1 * * *",
      jobTemplate: { spec: jobSpec({}) },
    });
    await cell.settled();
    cell.nowMs += 120_000;
    await change("default/nightly", { schedule: "* * * * *" });
    await cell.settled();
    expect(await jobs()).toEqual([]);
    cell.nowMs += 60_000;
    const [name] = await waitFor("the Job of the next minute", async () => {
      const found = await jobs();
      return found.length === 1 ? found : undefined;
    });
    expect(name).toBe(`default/nightly-${Date.UTC(2030, 0, 1, 12, 3) / 60_000}`);
  });

  test("B17: to one that can't be read is told in an Event, and runs nothing", async () => {
    await cell.createCronJob("nightly", {
      schedule: "0 1 * * *",
      jobTemplate: { spec: jobSpec({}) },
    });
    await cell.settled();
    await change("default/nightly", { schedule: "whenever" });
    await waitFor("the Event", async () => {
      const { items } = await cell.store.listAll("events");
      return items.some(({ value }) => value["reason"] === "UnParseableCronJobSchedule")
        ? true
        : undefined;
    });
    expect(await jobs()).toEqual([]);
  });
});

test("finalizers of the template are put on each Pod, beside the tracking one", async () => {
  const spec = jobSpec({});
  const metadata = { finalizers: ["example.com/mine"] };
  await cell.createJob("a", { ...spec, template: { ...spec?.template, metadata } });
  const [pod] = await pods("a", 1);
  expect(pod?.value).toMatchObject({ tracked: true, meta: { finalizers: ["example.com/mine"] } });
});

test("H6: a finished Job without the time of its end harms no other Job", async () => {
  await cell.createJob("bad", jobSpec({ ttlSecondsAfterFinished: 1 }));
  await pods("bad", 1);
  const stored = await cell.store.get("jobs", "default/bad");
  if (stored === null) throw new Error("gone");
  const status = { conditions: [{ type: "Complete", status: "True" }] };
  const txn = new Txn();
  updateObject(txn, "jobs", stored, { ...stored.value, status });
  await cell.store.commit(txn.dirty("jobs|default/bad"));
  await cell.createJob("good", jobSpec({ ttlSecondsAfterFinished: 1 }));
  await cell.endPod("good", 0);
  await cell.condition("good", "Complete");
  cell.nowMs += 20_000;
  await waitFor("the good Job to expire", async () =>
    (await cell.job("good")) === undefined ? true : undefined,
  );
  expect(await cell.job("bad")).toBeDefined();
});
