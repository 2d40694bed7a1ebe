// Follows one task to its end: what is heard of it, its deadlines, and its stop.
import {
  type EcsTask,
  failsLiveness,
  hasStopped,
  isNewer,
  lostTask,
  type StopIntent,
  taskOutcome,
  type TaskOutcome,
} from "@gantry/core";
import { readSeenTask, type TaskRecord } from "@gantry/store";
import type { PodSink, RunnablePod } from "../runtime.ts";
import type { EcsContext } from "./ecs-context.ts";
import { untilAnswered } from "./patience.ts";
import { Signal } from "./signal.ts";
import type { LedgerPod } from "./task-ledger.ts";
import { resendAtMs, stopReason, stopTask } from "./task-stop.ts";
import type { TaskNews } from "./task-watch.ts";

/** ECS's reads lag behind its writes by up to this long. */
const MISSING_GRACE_MS = 5 * 60_000;
/** So what was heard of by an event may still be unknown to them: it is gone if it stays so. */
const GONE_AFTER_MS = 10_000;
/** A task that ECS does not know yet is asked about again this soon. */
const MISSING_RETRY_MS = 2_000;
/** So is one that was asked to stop, or ought to be on its way. */
const STOPPING_POLL_MS = 10_000;
/** A stop that ECS did not take is tried again after this long. */
const STOP_RETRY_MS = 10_000;

const DEFAULT_GRACE_SECONDS = 30;

const GONE = "ECS does not know the task any more";

export interface FollowedPod {
  readonly pod: RunnablePod;
  readonly ledger: LedgerPod;
  readonly sink: PodSink;
}

export type Followed = { readonly record: TaskRecord; readonly task: EcsTask | undefined } & (
  | {
      readonly kind: "outcome";
      readonly outcome: Exclude<TaskOutcome, { kind: "alive" }>;
      /** It has stopped, or ECS knows nothing of it. */
      readonly clear: boolean;
    }
  /** Another worker goes on, or this one ends. */
  | { readonly kind: "released" }
);

export class TaskFollow {
  readonly #context: EcsContext;
  readonly #target: FollowedPod;
  readonly #signal = new Signal();
  #record: TaskRecord;
  #task: EcsTask | undefined;
  /** Since when ECS says that it does not know the task. */
  #missingSinceMs: number | undefined;
  #isReleased = false;
  #wanted: StopIntent | undefined;
  /** When StopTask was last sent, and whether ECS took it. */
  #sent: { readonly atMs: number; readonly taken: boolean } | undefined;
  /** Since when this worker knows of the task's status. */
  #phase: { readonly status: string; readonly sinceMs: number } | undefined;

  constructor(context: EcsContext, target: FollowedPod, record: TaskRecord) {
    this.#context = context;
    this.#target = target;
    this.#record = record;
  }

  /** The task as last heard of. */
  get task(): EcsTask | undefined {
    return this.#task;
  }

  /** An event or a poll; news that are older than what is known change nothing. */
  heard(task: EcsTask): void {
    if (!isNewer(task, this.#task)) return;
    this.#measure(this.#task, task);
    this.#task = task;
    this.#missingSinceMs = undefined;
    if (task.lastStatus !== this.#phase?.status) {
      this.#phase = { status: task.lastStatus, sinceMs: this.#context.now() };
    }
    this.#signal.raise();
  }

  /** The first reason stands. */
  stop(intent: StopIntent): void {
    if (this.#wanted !== undefined || this.#record.stop !== undefined) return;
    this.#wanted = intent;
    this.#signal.raise();
  }

  release(): void {
    this.#isReleased = true;
    this.#signal.raise();
  }

  /** Until the task has stopped. Throws FencedError. */
  async toTheEnd(isFresh: boolean): Promise<Followed> {
    const { watch, store } = this.#context;
    const arn = this.#record.taskArn ?? "";
    watch.add(arn, this.#record.cluster, (news) => this.#news(news), !isFresh);
    try {
      const seen = await untilAnswered(this.#context, () => readSeenTask(store, arn));
      if (seen !== null) this.heard(seen.task);
      return await this.#loop();
    } finally {
      watch.remove(arn);
    }
  }

  #news(news: TaskNews): void {
    if (news.kind === "task") {
      this.heard(news.task);
      return;
    }
    this.#missingSinceMs ??= this.#context.now();
    this.#signal.raise();
  }

  async #loop(): Promise<Followed> {
    for (;;) {
      const nowMs = this.#context.now();
      if (this.#isReleased) return { kind: "released", record: this.#record, task: this.#task };
      const outcome = this.#outcome(nowMs);
      if (outcome !== undefined && outcome.kind !== "alive") {
        const clear =
          this.#missingSinceMs !== undefined ||
          (this.#task !== undefined && hasStopped(this.#task));
        return { kind: "outcome", record: this.#record, task: this.#task, outcome, clear };
      }
      if (outcome !== undefined) this.#target.sink.observed(outcome.observation);
      const dueAtMs = this.#checkDeadlines(nowMs);
      const stopDueAtMs = await this.#stopIfWanted(nowMs);
      await this.#signal.wait(Math.min(dueAtMs, stopDueAtMs) - this.#context.now());
    }
  }

  #outcome(nowMs: number): TaskOutcome | undefined {
    const { settings, watch } = this.#context;
    const { spec } = this.#target.pod;
    const intent = this.#record;
    const sinceMs = this.#missingSinceMs;
    if (sinceMs !== undefined && (this.#task === undefined || !hasStopped(this.#task))) {
      const goneAtMs =
        this.#task === undefined
          ? intent.launchedAtMs + MISSING_GRACE_MS
          : Math.min(sinceMs + GONE_AFTER_MS, intent.launchedAtMs + MISSING_GRACE_MS);
      if (nowMs >= goneAtMs) {
        // Its record has expired, or was lost, and its end with it.
        const observation = lostTask({ spec, intent, nowMs }, "TaskStateUnknown", GONE);
        return { kind: "ended", observation };
      }
      watch.hurry(intent.taskArn ?? "", MISSING_RETRY_MS);
    }
    if (this.#task === undefined) return undefined;
    return taskOutcome({ task: this.#task, spec, intent, settings, nowMs });
  }

  /** Asks for a stop where a deadline has passed; resolves with the next one. */
  #checkDeadlines(nowMs: number): number {
    const { launch } = this.#context.settings;
    const { spec } = this.#target.pod;
    const status = this.#task?.lastStatus ?? "";
    const limits: Readonly<Record<string, number>> = {
      PROVISIONING: launch.provisioningSeconds,
      PENDING: launch.pendingSeconds,
      ACTIVATING: launch.activatingSeconds,
    };
    let nextMs = Number.POSITIVE_INFINITY;
    const check = (atMs: number, intent: () => StopIntent): void => {
      if (nowMs >= atMs) this.stop(intent());
      else nextMs = Math.min(nextMs, atMs);
    };
    const seconds = limits[status];
    if (seconds !== undefined) {
      check((this.#phase?.sinceMs ?? nowMs) + seconds * 1000, () => ({
        reason: "LaunchDeadline",
        atMs: nowMs,
        message: `the task was ${status} for longer than ${seconds} s`,
      }));
    }
    const { startedAtMs } = this.#record;
    if (spec.activeDeadlineSeconds !== undefined && startedAtMs !== undefined) {
      check(startedAtMs + spec.activeDeadlineSeconds * 1000, () => ({
        reason: "DeadlineExceeded",
        atMs: nowMs,
      }));
    }
    if (status === "RUNNING" && this.#task !== undefined && failsLiveness(this.#task, spec)) {
      check(nowMs, () => ({ reason: "Unhealthy", atMs: nowMs }));
    }
    return nextMs;
  }

  /** Writes why, then asks ECS; resolves with when to look again. */
  async #stopIfWanted(nowMs: number): Promise<number> {
    const { ledger, watch, counters, log } = this.#context;
    if (this.#record.stop === undefined) {
      if (this.#wanted === undefined) return Number.POSITIVE_INFINITY;
      const next = { ...this.#record, stop: this.#wanted };
      await ledger.note(this.#target.ledger, next, this.#record);
      this.#record = next;
    }
    const { stop, taskArn = "", cluster } = this.#record;
    if (stop === undefined) return Number.POSITIVE_INFINITY;
    const grace = this.#target.pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
    const sent = this.#sent;
    const dueAtMs =
      sent === undefined
        ? nowMs
        : sent.taken
          ? resendAtMs(sent.atMs, grace)
          : sent.atMs + STOP_RETRY_MS;
    if (nowMs < dueAtMs) return dueAtMs;
    if (sent?.taken === true) {
      counters.count("stops_resent");
      log.warn({ pod: this.#record.pod, taskArn }, "a task has not stopped; it is asked again");
      this.#target.sink.event({
        type: "Warning",
        reason: "FailedKillPod",
        message: `the task ${taskArn} has not stopped within its grace period; stopping it again`,
      });
    } else if (sent === undefined) {
      this.#target.sink.event({
        type: "Normal",
        reason: "Killing",
        message: `Stopping task ${taskArn}: ${stopReason(stop)}`,
      });
    }
    const reply = await stopTask(this.#context, cluster, taskArn, stopReason(stop));
    if (typeof reply === "object") this.#tellRefused(taskArn, reply.refused);
    const taken = reply === "taken";
    this.#sent = { atMs: this.#context.now(), taken };
    watch.hurry(taskArn, taken ? STOPPING_POLL_MS : 0);
    return taken ? resendAtMs(this.#sent.atMs, grace) : this.#sent.atMs + STOP_RETRY_MS;
  }

  /** The task runs on, and is paid for, until somebody mends it. */
  #tellRefused(taskArn: string, why: string): void {
    const { pod, sink } = this.#target;
    if (this.#sent === undefined) {
      const message = `the task ${taskArn} can't be stopped: ${why}; it is tried again`;
      sink.event({ type: "Warning", reason: "FailedKillPod", message });
    }
    this.#context.notices.tell(pod, "EcsStopRefused", "", why);
  }

  /** Counts how long each phase of the launch took, when the task runs at last. */
  #measure(before: EcsTask | undefined, task: EcsTask): void {
    if (task.startedAtMs === undefined || before?.startedAtMs !== undefined) return;
    const { counters } = this.#context;
    const { launchedAtMs } = this.#record;
    const { createdAtMs, pullStartedAtMs, pullStoppedAtMs, startedAtMs } = task;
    if (createdAtMs !== undefined) counters.latency("run_task", createdAtMs - launchedAtMs);
    if (createdAtMs === undefined || pullStartedAtMs === undefined) return;
    counters.latency("provision", pullStartedAtMs - createdAtMs);
    if (pullStoppedAtMs === undefined) return;
    counters.latency("pull", pullStoppedAtMs - pullStartedAtMs);
    counters.latency("start", startedAtMs - pullStoppedAtMs);
  }
}
