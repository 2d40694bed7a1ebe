// The ecs runtime: each Pod is a task of Amazon ECS. Nothing of it lives on the worker.
import {
  admitOnEcs,
  type EcsSettings,
  type EcsTask,
  type PodSpec,
  publishEcsSettings,
} from "@gantry/core";
import {
  type EventRecorder,
  RateBuckets,
  readTaskRecord,
  type Store,
  type TaskRecord,
} from "@gantry/store";
import type { Logger } from "pino";
import type { Readable } from "node:stream";
import type {
  LogOptions,
  PodSink,
  Rejection,
  RunnablePod,
  RunningPod,
  Runtime,
} from "../runtime.ts";
import { sleep } from "../sleep.ts";
import { EcsCounters } from "./counters.ts";
import { EcsApi } from "./ecs-api.ts";
import { type EcsClients, openClients } from "./ecs-clients.ts";
import type { EcsContext } from "./ecs-context.ts";
import { EcsPod } from "./ecs-pod.ts";
import { openLogs } from "./logs/open-logs.ts";
import type { TaskLogs } from "./logs/task-logs.ts";
import { JobNotices } from "./job-notices.ts";
import { LaneStates } from "./lane-states.ts";
import { LaunchGate } from "./launch-gate.ts";
import { OrphanSweep } from "./orphan-sweep.ts";
import { untilAnswered } from "./patience.ts";
import { Retirement } from "./retirement.ts";
import { checkStart } from "./start-checks.ts";
import { TaskCensus } from "./task-census.ts";
import { TaskDefinitions } from "./task-definitions.ts";
import { TaskEvents } from "./task-events.ts";
import { TaskLedger } from "./task-ledger.ts";
import { TaskWatch } from "./task-watch.ts";

export interface EcsRuntimeOptions {
  readonly settings: EcsSettings;
  readonly store: Store;
  readonly log: Logger;
  /** Names this run of the worker. */
  readonly holder: string;
  /** Where Events of Jobs and of tasks without a Pod go; nowhere when absent. */
  readonly events?: EventRecorder;
  /** Unix milliseconds; for tests. */
  readonly now?: () => number;
  /** For tests; the runtime destroys them. */
  readonly clients?: EcsClients;
}

const openContext = (options: EcsRuntimeOptions, closing: AbortSignal): EcsContext => {
  const { settings, store, events, log, holder, now = Date.now } = options;
  const clients = options.clients ?? openClients(settings);
  const buckets = new RateBuckets(store, holder);
  const counters = new EcsCounters(store, log);
  const api = new EcsApi({ settings, buckets, counters, log, sleep, closing });
  const lanes = new LaneStates(store, holder, now, log);
  const notices = new JobNotices({ events, now });
  const shared = {
    settings,
    store,
    log,
    holder,
    now,
    sleep,
    closing,
    clients,
    api,
    counters,
    lanes,
    notices,
  };
  return {
    ...shared,
    gate: new LaunchGate({ ...shared, buckets }),
    definitions: new TaskDefinitions({ ...shared, client: clients.ecs }),
    census: new TaskCensus({ ...shared, client: clients.ecs }),
    watch: new TaskWatch({ ...shared, client: clients.ecs }),
    ledger: new TaskLedger(shared),
  };
};

export class EcsRuntime implements Runtime {
  readonly name = "ecs";
  readonly portable = true;
  readonly published: string;
  readonly #context: EcsContext;
  readonly #closing: AbortController;
  readonly #events: TaskEvents;
  readonly #logs: TaskLogs;
  readonly #retirement: Retirement;
  readonly #sweep: OrphanSweep;
  readonly #pods = new Map<string, EcsPod>();

  private constructor(
    context: EcsContext,
    closing: AbortController,
    events: EcsRuntimeOptions["events"],
  ) {
    this.#context = context;
    this.published = publishEcsSettings(context.settings);
    this.#closing = closing;
    this.#sweep = new OrphanSweep({
      context,
      tell({ pod = "", podUid: uid }, event) {
        const [namespace = "default", name = ""] = pod.split("/");
        const regarding = { kind: "Pod", apiVersion: "v1", namespace, name, uid };
        events?.record("ecs-sweep", regarding, event);
      },
    });
    this.#retirement = new Retirement(context, (uid) => this.#pods.has(uid));
    this.#logs = openLogs(context);
    this.#events = new TaskEvents({
      ...context,
      sqs: context.clients.sqs,
      onTask: (task) => this.#heard(task),
    });
  }

  /** Throws EcsStartError when something is wrong that an operator has to mend. */
  static async open(options: EcsRuntimeOptions): Promise<EcsRuntime> {
    const closing = new AbortController();
    const context = openContext(options, closing.signal);
    try {
      await checkStart(context.settings, context.clients, sleep);
    } catch (error) {
      context.clients.destroy();
      throw error;
    }
    const runtime = new EcsRuntime(context, closing, options.events);
    await runtime.#events.open();
    runtime.#retirement.open();
    runtime.#sweep.open();
    return runtime;
  }

  admit(
    spec: PodSpec,
    pod: Pick<RunnablePod, "namespace" | "annotations"> = { namespace: "default", annotations: {} },
  ): readonly Rejection[] {
    return admitOnEcs({ ...pod, spec }, this.#context.settings).rejections;
  }

  launch(pod: RunnablePod, sink: PodSink): RunningPod {
    const known = this.#pods.get(pod.uid);
    if (known !== undefined) return known;
    return new DeferredPod(this.#begin(pod, sink));
  }

  async adopt(
    pod: RunnablePod,
    handle: string | undefined,
    sink: PodSink,
  ): Promise<RunningPod | null> {
    const known = this.#pods.get(pod.uid);
    if (known !== undefined) return known;
    const record = await this.#recordOf(pod.uid);
    if (record === null) return null;
    if (handle !== undefined && record.taskArn === undefined) {
      this.#context.log.debug({ pod: record.pod, handle }, "a launch before this one had a task");
    }
    return this.#open(pod, sink, record);
  }

  logs(
    pod: { namespace: string; name: string; uid: string },
    options: LogOptions,
  ): Promise<Readable> {
    return this.#logs.read(pod, options);
  }

  async remove({ uid }: { uid: string }): Promise<void> {
    const record = await readTaskRecord(this.#context.store, uid);
    if (record !== null) this.#retirement.retire(record);
  }

  /** Nothing is left on this host; what is left at ECS all workers look after. */
  async list(): Promise<readonly { namespace: string; name: string; uid: string }[]> {
    return [];
  }

  async close(): Promise<void> {
    this.#logs.close();
    for (const pod of this.#pods.values()) pod.release();
    this.#closing.abort();
    this.#context.gate.close();
    await Promise.all([
      this.#events.close(),
      this.#retirement.close(),
      this.#sweep.close(),
      this.#context.watch.close(),
    ]);
    await this.#context.counters.close();
    this.#context.clients.destroy();
  }

  #recordOf(uid: string): Promise<TaskRecord | null> {
    return untilAnswered(this.#context, () => readTaskRecord(this.#context.store, uid));
  }

  async #begin(pod: RunnablePod, sink: PodSink): Promise<EcsPod> {
    const record = await this.#recordOf(pod.uid);
    return this.#pods.get(pod.uid) ?? this.#open(pod, sink, record);
  }

  #open(pod: RunnablePod, sink: PodSink, record: TaskRecord | null): EcsPod {
    const running = new EcsPod(this.#context, pod, sink, record);
    this.#pods.set(pod.uid, running);
    const forget = (): void => {
      if (this.#pods.get(pod.uid) === running) this.#pods.delete(pod.uid);
    };
    void running.settled.then(forget);
    return running;
  }

  #heard(task: EcsTask): void {
    const uid = task.owner?.podUid ?? "";
    this.#pods.get(uid)?.heard(task);
    this.#retirement.heard(task);
  }
}

/** A Pod whose record is being read. */
class DeferredPod implements RunningPod {
  readonly ended: RunningPod["ended"];
  readonly #pod: Promise<EcsPod>;

  constructor(pod: Promise<EcsPod>) {
    this.#pod = pod;
    this.ended = pod.then((one) => one.ended);
    this.ended.catch(() => {});
  }

  stop(graceSeconds: number): void {
    this.#pod.then((pod) => pod.stop(graceSeconds)).catch(() => {});
  }

  release(): void {
    this.#pod.then((pod) => pod.release()).catch(() => {});
  }

  async reported(): Promise<void> {
    await (await this.#pod).reported();
  }
}
