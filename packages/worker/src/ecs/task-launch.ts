// Brings a Pod to a task: chooses, waits for its turn, writes the intent, and launches until it is
// known what became of it.
import {
  type Classification,
  coolingMs,
  isSpot,
  launchTrouble,
  lostTask,
  mayReplay,
} from "@gantry/core";
import type { TaskRecord } from "@gantry/store";
import type { Observation, PodSink, RunnablePod } from "../runtime.ts";
import type { EcsContext } from "./ecs-context.ts";
import { AbortedError, backoffMs, RefusedCall } from "./ecs-api.ts";
import { reclaimsOf } from "./spot-reclaims.ts";
import { laneFor, planAttempt, UnplannableError } from "./next-attempt.ts";
import { failedBeforeStart, intentOf, queuedObservation } from "./pod-observations.ts";
import { type LaunchReply, runTask } from "./run-task.ts";
import { waitOut } from "./patience.ts";
import type { LedgerPod } from "./task-ledger.ts";
import { listedTask, toldTask } from "./task-search.ts";

const CALL_RETRY = { minMs: 500, maxMs: 15_000 } as const;

/** How long ECS's lists may lag behind: a task that is not there by then does not come. */
const HAUNTS_FOR_MS = 5 * 60_000;

const OUTCOME_UNKNOWN = "LaunchOutcomeUnknown";
const OUTCOME_UNKNOWN_MESSAGE = "it could not be found out in time whether a task was started";

export type Launched =
  /** With a task. */
  | { readonly kind: "launched"; readonly record: TaskRecord }
  /** This attempt came to nothing; the record says when the next is due. */
  | { readonly kind: "again"; readonly record: TaskRecord }
  | {
      readonly kind: "ended";
      readonly observation: Observation;
      readonly record: TaskRecord | null;
      /** It is known that nothing of it runs: the record may go. */
      readonly clear: boolean;
    };

export interface LaunchingPod {
  readonly pod: RunnablePod;
  readonly ledger: LedgerPod;
  readonly sink: PodSink;
  /** Aborted once the Pod is to stop. */
  readonly stop: AbortSignal;
  /** A task that ECS told of without being asked, of the attempt that is thought of as failed. */
  readonly haunting: () => string | undefined;
  /** Is told of the intent before RunTask is sent. */
  readonly intended: (record: TaskRecord) => void;
}

export class TaskLaunch {
  readonly #context: EcsContext;
  readonly #target: LaunchingPod;
  /** Whether a task may be there that is not known. */
  #mayBeThere = false;
  #hasTold = false;

  constructor(context: EcsContext, target: LaunchingPod) {
    this.#context = context;
    this.#target = target;
  }

  /** From nothing, or from an attempt that is over, to a written intent that was let through. */
  async intend(before: TaskRecord | null): Promise<Launched> {
    const { stop } = this.#target;
    if (before !== null) await this.#pause(before);
    for (;;) {
      try {
        if (stop.aborted) return await this.#withdrawn(before);
        const record = await this.#turn(before);
        if (record === null) continue;
        const ghost = before === null ? undefined : await this.#ghostOf(before);
        if (before !== null && ghost !== undefined) {
          await this.#context.lanes.probed(record.lane);
          await this.#context.gate.leave(record.lane, record.podUid);
          return await this.#adopt(before, ghost);
        }
        const intended = await this.#context.ledger.intend(this.#target.ledger, record, before);
        if (!intended) {
          await this.#context.lanes.probed(record.lane);
          await this.#context.gate.leave(record.lane, record.podUid);
          return await this.#withdrawn(before);
        }
        this.#target.intended(record);
        return this.#until(record, true);
      } catch (error) {
        if (this.#context.closing.aborted) throw error;
        if (error instanceof AbortedError) continue;
        const ended = await this.#unplannable(error, before);
        if (ended !== null) return ended;
      }
    }
  }

  /** An intent that was written before, perhaps by another worker: what became of it? */
  async resume(record: TaskRecord): Promise<Launched> {
    this.#mayBeThere = true;
    return this.#until(record, false);
  }

  /** Waits out the back-off, or until a task shows up after all. */
  async #pause(before: TaskRecord): Promise<void> {
    const { now, sleep } = this.#context;
    const { stop, haunting } = this.#target;
    while (!stop.aborted && haunting() === undefined) {
      const leftMs = (before.notBeforeMs ?? 0) - now();
      if (leftMs <= 0) break;
      await sleep(Math.min(leftMs, 1_000), stop);
    }
  }

  /** The ARN of a task of the attempt before that is there against all that ECS said. */
  async #ghostOf(before: TaskRecord): Promise<string | undefined> {
    const { counters } = this.#context;
    if (before.taskArn !== undefined || before.mayHaunt !== true) return undefined;
    const arn = this.#target.haunting() ?? (await listedTask(this.#context, before));
    if (arn !== undefined) counters.count("ghosts_adopted");
    return arn;
  }

  async #adopt(before: TaskRecord, taskArn: string): Promise<Launched> {
    const { over: _over, notBeforeMs: _notBefore, mayHaunt: _mayHaunt, ...rest } = before;
    return this.#found({ ...rest }, before, taskArn);
  }

  async #found(record: TaskRecord, before: TaskRecord, taskArn: string): Promise<Launched> {
    const { ledger, now } = this.#context;
    const startedAtMs = record.startedAtMs ?? now();
    const next = { ...record, taskArn, startedAtMs };
    await ledger.note(this.#target.ledger, next, before);
    return { kind: "launched", record: next };
  }

  /** A record that may be sent now; `null`: things have changed, choose again. */
  async #turn(before: TaskRecord | null): Promise<TaskRecord | null> {
    const { lanes, gate, settings, store } = this.#context;
    const { pod, stop } = this.#target;
    const reclaims = settings.lanePolicy.preferSpot ? await reclaimsOf(store, pod) : 0;
    const choice = laneFor(this.#context, pod, before, await lanes.all(), reclaims);
    const planned = await planAttempt(this.#context, pod, before, choice, stop);
    const entry = await gate.enter(choice.lane, {
      podUid: pod.uid,
      cpu: planned.cpu,
      signal: stop,
      say: (message, reason) => this.#say(before, message, reason),
      shut: (message) => this.#tellShut(choice.lane.name, message),
      leaves: (shut) => {
        const all = new Map([[choice.lane.name, shut]]);
        const { lane } = laneFor({ settings }, pod, before, all, reclaims);
        return lane.name !== choice.lane.name;
      },
    });
    if (entry !== "through") return null;
    const launchedAtMs = this.#context.now();
    const { firstLaunchedAtMs, launchedAtMs: plannedAtMs } = planned;
    const isFirst = firstLaunchedAtMs === plannedAtMs;
    return {
      ...planned,
      launchedAtMs,
      firstLaunchedAtMs: isFirst ? launchedAtMs : firstLaunchedAtMs,
    };
  }

  /** Tells the Pod's Job that an operator has to mend the lane. */
  #tellShut(lane: string, message: string): void {
    const { notices } = this.#context;
    notices.tell(this.#target.pod, "EcsLaneShut", lane, `lane ${lane}: ${message}`);
  }

  #say(record: TaskRecord | null, message: string, reason?: string): void {
    const { pod, sink } = this.#target;
    sink.observed(queuedObservation(pod.spec, record, message, reason));
  }

  /** Sends the record until its outcome is known. */
  async #until(record: TaskRecord, isLetThrough: boolean): Promise<Launched> {
    const { now, log } = this.#context;
    let mayCall = isLetThrough;
    for (let tries = 1; ; tries++) {
      const haunting = this.#target.haunting();
      if (haunting !== undefined) return this.#found(record, record, haunting);
      if (!mayReplay(record, now())) return this.#lost(record);
      if (!mayCall && !(await this.#reenter(record))) return this.#stopped(record);
      mayCall = false;
      const reply = await runTask(this.#context, record);
      if (reply.kind === "task") return this.#found(record, record, reply.arn);
      if (reply.kind === "none") return this.#refused(record, reply);
      this.#mayBeThere ||= reply.lost;
      if (this.#target.stop.aborted && !this.#mayBeThere) return this.#stopped(record);
      log.debug({ pod: record.pod, reason: reply.judged.message }, "launch is tried again");
      await this.#cool(record, reply, tries);
    }
  }

  /**
   * Whether RunTask is to be sent again: also for a Pod that is to stop by now, where there may be
   * a task that would have to be stopped.
   */
  async #reenter(record: TaskRecord): Promise<boolean> {
    const { gate, settings, sleep } = this.#context;
    const lane = settings.lanes.find(({ name }) => name === record.lane);
    // Of a lane that is configured no more only the reply is wanted.
    if (lane === undefined) {
      await sleep(CALL_RETRY.maxMs);
      return true;
    }
    const signal = this.#mayBeThere ? new AbortController().signal : this.#target.stop;
    const entry = await gate.enter(lane, {
      podUid: record.podUid,
      cpu: 0,
      signal,
      say: (message, reason) => this.#say(record, message, reason),
      shut: (message) => this.#tellShut(lane.name, message),
      leaves: () => false,
    });
    return entry === "through";
  }

  async #cool(
    record: TaskRecord,
    { judged }: Extract<LaunchReply, { kind: "again" }>,
    tries: number,
  ): Promise<void> {
    const { sleep, notices } = this.#context;
    const { pod, sink } = this.#target;
    const scope = judged.cool?.scope;
    const isLanes = scope === "lane" || scope === "circuit";
    const message = isLanes ? `lane ${record.lane}: ${judged.message}` : judged.message;
    if (isLanes || scope === "pod") {
      this.#say(record, message, judged.podReason);
      if (tries === 1) sink.event({ type: "Warning", reason: "FailedScheduling", message });
    }
    if (scope === "circuit") this.#tellShut(record.lane, judged.message);
    // Its own role, most often: other Jobs on the lane are well.
    if (scope === "pod" && judged.class === "operator") {
      notices.tell(pod, "EcsLaunchRefused", judged.message, message);
    }
    if (isLanes) return;
    await sleep(backoffMs(tries, CALL_RETRY.minMs, CALL_RETRY.maxMs));
  }

  /** The token must not be used any more. What is known of the Pod's tasks decides. */
  async #lost(record: TaskRecord): Promise<Launched> {
    const { counters, now } = this.#context;
    const told = await toldTask(this.#context, record, this.#target.haunting);
    const arn = told ?? (await listedTask(this.#context, record));
    if (arn !== undefined) {
      counters.count("ghosts_adopted");
      return this.#found(record, record, arn);
    }
    const sighting = { spec: this.#target.pod.spec, intent: record, nowMs: now() };
    const observation = lostTask(sighting, OUTCOME_UNKNOWN, OUTCOME_UNKNOWN_MESSAGE);
    return { kind: "ended", observation, record, clear: true };
  }

  async #refused(
    record: TaskRecord,
    { judged, mayHaunt }: Extract<LaunchReply, { kind: "none" }>,
  ): Promise<Launched> {
    const { definitions, ledger, counters } = this.#context;
    if (judged.class === "definition") await definitions.forget(record.definition);
    const isCapacity = judged.class === "capacity" || judged.class === "quota";
    if (isCapacity) counters.count("capacity_waits", judged.class);
    const said = record.failedLaunches + record.capacityFailures === 0;
    const ended = this.#trouble(record, judged, said);
    if (ended !== null) return { ...ended, record, clear: !mayHaunt };
    const next = this.#afterFailure(record, judged, isCapacity, mayHaunt);
    await ledger.note(this.#target.ledger, next, record);
    return { kind: "again", record: next };
  }

  /** Shows what is the matter; the Pod's end, when it is not to be tried any longer. */
  #trouble(
    record: TaskRecord | null,
    cause: Classification,
    isFirst: boolean,
  ): { kind: "ended"; observation: Observation } | null {
    const { settings, now } = this.#context;
    const { pod, sink } = this.#target;
    const nowMs = now();
    const intent = intentOf(record, nowMs);
    const isPatient = cause.class === "capacity" || cause.class === "quota";
    const failedLaunches =
      intent.failedLaunches + (isPatient ? (record?.capacityFailures ?? 0) : 0);
    const outcome = launchTrouble({
      cause,
      spec: pod.spec,
      intent: { ...intent, failedLaunches },
      settings,
      nowMs,
    });
    const isEnd = outcome.kind === "ended";
    if (isFirst || isEnd) {
      const lane = record === null ? "" : `lane ${record.lane}: `;
      const reason = isPatient ? "FailedScheduling" : "FailedCreatePodSandBox";
      sink.event({ type: "Warning", reason, message: `${lane}${cause.message}` });
    }
    const { observation } = outcome;
    if (isEnd) return { kind: "ended", observation };
    sink.observed({ conditions: [], ...observation });
    return null;
  }

  #afterFailure(
    record: TaskRecord,
    { cool }: Classification,
    isCapacity: boolean,
    mayHaunt: boolean,
  ): TaskRecord {
    const { settings, now } = this.#context;
    const failedLaunches = record.failedLaunches + (isCapacity ? 0 : 1);
    const lane = settings.lanes.find(({ name }) => name === record.lane);
    const waitMs =
      cool?.scope === "pod" ? coolingMs(cool, Math.max(1, failedLaunches), Math.random()) : 0;
    return {
      ...record,
      over: true,
      mayHaunt,
      failedLaunches,
      capacityFailures: record.capacityFailures + (isCapacity ? 1 : 0),
      spotAttempts: record.spotAttempts + (lane !== undefined && isSpot(lane) ? 1 : 0),
      notBeforeMs: now() + waitMs,
    };
  }

  /** No other attempt is to be made; a task of the one before would still have to be stopped. */
  async #withdrawn(before: TaskRecord | null): Promise<Launched> {
    const ghost = before === null ? undefined : await this.#ghostOf(before);
    if (before !== null && ghost !== undefined) return this.#adopt(before, ghost);
    return this.#stopped(before);
  }

  #stopped(record: TaskRecord | null): Launched {
    const why = {
      reason: "ContainerStatusUnknown",
      message: "The pod was stopped before its containers started",
    };
    const { pod } = this.#target;
    const nowMs = this.#context.now();
    const observation = failedBeforeStart(pod.spec, record, why, nowMs);
    const mayHaunt = record?.mayHaunt === true && nowMs - record.launchedAtMs < HAUNTS_FOR_MS;
    return { kind: "ended", observation, record, clear: !mayHaunt };
  }

  /** Registration or planning failed: for good, or until it is tried again (`null`). */
  async #unplannable(error: unknown, before: TaskRecord | null): Promise<Launched | null> {
    const { now, sleep, log, notices } = this.#context;
    const { pod, stop, sink } = this.#target;
    if (error instanceof UnplannableError) {
      const why = { reason: "UnsupportedByRuntime", message: error.message };
      sink.event({ type: "Warning", ...why });
      const observation = failedBeforeStart(pod.spec, before, why, now());
      return { kind: "ended", observation, record: before, clear: true };
    }
    if (!(error instanceof RefusedCall)) {
      await waitOut(this.#context, error);
      return null;
    }
    const { classification: judged } = error;
    // Of a definition ECS says the same each time.
    if (judged.class === "permanent") {
      const why = { reason: judged.podReason, message: error.message };
      sink.event({ type: "Warning", reason: "FailedCreatePodSandBox", message: error.message });
      const observation = failedBeforeStart(pod.spec, before, why, now());
      const issue = { type: "ConfigIssue", status: "True", ...why } as const;
      const conditions = [issue];
      return {
        kind: "ended",
        observation: { ...observation, conditions },
        record: before,
        clear: true,
      };
    }
    log.debug({ err: error, pod: this.#target.ledger.key }, "a task definition waits");
    this.#say(before, error.message, judged.podReason);
    if (judged.cool?.scope === "circuit") {
      if (!this.#hasTold) {
        sink.event({ type: "Warning", reason: "FailedScheduling", message: error.message });
      }
      this.#hasTold = true;
      notices.tell(pod, "EcsLaneShut", error.operation, error.message);
    }
    await sleep(judged.cool?.initialMs ?? CALL_RETRY.maxMs, stop.aborted ? undefined : stop);
    return null;
  }
}
