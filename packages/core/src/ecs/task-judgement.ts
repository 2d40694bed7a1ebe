// From a task to its Pod's status: the one function that events and polls both go through.
import type { Container } from "../schema/container.ts";
import type { PodSpec } from "../schema/pod.ts";
import type { Classification } from "./classification.ts";
import { classifyStop } from "./classify-stop.ts";
import { isSidecar } from "./container-order.ts";
import type { LaunchIntent, StopIntent } from "./launch-intent.ts";
import { launchTrouble } from "./launch-trouble.ts";
import type { EcsSettings } from "./settings.ts";
import type { EcsTask } from "./task.ts";
import type { TaskObservation, TaskOutcome } from "./task-outcome.ts";
import {
  endedAtMs,
  findContainer,
  KILLED,
  lastStates,
  type Lost,
  NOT_STARTED,
  taskRecords,
  type Waiting,
} from "./task-records.ts";
import { hasStopped } from "./task-version.ts";

export interface TaskSighting {
  readonly task: EcsTask;
  readonly spec: PodSpec;
  readonly intent: LaunchIntent;
  readonly settings: Pick<EcsSettings, "launch" | "spotExitZero">;
  readonly nowMs: number;
}

const creating: Waiting = { reason: "ContainerCreating" };

const started = new Set(["RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING"]);

const programs = ({ containers = [], initContainers = [] }: PodSpec): Container[] => [
  ...initContainers.filter((container) => !isSidecar(container)),
  ...containers,
];

const exitCodes = (task: EcsTask, containers: readonly Container[]): (number | undefined)[] =>
  containers.map((container) => findContainer(task, container)?.exitCode);

/** ECS takes a while to clear up; what it will say of the containers is final before that. */
function isOver(task: EcsTask): boolean {
  if (hasStopped(task)) return true;
  if (task.executionStoppedAtMs === undefined || task.stopCode === undefined) return false;
  return (
    task.containers.length > 0 && task.containers.every(({ exitCode }) => exitCode !== undefined)
  );
}

function isRunning({ task, spec }: TaskSighting): boolean {
  if (started.has(task.lastStatus) && task.startedAtMs !== undefined) return true;
  if (task.lastStatus === "RUNNING") return true;
  return (spec.containers ?? []).some((container) => {
    const found = findContainer(task, container);
    return found?.lastStatus === "RUNNING" || found?.exitCode !== undefined;
  });
}

const place = ({ privateIp, taskArn }: EcsTask): Pick<TaskObservation, "handle" | "podIP"> => ({
  handle: taskArn,
  ...(privateIp !== undefined && { podIP: privateIp }),
});

/** A reclaim is told two minutes ahead: the replacement need not wait for the end. */
const earlyNotice = ({ task, intent }: TaskSighting): TaskObservation["disruption"] => {
  if (task.desiredStatus !== "STOPPED" || intent.stop !== undefined) return undefined;
  if (task.stopCode === undefined) return undefined;
  const cause = classifyStop(task);
  return cause.class === "disrupted" ? disruption(cause) : undefined;
};

const disruption = ({ podReason, message }: Classification) => ({
  reason: podReason,
  message: message === "" ? `ECS stopped the task: ${podReason}` : message,
});

function alive(sighting: TaskSighting): TaskOutcome {
  const { task, spec, intent, nowMs } = sighting;
  const pulls = task.pullStartedAtMs !== undefined && task.pullStoppedAtMs === undefined;
  const waiting = pulls ? { ...creating, message: "pulling image" } : creating;
  const records = taskRecords({ spec, task, intent, waiting, nowMs });
  const notice = earlyNotice(sighting);
  const observation: TaskObservation = {
    phase: isRunning(sighting) ? "Running" : "Pending",
    ready: records.containers.length > 0 && records.containers.every(({ ready }) => ready),
    ...records,
    ...place(task),
    ...(notice !== undefined && { disruption: notice }),
  };
  return { kind: "alive", observation };
}

interface Ending {
  readonly phase: "Succeeded" | "Failed";
  readonly reason?: string;
  readonly message?: string;
  readonly disruption?: TaskObservation["disruption"];
  readonly lost?: (container: Container) => Lost | undefined;
}

const unknownEnd: Lost = {
  reason: "ContainerStatusUnknown",
  message: "The container could not be located when the pod was terminated",
  exitCode: KILLED,
};

const lostAs =
  (lost: Lost): Ending["lost"] =>
  () =>
    lost;

function ended(sighting: TaskSighting, ending: Ending): TaskObservation {
  const { task, spec, intent, nowMs } = sighting;
  const { phase, reason, message, lost = lostAs(unknownEnd) } = ending;
  return {
    phase,
    ready: false,
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message }),
    ...taskRecords({ spec, task, intent, waiting: creating, lost, nowMs }),
    ...place(task),
    ...(ending.disruption !== undefined && { disruption: ending.disruption }),
  };
}

const end = (sighting: TaskSighting, ending: Ending): TaskOutcome => ({
  kind: "ended",
  observation: ended(sighting, ending),
});

const crashed: Waiting = { reason: "CrashLoopBackOff", message: "back-off restarting the task" };

/** The program came to its end: the Pod does, too, or runs again, as its restartPolicy says. */
function exited(sighting: TaskSighting, ending: Ending): TaskOutcome {
  const { task, spec, intent, nowMs } = sighting;
  const policy = spec.restartPolicy ?? "Always";
  const wanted = policy === "Always" || (policy === "OnFailure" && ending.phase === "Failed");
  const toStop = intent.stop !== undefined && intent.stop.reason !== "Unhealthy";
  if (!wanted || toStop) return end(sighting, ending);
  const states = lastStates({ spec }, ended(sighting, ending));
  const restarts = intent.restarts + 1;
  const next = { ...intent, restarts, lastStates: states };
  const records = taskRecords({ spec, task: undefined, intent: next, waiting: crashed, nowMs });
  const ranMs = endedAtMs(task, nowMs) - (task.startedAtMs ?? endedAtMs(task, nowMs));
  // As of a Pod whose container restarts: it has been running, and keeps that phase.
  const observation: TaskObservation = {
    phase: "Running",
    ready: false,
    ...records,
    ...place(task),
  };
  return { kind: "restart", observation, ranMs: Math.max(0, ranMs), lastStates: states };
}

const DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline";

const launchTimeout = (message: string): Classification => ({
  class: "resource",
  retry: "new-attempt",
  cool: { scope: "pod", initialMs: 10_000, maxMs: 300_000 },
  podReason: "CreateContainerError",
  message,
});

/** Gantry stopped it: the Pod's end is what that was for. */
function stoppedByUs(sighting: TaskSighting, stop: StopIntent): TaskOutcome {
  const { task, spec } = sighting;
  const codes = exitCodes(task, spec.containers ?? []);
  const phase = codes.every((code) => code === 0) ? "Succeeded" : "Failed";
  const why = stop.message ?? task.stoppedReason ?? stop.reason;
  switch (stop.reason) {
    case "Deleted":
    case "Shutdown":
      return end(sighting, { phase });
    case "DeadlineExceeded":
      return end(sighting, { phase: "Failed", reason: stop.reason, message: DEADLINE_MESSAGE });
    case "Unhealthy":
      return exited(sighting, { phase });
    case "Orphan":
      return end(sighting, {
        phase: "Failed",
        disruption: { reason: "ExternalStop", message: why },
      });
    case "LaunchDeadline": {
      const ran = exitCodes(task, programs(spec)).some((code) => code !== undefined);
      if (!ran) return launchTrouble({ ...sighting, cause: launchTimeout(why) });
      // It began after all, and its program must not run twice in one Pod.
      const late = { reason: "StoppedDuringLaunch", message: why };
      return end(sighting, { phase: "Failed", disruption: late });
    }
  }
}

function disrupted(sighting: TaskSighting, cause: Classification): TaskOutcome {
  const { task, spec, settings } = sighting;
  const done = exitCodes(task, spec.containers ?? []).every((code) => code === 0);
  const isSpot = cause.podReason === "SpotInterruption";
  if (done && isSpot && settings.spotExitZero === "Succeeded") {
    return end(sighting, { phase: "Succeeded" });
  }
  const hostGone = cause.podReason === "NodeTerminated";
  const { message } = disruption(cause);
  const lost = hostGone ? { ...unknownEnd, reason: "NodeLost", message } : unknownEnd;
  return end(sighting, { phase: "Failed", disruption: disruption(cause), lost: lostAs(lost) });
}

/** Words by which ECS says which container's program could not be started. */
const CANNOT_START = /Cannot(Start|Create|Run)Container/;

function notStarted(sighting: TaskSighting, cause: Classification): TaskOutcome {
  const { task, spec } = sighting;
  const all = programs(spec);
  const blamed =
    all.find((one) => CANNOT_START.test(findContainer(task, one)?.reason ?? "")) ?? all.at(-1);
  const lost = (container: Container): Lost | undefined =>
    container === blamed
      ? { reason: "StartError", message: cause.message, exitCode: NOT_STARTED }
      : undefined;
  return exited(sighting, { phase: "Failed", lost });
}

const unknown = (sighting: TaskSighting, message: string): TaskOutcome =>
  end(sighting, {
    phase: "Failed",
    disruption: {
      reason: "TaskStateUnknown",
      message: message === "" ? "ECS does not say how the task ended" : message,
    },
  });

/** Containers after a failed init container never started, and are not lost. */
const noneLost = (): undefined => undefined;

function stopped(sighting: TaskSighting): TaskOutcome {
  const { task, spec, intent } = sighting;
  const cause = classifyStop(task);
  const ours = task.stopCode === undefined || task.stopCode === "UserInitiated";
  if (intent.stop !== undefined && ours) return stoppedByUs(sighting, intent.stop);
  if (cause.class === "disrupted") return disrupted(sighting, cause);
  const inits = (spec.initContainers ?? []).filter((container) => !isSidecar(container));
  const failed = (code: number | undefined): boolean => code !== undefined && code !== 0;
  if (exitCodes(task, inits).some(failed))
    return exited(sighting, { phase: "Failed", lost: noneLost });
  const codes = exitCodes(task, spec.containers ?? []);
  if (codes.some(failed)) return exited(sighting, { phase: "Failed" });
  if (cause.class === "start") return notStarted(sighting, cause);
  if (cause.class === "exited") {
    const succeeded = codes.length > 0 && codes.every((code) => code === 0);
    return succeeded ? exited(sighting, { phase: "Succeeded" }) : unknown(sighting, cause.message);
  }
  if (cause.class === "unknown") return unknown(sighting, cause.message);
  return launchTrouble({ ...sighting, cause });
}

/** Pure: the same task, intent and time give the same status, whoever brought the news. */
export const taskOutcome = (sighting: TaskSighting): TaskOutcome =>
  isOver(sighting.task) ? stopped(sighting) : alive(sighting);

/**
 * Of a task that nothing is known of any more, or that may never have been: Failed, and not
 * counted. `reason`: TaskStateUnknown, LaunchOutcomeUnknown.
 */
export function lostTask(
  { spec, intent, nowMs }: Pick<TaskSighting, "intent" | "nowMs" | "spec">,
  reason: string,
  message: string,
): TaskObservation {
  const records = taskRecords({
    spec,
    // No task, and yet an end: the containers are lost, not waiting.
    task: {
      taskArn: "",
      version: 0,
      lastStatus: "STOPPED",
      desiredStatus: "STOPPED",
      containers: [],
    },
    intent,
    waiting: creating,
    lost: lostAs(unknownEnd),
    nowMs,
  });
  return { phase: "Failed", ready: false, ...records, disruption: { reason, message } };
}
