// The worker process: takes Pods from its queues, runs them on its runtimes, and answers for their logs.
import { randomBytes } from "node:crypto";
import {
  EventRecorder,
  nextFence,
  openPresence,
  podPayload,
  podQueueName,
  queuePrefix,
  Queues,
  repeat,
  type RedisConnection,
  type SecretBox,
  settleWithin,
  Store,
  Templates,
} from "@gantry/store";
import {
  DelayedError,
  type Job as BullJob,
  UnrecoverableError,
  WaitingError,
  Worker,
} from "bullmq";
import { amountsOf, type Taint } from "@gantry/core";
import { type Capacity, nodeCapacity } from "./capacity.ts";
import { openInbox } from "./inbox.ts";
import { startNodeServer } from "./node-server.ts";
import { type NodeDescription, registerNode } from "./node-registration.ts";
import { adoptAll, scan } from "./node-pods.ts";
import { TaintEvictions } from "./placement-evictions.ts";
import { Placement, type PlacementOptions } from "./placement.ts";
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

/** Short, so that Pods taken by a worker that died are seen again soon; claims guard against repeats. */
const LOCK_MS = 10_000;
const STALLED_CHECK_MS = 5_000;

/**
 * BullMQ's workers take one job after the other from a queue that was empty; several of them side by
 * side take a burst of Pods in a fraction of the time.
 */
const TAKERS_MAX = 4;

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
  const workers = openQueueWorkers(context, placement, runner, options);
  log.debug({ node: options.node, fence: context.fence }, "worker started");
  return {
    async close() {
      await rescan.close();
      await Promise.all(workers.map((worker) => worker.pause(true)));
      placement.close();
      evictions.close();
      await (options.drain === "stop" ? runner.stopAll() : runner.drained());
      // Pods that others can take over are theirs as soon as the lease is gone.
      const portable = [...runtimes.values()].some((runtime) => runtime.portable === true);
      if (portable) await registration.close(true);
      await runner.handOver();
      await settleWithin(CLOSE_MS, Promise.all(workers.map((worker) => worker.close())));
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
    queues,
    templates: new Templates(store),
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

const openQueueWorkers = (
  context: WorkerContext,
  placement: Placement,
  runner: PodRunner,
  options: WorkerOptions,
): Worker[] => {
  const names = queuesOf(options);
  const atOnce = podsAtOnce(options);
  const takers = Math.min(TAKERS_MAX, atOnce);
  const shares = Array.from({ length: takers }, (_, n) => Math.floor((atOnce + n) / takers));
  const takes = names.flatMap((name) => shares.map((concurrency) => ({ name, concurrency })));
  return takes.map(({ name, concurrency }) => {
    const worker = new Worker(name, (job, token) => work(placement, runner, job, token), {
      connection: context.store.redis,
      prefix: queuePrefix(context.store),
      concurrency,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      // A Pod may outlive any number of workers; its claim says who runs it.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
    });
    worker.on("error", (error) => context.log.debug({ err: error, queue: name }, "queue"));
    return worker;
  });
};

const work = async (
  placement: Placement,
  runner: PodRunner,
  job: BullJob,
  token: string | undefined,
): Promise<PodResult | { skipped: string }> => {
  const outcome = await runner.run(podPayload.parse(job.data));
  if (outcome.kind === "over") return { skipped: outcome.why };
  if (outcome.kind === "elsewhere") {
    await job.moveToDelayed(Date.now() + ELSEWHERE_DELAY_MS, token);
    throw new DelayedError(`node ${outcome.node} runs this pod`);
  }
  if (outcome.kind === "handed over") {
    await job.moveToWait(token);
    throw new WaitingError("this worker ends; another goes on with the pod");
  }
  if (outcome.kind === "unclaimed") {
    // Failed, it would never be handed out again, and nobody else answers for the Pod.
    await job.moveToDelayed(Date.now() + UNCLAIMED_DELAY_MS, token);
    throw new DelayedError(`the pod could not be claimed: ${String(outcome.error)}`);
  }
  if (outcome.kind === "unfit") {
    const { pod, misfit } = outcome;
    const taken = Math.max(1, job.attemptsStarted);
    const delayMs = await placement.giveBack(pod, misfit, job.queueName, taken);
    await job.moveToDelayed(Date.now() + delayMs, token);
    throw new DelayedError(misfit.reasons.join(", "));
  }
  if (outcome.result.phase === "Failed") throw endedFailed(outcome.result);
  return outcome.result;
};

/** Bull Board shows the stack; an ended Pod has none of ours, only its reason. */
const endedFailed = (result: PodResult): UnrecoverableError => {
  const error = new UnrecoverableError(failureText(result));
  error.stack = error.message;
  return error;
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
