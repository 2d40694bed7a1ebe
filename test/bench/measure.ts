// Runs one row against an installation of its own and turns what was seen into figures.
import { measureApi } from "./api-requests.ts";
import { bareBullMq } from "./bare-bullmq.ts";
import { type Apart, cpuMs, type Installation, startInstallation } from "./installation.ts";
import { JobWatcher } from "./job-watcher.ts";
import { type JobShape, manifest } from "./manifest.ts";
import {
  type PrivateRedis,
  type RedisCounters,
  redisCounters,
  startPrivateRedis,
  usedMemory,
} from "./private-redis.ts";
import type { BatchRow, IdleRow, LatencyRow, Row } from "./rows.ts";
import { measureFairness, measureStored } from "./stored-jobs.ts";

export interface MeasureOptions {
  readonly quick: boolean;
  readonly apart: Apart | undefined;
  readonly profileDir: string | undefined;
}

/** What one Pod costs, on average. */
export interface PodCost {
  readonly redisScripts: number;
  readonly redisCommands: number;
  /** Reads of Redis from its sockets: requests sent together count once. */
  readonly redisReads: number;
  readonly redisBytesIn: number;
  readonly redisBytesOut: number;
  readonly redisScriptMicros: number;
  readonly redisCpuMicros: number;
  readonly nodeCpuMicros: number;
}

export interface RowResult {
  readonly name: string;
  readonly pods?: number;
  readonly podsPerSecond?: number;
  readonly bareBullMqPerSecond?: number;
  /** Of the two above, in this run. */
  readonly ratio?: number;
  /** From the submission to the first Pod seen running. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** From the submission to Complete. */
  readonly completeP50Ms?: number;
  readonly completeP99Ms?: number;
  readonly redisBytesPerFinishedPod?: number;
  readonly requestsPerSecond?: number;
  /** From a request to the end of its answer. */
  readonly requestP50Ms?: number;
  readonly requestP99Ms?: number;
  /** Of a Job that is stored and does nothing. */
  readonly redisBytesPerJob?: number;
  /** All Jobs, in pages of 500, and by a watch that begins with them. */
  readonly listAllMs?: number;
  readonly watchAllMs?: number;
  /** Of watches, over all watchers. */
  readonly eventsPerSecond?: number;
  readonly redisCommandsPerSecond?: number;
  /** Of one core. */
  readonly nodeCpuPercent?: number;
  readonly redisCpuPercent?: number;
  readonly perPod?: PodCost;
}

export interface Bench {
  readonly redis: PrivateRedis;
  readonly installation: Installation;
}

interface Usage {
  readonly counters: RedisCounters;
  readonly nodeCpuMs: number;
  readonly redisCpuMs: number;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? 0;

const usage = async ({ redis, installation }: Bench): Promise<Usage> => {
  const [counters, redisCpuMs, ...nodes] = await Promise.all([
    redisCounters(redis.client),
    cpuMs(redis.pid),
    ...installation.pids.map(cpuMs),
  ]);
  return { counters, redisCpuMs, nodeCpuMs: nodes.reduce((sum, ms) => sum + ms, 0) };
};

const podCost = (before: Usage, after: Usage, pods: number): PodCost => {
  const [a, b] = [before.counters, after.counters];
  const each = (from: number, to: number): number => Math.round(((to - from) / pods) * 100) / 100;
  return {
    redisScripts: each(a.scripts, b.scripts),
    redisCommands: each(a.commands, b.commands),
    redisReads: each(a.reads, b.reads),
    redisBytesIn: each(a.bytesIn, b.bytesIn),
    redisBytesOut: each(a.bytesOut, b.bytesOut),
    redisScriptMicros: each(a.scriptMicros, b.scriptMicros),
    redisCpuMicros: each(before.redisCpuMs * 1_000, after.redisCpuMs * 1_000),
    nodeCpuMicros: each(before.nodeCpuMs * 1_000, after.nodeCpuMs * 1_000),
  };
};

let serial = 0;

/** Milliseconds from the first submission to the last Complete. */
const runJobs = async (
  { redis, installation }: Bench,
  jobs: number,
  shape: JobShape,
): Promise<number> => {
  const watcher = await JobWatcher.open(redis.url, { pods: false });
  try {
    const names = Array.from({ length: jobs }, () => `bench-${(serial += 1)}`);
    const startedAt = performance.now();
    await Promise.all(names.map((name) => installation.submitter.create(manifest(name, shape))));
    await Promise.all(names.map((name) => watcher.over(name)));
    if (watcher.failed.length > 0) throw new Error(`Pods failed in ${watcher.failed.join(", ")}`);
    return Math.max(...names.map((name) => watcher.completedAt.get(name) ?? 0)) - startedAt;
  } finally {
    await watcher.close();
  }
};

/** The first Pods pay for compiling the code; rows are about those after them. */
const warmUp = async (bench: Bench, row: Row): Promise<void> => {
  const few = row.runtime === "process" || row.kind === "idle";
  const shape = { completions: few ? 16 : 2_000, parallelism: few ? 4 : 100 };
  await runJobs(bench, 1, shape);
  await runJobs(bench, few ? 1 : 200, { completions: 1, parallelism: 1 });
};

const measureBatch = async (
  bench: Bench,
  row: BatchRow,
  options: MeasureOptions,
): Promise<RowResult> => {
  const pods = row.jobs * row.shape.completions;
  const runs = options.quick && pods > 1_000 ? 1 : row.runs;
  const socket = bench.redis.url.slice("unix://".length);
  const bare: number[] = [];
  const own: number[] = [];
  const costs: PodCost[] = [];
  let memory: number | undefined;
  await bareBullMq(socket, 1_000, row.bareConcurrency);
  for (let run = 0; run < runs; run++) {
    bare.push(await bareBullMq(socket, pods, row.bareConcurrency));
    const bytes = await usedMemory(bench.redis.client);
    const before = await usage(bench);
    own.push(await runJobs(bench, row.jobs, row.shape));
    costs.push(podCost(before, await usage(bench), pods));
    if (row.memory === true) memory ??= ((await settledMemory(bench)) - bytes) / pods;
  }
  const podsPerSecond = pods / (median(own) / 1_000);
  const bareBullMqPerSecond = pods / (median(bare) / 1_000);
  const cost = costs[costs.length >> 1];
  return {
    name: row.name,
    pods,
    podsPerSecond: Math.round(podsPerSecond),
    bareBullMqPerSecond: Math.round(bareBullMqPerSecond),
    ratio: Math.round((podsPerSecond / bareBullMqPerSecond) * 1_000) / 1_000,
    ...(memory === undefined ? {} : { redisBytesPerFinishedPod: Math.round(memory) }),
    ...(cost === undefined ? {} : { perPod: cost }),
  };
};

/** Buffers of clients and of the append-only file come and go; what stays is the Pods'. */
const settledMemory = async ({ redis }: Bench): Promise<number> => {
  await pause(2_500);
  return usedMemory(redis.client);
};

const measureLatency = async (bench: Bench, row: LatencyRow): Promise<RowResult> => {
  const watcher = await JobWatcher.open(bench.redis.url, { pods: true });
  const count = row.jobsPerSecond * row.seconds;
  const sentAt = new Map<string, number>();
  const requests: Promise<void>[] = [];
  const before = await usage(bench);
  const startedAt = performance.now();
  while (sentAt.size < count) {
    const due = Math.min(count, ((performance.now() - startedAt) / 1_000) * row.jobsPerSecond);
    while (sentAt.size < due) {
      const name = `bench-${(serial += 1)}`;
      // From when it was due, so that a generator that lags does not flatter.
      sentAt.set(name, startedAt + (sentAt.size * 1_000) / row.jobsPerSecond);
      requests.push(
        bench.installation.submitter.create(manifest(name, { completions: 1, parallelism: 1 })),
      );
    }
    await pause(1);
  }
  await Promise.all(requests);
  await Promise.all([...sentAt.keys()].map((name) => watcher.over(name)));
  const tookMs = performance.now() - startedAt;
  const after = await usage(bench);
  await watcher.close();
  const since = (seen: ReadonlyMap<string, number>): number[] =>
    [...sentAt].map(([name, at]) => (seen.get(name) ?? Number.POSITIVE_INFINITY) - at);
  const [running, complete] = [since(watcher.runningAt), since(watcher.completedAt)];
  const shown = (values: readonly number[], q: number): number =>
    Math.round(quantile(values, q) * 10) / 10;
  return {
    name: row.name,
    pods: count,
    podsPerSecond: Math.round(count / (tookMs / 1_000)),
    p50Ms: shown(running, 0.5),
    p99Ms: shown(running, 0.99),
    completeP50Ms: shown(complete, 0.5),
    completeP99Ms: shown(complete, 0.99),
    perPod: podCost(before, after, count),
  };
};

const measureIdle = async (bench: Bench, row: IdleRow): Promise<RowResult> => {
  await pause(1_000);
  const before = await usage(bench);
  await pause(row.seconds * 1_000);
  const after = await usage(bench);
  const percent = (ms: number): number => Math.round((ms / (row.seconds * 1_000)) * 1_000) / 10;
  return {
    name: row.name,
    redisCommandsPerSecond: Math.round(
      (after.counters.commands - before.counters.commands) / row.seconds,
    ),
    nodeCpuPercent: percent(after.nodeCpuMs - before.nodeCpuMs),
    redisCpuPercent: percent(after.redisCpuMs - before.redisCpuMs),
  };
};

export const measure = async (row: Row, options: MeasureOptions): Promise<RowResult> => {
  const redis = await startPrivateRedis();
  try {
    const installation = await startInstallation({
      redisUrl: redis.url,
      runtime: row.runtime ?? "simulated",
      apart: options.apart,
      profileDir: options.profileDir,
    });
    try {
      const bench = { redis, installation };
      if (row.kind === "api") return await measureApi(installation.submitter, row);
      await warmUp(bench, row);
      if (row.kind === "batch") return await measureBatch(bench, row, options);
      if (row.kind === "latency") return await measureLatency(bench, row);
      if (row.kind === "stored") return await measureStored(bench, row);
      if (row.kind === "fairness") return await measureFairness(bench, row);
      return await measureIdle(bench, row);
    } finally {
      await installation.stop();
    }
  } finally {
    await redis.stop();
  }
};
