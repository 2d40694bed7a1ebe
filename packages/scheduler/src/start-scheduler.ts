// The scheduler process: syncs from the workqueue, timers, sweeps, node leases and the cleanup job.
import { setTimeout as sleep } from "node:timers/promises";
import {
  EventRecorder,
  listenToBell,
  openPresence,
  queueNames,
  queuePrefix,
  Queues,
  repeat,
  type Repeating,
  settleWithin,
  type RedisConnection,
  Store,
  Templates,
  processTemplates,
  WorkQueue,
} from "@gantry/store";
import { Queue, Worker } from "bullmq";
import type { Logger } from "pino";
import { collectDefaultMetrics, Registry } from "prom-client";
import { Cleanup, CLEANUP_EVERY_MS } from "./cleanup.ts";
import type { ControllerContext } from "./controller-context.ts";
import {
  type MetricsListen,
  type MetricsServer,
  startMetricsServer,
} from "./metrics/metrics-server.ts";
import { schedulerMetrics } from "./metrics/scheduler-metrics.ts";
import { newIds } from "./new-ids.ts";
import { measureLoad } from "./load-report.ts";
import { NODE_CHECK_EVERY_MS, NODE_GRACE_MS, NodeLifecycle } from "./node-lifecycle.ts";
import { Resync, RESYNC_EVERY_MS } from "./resync/resync.ts";
import { syncByKey } from "./sync-by-key.ts";
import { SWEEP_EVERY_MS, SyncLoop } from "./sync-loop.ts";
import { TimerLoop } from "./timer-loop.ts";

/** Short, so that a cleanup that a scheduler died in is taken up soon; it bears repeating. */
const LOCK_MS = 10_000;
const STALLED_CHECK_MS = 5_000;

/** Time for syncs under way, and for the queues' blocked reads, to end. */
const CLOSE_MS = 10_000;

export interface SchedulerOptions {
  readonly redis: RedisConnection;
  readonly cell?: string;
  readonly log: Logger;
  readonly nodeGraceMs?: number;
  readonly resyncEveryMs?: number;
  /** Unix milliseconds; for tests. */
  readonly now?: () => number;
  /** Where its metrics are registered, for whoever serves them. One scheduler a registry. */
  readonly registry?: Registry;
  /** Serves /metrics, /healthz and /readyz itself; for schedulers that run alone. */
  readonly metricsListen?: MetricsListen;
  /** Logs so often, as `load`, how many Pods run and wait; never by default. */
  readonly reportLoadEveryMs?: number;
  /** Of this Gantry, for those who look who is there. */
  readonly version?: string;
  /** A newer Gantry has taken the store: whoever started this scheduler must close it. */
  readonly onIncompatible?: (error: Error) => void;
}

export interface Scheduler {
  /** Of `metricsListen`; null without it. */
  readonly metricsPort: number | null;
  /** Ends syncs in order; resolves when nothing runs any more. */
  close(): Promise<void>;
}

export const startScheduler = async (options: SchedulerOptions): Promise<Scheduler> => {
  const { log } = options;
  const store = new Store({
    connection: options.redis,
    ...(options.cell === undefined ? {} : { cell: options.cell }),
  });
  store.onMalformed = (error) => log.error({ err: error }, "a stored record is malformed");
  await store.open();
  const queues = new Queues(store);
  const now = options.now ?? Date.now;
  const registry = options.registry ?? new Registry();
  const base = {
    store,
    queues,
    now,
    newIds,
    log,
    templates: new Templates(store, processTemplates),
    events: new EventRecorder(store, now, log),
    metrics: schedulerMetrics(registry, store, now),
  };
  const cleanupQueue = new Queue(queueNames.cleanup, {
    connection: store.redis,
    prefix: queuePrefix(store),
  });
  cleanupQueue.on("error", (error) =>
    log.warn({ err: error, queue: "cleanup" }, "queue connection"),
  );
  const timers = new TimerLoop(base, async () => {
    await cleanupQueue.add("due", {}, cleanupOptions);
  });
  const context: ControllerContext = { ...base, hint: (dueAtMs) => timers.hint(dueAtMs) };
  const syncs = await startSyncs(context);
  const cleanup = await startCleanup(context, cleanupQueue);
  const resync = new Resync(context, queues);
  const nodes = new NodeLifecycle(
    context,
    options.nodeGraceMs ?? NODE_GRACE_MS,
    options.now ?? (() => performance.now()),
  );
  const loops = [
    repeat(SWEEP_EVERY_MS, log, "workqueue sweep", () => syncs.sweep()),
    repeat(NODE_CHECK_EVERY_MS, log, "node check", () => nodes.check()),
    repeat(WATCHDOG_EVERY_MS, log, "cleanup watchdog", () => scheduleCleanup(cleanupQueue)),
    repeat(options.resyncEveryMs ?? RESYNC_EVERY_MS, log, "resync", () => resync.pass()),
    ...loadReports(options, store, queues, now),
  ];
  timers.start();
  const presence = await openPresence(store, {
    role: "scheduler",
    version: options.version ?? "0.0.0",
    log,
    onIncompatible: options.onIncompatible ?? (() => {}),
  });
  const stop = async (): Promise<void> => {
    timers.close();
    resync.close();
    await presence.close();
    await Promise.all(loops.map((loop) => loop.close()));
    await resync.release().catch(() => {});
    // Bounded: what is left undone stays marked, and a process that is told to stop must.
    await settleWithin(CLOSE_MS, Promise.all([syncs.close(), cleanup.close()]));
    await base.events.close();
    await Promise.all([queues.close(), cleanupQueue.close()]);
    await store.close();
  };
  const server = await ownServer(options, registry, store).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  log.debug("scheduler started");
  return {
    metricsPort: server?.port ?? null,
    async close() {
      await server?.close();
      await stop();
    },
  };
};

const loadReports = (
  { reportLoadEveryMs, log }: SchedulerOptions,
  store: Store,
  queues: Queues,
  now: () => number,
): Repeating[] => {
  if (reportLoadEveryMs === undefined) return [];
  const report = async (): Promise<void> =>
    log.info({ load: await measureLoad(store, queues, now()) }, "load");
  return [repeat(reportLoadEveryMs, log, "load report", report)];
};

const ownServer = async (
  { metricsListen, log, registry: given }: SchedulerOptions,
  registry: Registry,
  store: Store,
): Promise<MetricsServer | null> => {
  if (metricsListen === undefined) return null;
  if (given === undefined) collectDefaultMetrics({ register: registry });
  return startMetricsServer(metricsListen, { registry, ready: () => store.redis.ping(), log });
};

const cleanupOptions = {
  deduplication: { id: "due", keepLastIfActive: true },
  removeOnComplete: 10,
  removeOnFail: 100,
};

/** Someone may remove the repeatable job by hand in Bull Board; it comes back within this time. */
const WATCHDOG_EVERY_MS = 60_000;

const scheduleCleanup = async (queue: Queue): Promise<void> => {
  await queue.upsertJobScheduler(
    "cleanup",
    { every: CLEANUP_EVERY_MS },
    { name: "cleanup", data: {}, opts: { removeOnComplete: 10, removeOnFail: 100 } },
  );
};

/** The lease is held before the first key is taken. */
const startSyncs = async (
  context: ControllerContext,
): Promise<Pick<SyncLoop, "sweep" | "close">> => {
  const { store } = context;
  const loop = new SyncLoop({
    queue: new WorkQueue(store),
    sync: syncByKey(context),
    context,
    sleep: (ms) => sleep(ms, undefined, { ref: false }),
  });
  await loop.sweep();
  const bell = listenToBell(store, () => loop.ring());
  return {
    sweep: () => loop.sweep(),
    close: () => {
      bell.close();
      return loop.close();
    },
  };
};

const startCleanup = async (context: ControllerContext, queue: Queue): Promise<Worker> => {
  await scheduleCleanup(queue);
  const { store, log } = context;
  const cleanup = new Cleanup(context);
  const worker = new Worker(queueNames.cleanup, () => cleanup.run(), {
    connection: store.redis,
    prefix: queuePrefix(store),
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    // Nobody tells why its scheduler died.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
  });
  worker.on("error", (error) => log.warn({ err: error, queue: "cleanup" }, "queue connection"));
  worker.on("failed", (_job, error) => {
    log.error({ err: error }, "cleanup failed; it is tried again");
  });
  return worker;
};
