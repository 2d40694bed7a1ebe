// Rows about what else is there: many Jobs that are stored and do nothing, and a large Job that runs.
import { newJob } from "@gantry/core";
import { createObject, Store, Txn } from "@gantry/store";
import { randomUUID } from "node:crypto";
import { JobWatcher } from "./job-watcher.ts";
import { type JobShape, manifest } from "./manifest.ts";
import type { Bench, RowResult } from "./measure.ts";
import { usedMemory } from "./private-redis.ts";
import type { FairnessRow, StoredRow } from "./rows.ts";

const JOBS = "/apis/batch/v1/namespaces/default/jobs";
const PAGE = 500;
const BATCH = 500;

const onePod: JobShape = { completions: 1, parallelism: 1 };

const quantile = (values: readonly number[], q: number): number =>
  Math.round(
    (values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ??
      0) * 10,
  ) / 10;

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};

/** Suspended Jobs, put into the store as the API would, without its cost. */
const fill = async (url: string, jobs: number): Promise<void> => {
  const store = new Store({ connection: { url } });
  for (let first = 0; first < jobs; first += BATCH) {
    await Promise.all(
      Array.from({ length: Math.min(BATCH, jobs - first) }, (_, n) => {
        const { metadata, spec } = manifest(`stored-${first + n}`, onePod);
        const job = newJob(
          { metadata: { ...metadata, namespace: "default" }, spec: { ...spec, suspend: true } },
          randomUUID(),
          Date.now(),
        );
        const txn = new Txn().dirty(`jobs|default/${job.metadata.name}`);
        createObject(txn, "jobs", job, Date.now());
        return store.commit(txn);
      }),
    );
  }
  // Each is synced once; what is measured is the time after that.
  while ((await store.redis.hlen(store.key("dirty"))) > 0) await pause(200);
  await store.close();
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Submits Jobs of one Pod, one after the other; milliseconds until each runs. */
const startTimes = async ({ redis, installation }: Bench, count: number): Promise<number[]> => {
  const watcher = await JobWatcher.open(redis.url, { pods: true });
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const name = `single-${n}-${randomUUID().slice(0, 8)}`;
    const startedAt = performance.now();
    await installation.submitter.create(manifest(name, onePod));
    await watcher.over(name);
    // The streams of Jobs and Pods are read apart: the other one may be behind.
    while (!watcher.runningAt.has(name)) await pause(5);
    times.push((watcher.runningAt.get(name) ?? 0) - startedAt);
    await pause(20);
  }
  await watcher.close();
  return times;
};

/** From the request for a watch that begins with all there is to the last of it. */
const watchAll = async ({ installation }: Bench, jobs: number): Promise<void> => {
  const path = `${JOBS}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan`;
  let seen = 0;
  let stop = (): void => {};
  await new Promise<void>((resolve, reject) => {
    installation.submitter
      .stream(path, (data) => {
        for (const byte of data) if (byte === 0x0a) seen += 1;
        if (seen >= jobs) resolve();
      })
      .then((ended) => (stop = ended), reject);
  });
  stop();
};

const listAll = async ({ installation }: Bench): Promise<void> => {
  let next = "";
  do {
    const path = `${JOBS}?limit=${PAGE}${next === "" ? "" : `&continue=${encodeURIComponent(next)}`}`;
    const { metadata } = JSON.parse(await installation.submitter.get(path)) as {
      metadata: { continue?: string };
    };
    next = metadata.continue ?? "";
  } while (next !== "");
};

export const measureStored = async (bench: Bench, row: StoredRow): Promise<RowResult> => {
  const before = await usedMemory(bench.redis.client);
  await fill(bench.redis.url, row.jobs);
  await pause(2_500);
  const bytes = (await usedMemory(bench.redis.client)) - before;
  const pages: number[] = [];
  for (let n = 0; n < 20; n++) {
    pages.push(await timed(() => bench.installation.submitter.get(`${JOBS}?limit=${PAGE}`)));
  }
  const listAllMs = await timed(() => listAll(bench));
  const watchAllMs = await timed(() => watchAll(bench, row.jobs));
  const starts = await startTimes(bench, 50);
  return {
    name: row.name,
    redisBytesPerJob: Math.round(bytes / row.jobs),
    requestP50Ms: quantile(pages, 0.5),
    requestP99Ms: quantile(pages, 0.99),
    listAllMs: Math.round(listAllMs),
    watchAllMs: Math.round(watchAllMs),
    p50Ms: quantile(starts, 0.5),
    p99Ms: quantile(starts, 0.99),
  };
};

/** A small Job must not wait for a large one: its Pods share the workers with those of the large. */
export const measureFairness = async (bench: Bench, row: FairnessRow): Promise<RowResult> => {
  const watcher = await JobWatcher.open(bench.redis.url, { pods: false });
  const name = `hot-${randomUUID().slice(0, 8)}`;
  await bench.installation.submitter.create(manifest(name, row.hot));
  await pause(1_000);
  const starts = await startTimes(bench, row.jobs);
  const stillRuns = !watcher.completedAt.has(name);
  await watcher.over(name);
  await watcher.close();
  if (!stillRuns) throw new Error("the large Job ended before the small ones: make it larger");
  return {
    name: row.name,
    pods: row.jobs,
    p50Ms: quantile(starts, 0.5),
    p99Ms: quantile(starts, 0.99),
  };
};
