// One Pod on ECS, from its first attempt to its end: launches, follows, launches again.
import {
  coolingMs,
  type EcsTask,
  factsOfTask,
  formatTaskFacts,
  hasStopped,
  isSpot,
  type StopIntent,
  TASK_ANNOTATION,
  type TaskOutcome,
} from "@gantry/core";
import type { TaskRecord } from "@gantry/store";
import { kubeletBackoff } from "../pod/restart.ts";
import type { Observation, PodSink, RunnablePod, RunningPod } from "../runtime.ts";
import type { EcsContext } from "./ecs-context.ts";
import { ifPossible } from "./patience.ts";
import { failedBeforeStart, startingAgain } from "./pod-observations.ts";
import { TaskFollow } from "./task-follow.ts";
import { TaskLaunch } from "./task-launch.ts";
import { FencedError, type LedgerPod } from "./task-ledger.ts";
import { noteReclaim } from "./spot-reclaims.ts";
import { stopReason, stopTask } from "./task-stop.ts";

/** A restart and a launch that failed wait from here on, doubling. */
const { initialMs, maxMs, resetAfterMs } = kubeletBackoff;

/** Of a container whose program could not be started. */
const START_ERROR = "StartError";

/** Why a Pod ended whose capacity Spot took back. */
const RECLAIMED = "SpotInterruption";

/** Tasks of a Pod that restarts whose logs can be found. */
const RAN_MAX = 10;

/** How long ECS takes to clear up after a task's programs have ended, most often. */
const CLOSING_POLL_MS = 30_000;

export class EcsPod implements RunningPod {
  readonly ended: Promise<Observation>;
  /** Nothing of it is this worker's to look after any more. */
  readonly settled: Promise<void>;
  readonly #context: EcsContext;
  readonly #pod: RunnablePod;
  readonly #ledger: LedgerPod;
  readonly #sink: PodSink;
  readonly #stop = new AbortController();
  readonly #released = new AbortController();
  #record: TaskRecord | null;
  #follow: TaskFollow | undefined;
  #stopIntent: StopIntent | undefined;
  /** A task of the present attempt that only ECS told of. */
  #told: string | undefined;
  #shown = "";
  /** The task has stopped, or there is none: nothing is left to be looked after. */
  #isClear = false;
  #isClosing = false;
  #hasFailed = false;
  #settle: () => void = () => {};

  constructor(context: EcsContext, pod: RunnablePod, sink: PodSink, record: TaskRecord | null) {
    this.#context = context;
    this.#pod = pod;
    this.#ledger = { key: `${pod.namespace}/${pod.name}`, uid: pod.uid, claim: pod.claim };
    this.#record = record;
    this.#sink = { event: (event) => sink.event(event), observed: this.#observe(sink) };
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.ended = this.#run();
    // The worker reports it; what is left at ECS is found by its record.
    this.ended.catch(() => {
      this.#hasFailed = true;
    });
  }

  stop(_graceSeconds: number): void {
    // ECS has the grace from the definition; it can't be shortened.
    this.#stopFor({ reason: "Deleted", atMs: this.#context.now() });
  }

  release(): void {
    this.#released.abort();
    this.#stop.abort();
    this.#follow?.release();
    this.#isClosing = false;
    this.#settle();
  }

  async reported(): Promise<void> {
    const record = this.#record;
    if (this.#hasFailed) {
      this.#settle();
      return;
    }
    if (record === null || this.#isClear) {
      await this.#close();
      return;
    }
    const { taskArn, cluster } = record;
    if (taskArn === undefined) {
      // Whether its launch has made a task after all, the look for records without Pods finds out.
      this.#settle();
      return;
    }
    // Its programs have ended; its record is kept until ECS has done with it.
    this.#isClosing = true;
    const { watch } = this.#context;
    watch.add(
      taskArn,
      cluster,
      (news) => {
        if (news.kind === "missing" || hasStopped(news.task)) this.#closeSoon();
      },
      false,
    );
    watch.hurry(taskArn, CLOSING_POLL_MS);
  }

  #closeSoon(): void {
    if (!this.#isClosing) return;
    this.#isClosing = false;
    this.#close().catch((error: unknown) => {
      this.#context.log.warn({ err: error }, "the record of an ended task stays for the sweep");
    });
  }

  async #close(): Promise<void> {
    const record = this.#record;
    if (record?.taskArn !== undefined) this.#context.watch.remove(record.taskArn);
    if (record !== null) await this.#context.ledger.close(record);
    this.#settle();
  }

  /** An event of a task that names this Pod. */
  heard(task: EcsTask): void {
    const record = this.#record;
    if (record === null || task.owner === undefined) return;
    if (task.taskArn === record.taskArn) {
      this.#follow?.heard(task);
      if (hasStopped(task)) {
        this.#isClear = true;
        this.#closeSoon();
      }
    } else if (record.taskArn === undefined && task.owner.attempt === record.attempt) {
      this.#told = task.taskArn;
    } else if (!hasStopped(task) && task.desiredStatus !== "STOPPED") this.#exorcise(task);
  }

  /** A task of an attempt that was thought of as failed, and is replaced by now. */
  #exorcise(task: EcsTask): void {
    const { counters, log } = this.#context;
    if (task.owner?.attempt === this.#record?.attempt && this.#record?.taskArn === undefined)
      return;
    // Earlier tasks of this Pod are known, and on their way to their end.
    if (this.#record?.earlier?.includes(task.taskArn) === true) return;
    counters.count("ghosts_stopped");
    log.warn({ pod: this.#ledger.key, task: task.taskArn }, "a task nobody waits for is stopped");
    const reason = stopReason({
      reason: "Orphan",
      atMs: this.#context.now(),
      message: `superseded by attempt ${this.#record?.attempt ?? 0} of its Pod`,
    });
    const { clusterArn = this.#record?.cluster ?? "" } = task;
    void stopTask(this.#context, clusterArn, task.taskArn, reason);
  }

  #stopFor(intent: StopIntent): void {
    this.#stopIntent ??= intent;
    this.#stop.abort();
    this.#follow?.stop(intent);
  }

  #observe(sink: PodSink): PodSink["observed"] {
    return (observation) => {
      const isRestarted = (this.#record?.restarts ?? 0) > 0;
      const shown: Observation = {
        conditions: [],
        ...observation,
        ...(isRestarted && observation.phase === "Pending" ? { phase: "Running" as const } : {}),
      };
      const text = JSON.stringify(shown);
      if (text === this.#shown || this.#released.signal.aborted) return;
      this.#shown = text;
      sink.observed(shown);
    };
  }

  async #run(): Promise<Observation> {
    try {
      return await this.#attempts();
    } catch (error) {
      await this.#unlessReleased();
      if (!(error instanceof FencedError)) throw error;
      // Whoever has the Pod now reports of it; this is not written.
      const why = { reason: "TakenOver", message: error.message };
      return failedBeforeStart(this.#pod.spec, this.#record, why, this.#context.now());
    }
  }

  async #attempts(): Promise<Observation> {
    for (;;) {
      const launch = new TaskLaunch(this.#context, {
        pod: this.#pod,
        ledger: this.#ledger,
        sink: this.#sink,
        stop: this.#stop.signal,
        haunting: () => this.#told,
        intended: (intended) => {
          this.#record = intended;
          this.#told = undefined;
          this.#isClear = false;
          const { createdAtMs } = this.#pod;
          if (intended.attempt === 1 && createdAtMs !== undefined) {
            this.#context.counters.latency("queue", intended.launchedAtMs - createdAtMs);
          }
        },
      });
      let record = this.#record;
      const isFresh = record === null || record.over === true;
      if (record === null || record.over === true || record.taskArn === undefined) {
        const launched =
          record === null || record.over === true
            ? await launch.intend(record)
            : await launch.resume(record);
        this.#record = launched.record;
        await this.#unlessReleased();
        if (launched.kind === "ended") {
          this.#isClear ||= launched.clear;
          return launched.observation;
        }
        if (launched.kind === "again") continue;
        record = launched.record;
      }
      const ended = await this.#followTask(record, isFresh);
      if (ended !== null) return ended;
    }
  }

  /** Never comes back once the Pod is another worker's. */
  async #unlessReleased(): Promise<void> {
    if (this.#released.signal.aborted) await new Promise<never>(() => {});
  }

  async #followTask(record: TaskRecord, isFresh: boolean): Promise<Observation | null> {
    const target = { pod: this.#pod, ledger: this.#ledger, sink: this.#sink };
    const follow = new TaskFollow(this.#context, target, record);
    this.#follow = follow;
    if (this.#stopIntent !== undefined) follow.stop(this.#stopIntent);
    const followed = await follow.toTheEnd(isFresh);
    this.#follow = undefined;
    this.#record = followed.record;
    if (followed.kind === "released") {
      await this.#unlessReleased();
      return null;
    }
    const { outcome, task } = followed;
    if (outcome.observation.disruption?.reason === RECLAIMED) {
      await ifPossible(this.#context, () => noteReclaim(this.#context.store, this.#pod));
    }
    if (outcome.kind === "ended" || this.#stopIntent !== undefined) {
      this.#isClear ||= followed.clear;
      return this.#final(outcome, task);
    }
    await this.#next(followed.record, outcome);
    return null;
  }

  #final(outcome: Exclude<TaskOutcome, { kind: "alive" }>, task: EcsTask | undefined): Observation {
    const { observation } = outcome;
    const record = this.#record;
    const ended: Observation =
      outcome.kind === "ended"
        ? { conditions: [], ...observation }
        : // It was to run again, and is to stop instead.
          failedBeforeStart(
            this.#pod.spec,
            outcome.kind === "restart" && record !== null
              ? { ...record, lastStates: outcome.lastStates }
              : record,
            { reason: "Terminated", message: "The pod was stopped" },
            this.#context.now(),
          );
    for (const { reason = "", message = "" } of ended.containers) {
      if (reason !== START_ERROR) continue;
      this.#sink.event({ type: "Warning", reason: "Failed", message: `Error: ${message}` });
    }
    return { ...ended, ...this.#facts(task) };
  }

  /** What is kept on the Pod of its last task: ECS forgets it after an hour. */
  #facts(task: EcsTask | undefined): Pick<Observation, "annotations"> {
    const record = this.#record;
    const { settings } = this.#context;
    const lane = settings.lanes.find(({ name }) => name === record?.lane);
    if (task === undefined || record === null || lane === undefined) return {};
    const podCreatedAtMs = this.#pod.createdAtMs ?? record.firstLaunchedAtMs;
    const facts = factsOfTask({ task, intent: record, ran: record.ran, lane, podCreatedAtMs });
    return { annotations: { [TASK_ANNOTATION]: formatTaskFacts(facts) } };
  }

  /** The next attempt is due after its back-off. */
  async #next(
    record: TaskRecord,
    outcome: Extract<TaskOutcome, { kind: "restart" | "relaunch" }>,
  ): Promise<void> {
    const { settings, now, ledger, lanes } = this.#context;
    const { stop: _stop, ...rest } = record;
    const lane = settings.lanes.find(({ name }) => name === record.lane);
    let next: TaskRecord;
    if (outcome.kind === "restart") {
      const { ranMs, lastStates } = outcome;
      const streak = ranMs >= resetAfterMs ? 0 : (record.streak ?? 0);
      // The first restart comes at once, as a kubelet's.
      const waitMs = streak === 0 ? 0 : Math.min(maxMs, initialMs * 2 ** (streak - 1));
      next = {
        ...rest,
        over: true,
        restarts: record.restarts + 1,
        streak: streak + 1,
        failedLaunches: 0,
        capacityFailures: 0,
        lastStates,
        ran: [record.taskArn, ...(record.ran ?? [])]
          .filter((arn) => arn !== undefined)
          .slice(0, RAN_MAX),
        notBeforeMs: now() + waitMs,
      };
      this.#sink.observed(waitMs > 0 ? outcome.observation : startingAgain(outcome.observation));
      if (waitMs > 0) {
        this.#sink.event({
          type: "Warning",
          reason: "BackOff",
          message: `the task has ended and starts again in ${Math.round(waitMs / 1000)} s`,
        });
      }
    } else {
      this.#sink.observed(outcome.observation);
      const { cool } = outcome.cause;
      const isCapacity = cool?.scope === "lane";
      const failedLaunches = record.failedLaunches + (isCapacity ? 0 : 1);
      if (cool?.scope === "lane") {
        await lanes.refused(record.lane, outcome.cause, cool, record.launchedAtMs);
      }
      const waitMs =
        cool?.scope === "pod" ? coolingMs(cool, Math.max(1, failedLaunches), Math.random()) : 0;
      next = {
        ...rest,
        over: true,
        failedLaunches,
        capacityFailures: record.capacityFailures + (isCapacity ? 1 : 0),
        spotAttempts: record.spotAttempts + (lane !== undefined && isSpot(lane) ? 1 : 0),
        notBeforeMs: now() + waitMs,
      };
      this.#sink.event({
        type: "Warning",
        reason: "Failed",
        message: `the task did not start: ${outcome.cause.message}`,
      });
    }
    await ledger.note(this.#ledger, next, record);
    this.#record = next;
  }
}
