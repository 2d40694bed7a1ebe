// The worker process: takes Pods from its queues, runs them on its runtimes, and answers for their logs.
import { randomBytes } from "node:crypto";
import {
  EventRecorder,
  type JobEnd,
  nextFence,
  openPresence,
  PodQueue,
  podQueueName,
  queuePrefix,
  Queues,
  repeat,
  type RedisConnection,
  type SecretBox,
  settleWithin,
  Store,
  type TakenPod,
  Templates,
  processTemplates,
} from "@gantry/store";
import { Worker } from "bullmq";
import { amountsOf, type Taint } from "@gantry/core";
import { type Capacity, nodeCapacity } from "./capacity.ts";
import { openInbox } from "./inbox.ts";
import { listenToMarker } from "./marker-listener.ts";
import { startNodeServer } from "./node-server.ts";
import { type NodeDescription, registerNode } from "./node-registration.ts";
import { adoptAll, scan } from "./node-pods.ts";
import { TaintEvictions } from "./placement-evictions.ts";
import { Placement, type PlacementOptions } from "./placement.ts";
import { PodQueueReader } from "./pod-queue-reader.ts";
import { type PodResult } from "./pod-result.ts";
import { PodRunner } from "./pod-runner.ts";
import type { Runtime } from "./runtime.ts";
import { openRuntimes, type RuntimeOptions } from "./runtimes.ts";
import { sleep } from "./sleep.ts";
import type { WorkerContext } from "./worker-context.ts";

export interface WorkerOptions extends RuntimeOptions {
  readonly redis: RedisConnection;
  readonly cell?: string;
  /** Name of the Node; two workers with one name must not run at once. */
  readonly node: string;
  /** Runtime of Pods that name none; must be one of `runtimes`. */
  readonly defaultRuntime: string;
  /** Pods at once; by default 100, or 5,000 where none of them would live on this worker. */
  readonly concurrency?: number | undefined;
  /** What Pods may request altogether, as quantities; what is not given is measured. */
  readonly capacity?: { readonly cpu?: string; readonly memory?: string; readonly pods?: number };
  /** Labels and taints of the Node, beside those that every worker has. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  /** Of the docker runtime: Pods may be privileged and use the host's namespaces. */
  readonly allowPrivileged?: boolean;
  /** Of the docker runtime: the engine's network that Pods get; `bridge` by default. */
  readonly dockerNetwork?: string;
  /** Where logs are answered; port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** What `close` does with running Pods: let them end, or stop them within their grace. */
  readonly drain: "wait" | "stop";
  /** Opens the Secrets that the API encrypted. */
  readonly secrets?: SecretBox;
  readonly version?: string;
  /** A newer Gantry has taken the store: whoever started this worker must close it. */
  readonly onIncompatible?: (error: Error) => void;
}

export interface RunningWorker {
  close(): Promise<void>;
}

/** Jobs whose lock has run out are looked for this often. */
const STALLED_CHECK_MS = 5_000;

/** A Pod that another live worker holds is looked at again after this long. */
const ELSEWHERE_DELAY_MS = 2_000;

/** A Pod about which the store could not be asked is tried again after this long. */
const UNCLAIMED_DELAY_MS = 1_000;

/** Time for the queues' blocked reads to end, once no Pod runs here. */
const CLOSE_MS = 10_000;

/** Looks for what no message announced: Pods of this node that do not run, leftovers of gone ones. */
const RESCAN_EVERY_MS = 15_000;

const publishedBy = (runtimes: ReadonlyMap<string, Runtime>): ReadonlyMap<string, string> =>
  new Map(
    [...runtimes].flatMap(([name, { published }]) =>
      published === undefined ? [] : [[name, published] as const],
    ),
  );

const describeNode = (
  options: WorkerOptions,
  runtimes: ReadonlyMap<string, Runtime>,
  capacity: Capacity,
  port: number,
): NodeDescription => {
  const { host } = options.listen;
  return {
    name: options.node,
    address: host,
    logsUrl: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    capacity,
    labels: options.labels ?? {},
    taints: options.taints ?? [],
    runtimes: options.runtimes,
    defaultRuntime: options.defaultRuntime,
    published: publishedBy(runtimes),
    version: options.version ?? "0.0.0",
  };
};

export const startWorker = async (options: WorkerOptions): Promise<RunningWorker> => {
  const { log } = options;
  const store = new Store({
    connection: options.redis,
    ...(options.cell === undefined ? {} : { cell: options.cell }),
  });
  store.onMalformed = (error) => log.error({ err: error }, "a stored record is malformed");
  await store.open();
  const fence = await nextFence(store);
  const events = new EventRecorder(store, Date.now, log);
  const runtimes = await openRuntimes(options, {
    store,
    events,
    node: options.node,
    holder: `${options.node}#${fence}`,
  });
  const queues = new Queues(store);
  const capacity = nodeCapacity(
    options.dataDir,
    options.capacity?.pods ?? podsAtOnce(options),
    options.capacity ?? {},
  );
  const { context, placement, evictions } = await openContext(options, store, queues, runtimes, {
    fence,
    events,
    allocatable: amountsOf(capacity),
    onForgotten: () => registration.renew(),
  });
  const token = await store.sharedSecret("worker", () => randomBytes(32).toString("base64url"));
  const logs = await startNodeServer(context, options.listen, token);
  const node = describeNode(options, runtimes, capacity, logs.port);
  const registration = await registerNode(store, node, log, Date.now);
  await placement.open();
  const runner = new PodRunner(context);
  const recheck = (key: string, uid: string): void => {
    runner.recheck(key, uid).catch((error: unknown) => {
      log.warn({ err: error, pod: key }, "pod could not be looked at; the next scan does");
    });
  };
  const inbox = await openInbox(store, options.node, log, recheck);
  await adoptAll(context, runner);
  const rescan = repeat(RESCAN_EVERY_MS, log, "rescan", async () => {
    await placement.refresh();
    await scan(context, runner);
  });
  const presence = await openPresence(store, {
    role: "worker",
    name: options.node,
    version: options.version ?? "0.0.0",
    log,
    onIncompatible: options.onIncompatible ?? (() => {}),
  });
  const inflow = openInflow(context, placement, runner, options);
  log.debug({ node: options.node, fence: context.fence }, "worker started");
  return {
    async close() {
      await rescan.close();
      inflow.stop();
      placement.close();
      evictions.close();
      await (options.drain === "stop" ? runner.stopAll() : runner.drained());
      // Pods that others can take over are theirs as soon as the lease is gone.
      const portable = [...runtimes.values()].some((runtime) => runtime.portable === true);
      if (portable) await registration.close(true);
      await runner.handOver();
      await settleWithin(CLOSE_MS, inflow.close());
      inbox.close();
      await Promise.all([logs.close(), registration.close(portable), presence.close()]);
      await Promise.all([...runtimes.values()].map((runtime) => runtime.close()));
      await context.events.close();
      await queues.close();
      await store.close();
    },
  };
};

const openContext = async (
  options: WorkerOptions,
  store: Store,
  queues: Queues,
  runtimes: ReadonlyMap<string, Runtime>,
  {
    fence,
    ...own
  }: Pick<PlacementOptions, "allocatable" | "events" | "onForgotten"> & { readonly fence: number },
): Promise<{ context: WorkerContext; placement: Placement; evictions: TaintEvictions }> => {
  const { log, node } = options;
  const shared = {
    store,
    log,
    runtimes,
    templates: new Templates(store, processTemplates),
    events: own.events,
    now: Date.now,
    node,
  };
  const evictions = new TaintEvictions(shared);
  const placement = new Placement({
    ...shared,
    ...own,
    isPortable: (spec) =>
      runtimes.get(spec.runtimeClassName ?? options.defaultRuntime)?.portable === true,
    onTaints: (taints) => evictions.changed(taints),
    promote: async (queue, uid) => {
      await (await queues.pods(queue).getJob(uid))?.promote();
    },
    promoteAll: async () => {
      for (const name of queuesOf(options)) await queues.pods(name).promoteJobs();
    },
  });
  const context: WorkerContext = {
    ...shared,
    sleep,
    hostIP: options.listen.host,
    fence,
    defaultRuntime: options.defaultRuntime,
    secrets: options.secrets,
    placement,
  };
  return { context, placement, evictions };
};

/** Local Pods are processes of this host; more at once than this seldom makes them faster. */
const LOCAL_PODS = 100;
/** Of Pods that run elsewhere a worker only keeps track: 20,000 active queue jobs take 2 % of a core. */
const DISTANT_PODS = 5_000;

const podsAtOnce = ({ concurrency, runtimes }: WorkerOptions): number =>
  concurrency ?? (runtimes.every((name) => name === "ecs") ? DISTANT_PODS : LOCAL_PODS);

const queuesOf = ({ runtimes }: WorkerOptions): string[] => [
  podQueueName(undefined),
  ...runtimes.map((name) => podQueueName(name)),
];

interface Inflow {
  /** Takes no more Pods. */
  stop(): void;
  /** Resolves when all that were taken have ended. */
  close(): Promise<void>;
}

const openInflow = (
  context: WorkerContext,
  placement: Placement,
  runner: PodRunner,
  options: WorkerOptions,
): Inflow => {
  const { store, log, now, node } = context;
  const queues = queuesOf(options).map((name) => new PodQueue(store, name));
  const readers = queues.map(
    (queue) =>
      new PodQueueReader({
        queue,
        concurrency: podsAtOnce(options),
        by: node,
        run: (taken, name) => see(placement, runner, taken, name),
        log,
        now,
      }),
  );
  const listeners = readers.map((reader, n) =>
    listenToMarker(store, queues[n]?.marker ?? "", reader),
  );
  const stalledChecks = queues.map(({ name }) => checkForStalled(context, name));
  for (const reader of readers) reader.ring();
  return {
    stop() {
      for (const listener of listeners) listener.close();
      for (const reader of readers) reader.stop();
    },
    async close() {
      await Promise.all(readers.map((reader) => reader.close()));
      await Promise.all(stalledChecks.map((worker) => worker.close()));
    },
  };
};

/** BullMQ's own check, of whichever worker comes first: what nobody holds any more waits again. */
const checkForStalled = ({ store, log }: WorkerContext, name: string): Worker => {
  const worker = new Worker(name, null, {
    connection: store.redis,
    prefix: queuePrefix(store),
    autorun: false,
    stalledInterval: STALLED_CHECK_MS,
    // A Pod may outlive any number of workers; its claim says who runs it.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
  });
  worker.on("error", (error) => log.debug({ err: error, queue: name }, "queue"));
  void worker.startStalledCheckTimer();
  return worker;
};

/** Sees a Pod through that was taken from its queue; resolves with what becomes of its job. */
const see = async (
  placement: Placement,
  runner: PodRunner,
  taken: TakenPod,
  queue: string,
): Promise<JobEnd> => {
  const outcome = await runner.run(taken, taken.pod);
  const later = (delayMs: number): JobEnd => ({ kind: "delayed", untilMs: Date.now() + delayMs });
  if (outcome.kind === "over") return { kind: "completed", result: { skipped: outcome.why } };
  if (outcome.kind === "elsewhere") return later(ELSEWHERE_DELAY_MS);
  if (outcome.kind === "handed over") return { kind: "waiting" };
  // Failed, it would never be handed out again, and nobody else answers for the Pod.
  if (outcome.kind === "unclaimed") return later(UNCLAIMED_DELAY_MS);
  if (outcome.kind === "unfit") {
    const { pod, misfit } = outcome;
    return later(await placement.giveBack(pod, misfit, queue, taken.attempt));
  }
  const { result } = outcome;
  return result.phase === "Failed"
    ? { kind: "failed", reason: failureText(result) }
    : { kind: "completed", result };
};

/** What an operator reads beside a failed job in Bull Board. */
const failureText = ({ exitCode, reason, message }: PodResult): string =>
  [
    exitCode === undefined ? undefined : `exit code ${exitCode}`,
    reason,
    message === undefined || message === "" ? undefined : message,
  ]
    .filter((part) => part !== undefined)
    .join(": ");
