// The containers of a task as those of a Pod: waiting, running, or ended with which code.
import type { ContainerRecord, ContainerState } from "../pod-record.ts";
import type { Container } from "../schema/container.ts";
import type { PodSpec } from "../schema/pod.ts";
import { isSidecar } from "./container-order.ts";
import { healthCheck } from "./health-check.ts";
import type { LaunchIntent } from "./launch-intent.ts";
import type { EcsContainer, EcsTask } from "./task.ts";

/** SIGKILL: what an end is reported as of which nothing is known. */
export const KILLED = 137;
/** The program could not be started. */
export const NOT_STARTED = 128;

export interface Waiting {
  readonly reason: string;
  readonly message?: string | undefined;
}

/** What is said of a container that has ended, and whose exit code nobody knows. */
export interface Lost {
  readonly reason: string;
  readonly message: string;
  readonly exitCode: number;
}

export interface RecordContext {
  readonly spec: PodSpec;
  readonly task: EcsTask | undefined;
  readonly intent: Pick<LaunchIntent, "lastStates" | "restarts">;
  /** Of containers that have not started. */
  readonly waiting: Waiting;
  /** Of containers without an exit code, once the task has ended. */
  readonly lost?: ((container: Container) => Lost | undefined) | undefined;
  readonly nowMs: number;
}

export const findContainer = (
  task: EcsTask | undefined,
  { name }: Container,
): EcsContainer | undefined => task?.containers.find((one) => one.name === name);

/** When the task's last program ended. */
export const endedAtMs = (task: EcsTask, nowMs: number): number =>
  task.executionStoppedAtMs ?? task.stoppedAtMs ?? task.stoppingAtMs ?? nowMs;

const beganAtMs = (task: EcsTask): number | undefined =>
  task.startedAtMs ?? task.pullStoppedAtMs ?? task.createdAtMs;

const OUT_OF_MEMORY = /^OutOfMemory/;
const SIGNAL_BASE = 128;

const exitReason = ({ reason = "", exitCode }: EcsContainer): string => {
  if (OUT_OF_MEMORY.test(reason)) return "OOMKilled";
  return exitCode === 0 ? "Completed" : "Error";
};

/** `registry/name@sha256:...`, as a kubelet shows what it pulled. */
export function imageId({ image, imageDigest }: EcsContainer): string | undefined {
  if (image === undefined || imageDigest === undefined) return undefined;
  const name = image.replace(/@.*$/, "").replace(/:[^/:]*$/, "");
  return `${name}@${imageDigest}`;
}

const times = (
  task: EcsTask,
  nowMs: number,
): Pick<ContainerState, "finishedAtMs" | "startedAtMs"> => {
  const finishedAtMs = endedAtMs(task, nowMs);
  return { startedAtMs: Math.min(beganAtMs(task) ?? finishedAtMs, finishedAtMs), finishedAtMs };
};

function exitedState(
  found: EcsContainer,
  exitCode: number,
  task: EcsTask,
  nowMs: number,
): ContainerState {
  const signal = exitCode > SIGNAL_BASE && exitCode < 256 ? exitCode - SIGNAL_BASE : undefined;
  return {
    state: "terminated",
    reason: exitReason(found),
    exitCode,
    ...(found.reason !== undefined && { message: found.reason }),
    ...(signal !== undefined && { signal }),
    ...times(task, nowMs),
  };
}

const waitingState = ({ reason, message }: Waiting): ContainerState => ({
  state: "waiting",
  reason,
  ...(message !== undefined && { message }),
});

function state(container: Container, isInit: boolean, context: RecordContext): ContainerState {
  const { task, waiting, nowMs, lost } = context;
  const found = findContainer(task, container);
  if (task === undefined) return waitingState(waiting);
  if (found?.exitCode !== undefined) return exitedState(found, found.exitCode, task, nowMs);
  const end = lost?.(container);
  if (end !== undefined) return { state: "terminated", ...end, ...times(task, nowMs) };
  const runs = found?.lastStatus === "RUNNING" || (found?.lastStatus === "STOPPED" && !lost);
  const startedAtMs = isInit ? (task.pullStoppedAtMs ?? beganAtMs(task)) : beganAtMs(task);
  if (runs && startedAtMs !== undefined) return { state: "running", startedAtMs };
  return waitingState(waiting);
}

/** Running, and healthy where something looks after that. */
const isReady = (container: Container, found: EcsContainer | undefined): boolean =>
  healthCheck(container) === undefined || found?.healthStatus === "HEALTHY";

function record(container: Container, isInit: boolean, context: RecordContext): ContainerRecord {
  const { task, intent } = context;
  const found = findContainer(task, container);
  const now = state(container, isInit, context);
  const running = now.state === "running";
  const lastState = intent.lastStates?.[container.name ?? ""];
  const imageID = found === undefined ? undefined : imageId(found);
  const initDone = isInit && !isSidecar(container) && now.exitCode === 0;
  return {
    ...now,
    restartCount: intent.restarts,
    ready: initDone || (running && isReady(container, found) && task?.desiredStatus !== "STOPPED"),
    started: running,
    ...(lastState !== undefined && { lastState }),
    ...(found?.runtimeId !== undefined && { containerID: `ecs://${found.runtimeId}` }),
    ...(imageID !== undefined && { imageID }),
  };
}

export interface TaskRecords {
  readonly containers: readonly ContainerRecord[];
  readonly initContainers?: readonly ContainerRecord[];
}

/** One entry a container of the spec, in its order. */
export function taskRecords(context: RecordContext): TaskRecords {
  const { containers = [], initContainers = [] } = context.spec;
  const inits = initContainers.map((container) => record(container, true, context));
  const done = initContainers.every((container, n) =>
    isSidecar(container) ? inits[n]?.state !== "waiting" : inits[n]?.exitCode === 0,
  );
  const plain = context.waiting.reason === "ContainerCreating";
  const appContext =
    done || !plain ? context : { ...context, waiting: { reason: "PodInitializing" } };
  return {
    containers: containers.map((container) => record(container, false, appContext)),
    ...(inits.length > 0 && { initContainers: inits }),
  };
}

/** How the containers ended, by name: what the next task's containers show as their last state. */
export function lastStates({ spec }: Pick<RecordContext, "spec">, records: TaskRecords) {
  const states: Record<string, ContainerState> = {};
  const keep = (containers: readonly Container[], kept: readonly ContainerRecord[]): void => {
    for (const [n, { name = "" }] of containers.entries()) {
      const one = kept[n];
      if (one?.state !== "terminated") continue;
      const { reason, message, exitCode, signal, startedAtMs, finishedAtMs } = one;
      states[name] = {
        state: "terminated",
        reason,
        message,
        exitCode,
        signal,
        startedAtMs,
        finishedAtMs,
      };
    }
  };
  keep(spec.initContainers ?? [], records.initContainers ?? []);
  keep(spec.containers ?? [], records.containers);
  return states;
}
