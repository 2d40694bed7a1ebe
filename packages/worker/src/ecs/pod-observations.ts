// What is shown of a Pod that has no task: it waits for its turn, or is stopped before that.
import { type LaunchIntent, lostTask, type PodSpec } from "@gantry/core";
import type { TaskRecord } from "@gantry/store";
import type { Observation } from "../runtime.ts";

/** Of a Pod that was not launched yet. */
export const intentOf = (record: TaskRecord | null, nowMs: number): LaunchIntent =>
  record ?? {
    podUid: "",
    attempt: 0,
    restarts: 0,
    failedLaunches: 0,
    lane: "",
    launchedAtMs: nowMs,
    firstLaunchedAtMs: nowMs,
  };

/** Waits for its turn. Pending; Running where it ran before and is to run again. */
export const queuedObservation = (
  spec: PodSpec,
  record: TaskRecord | null,
  message: string,
  reason = "Unschedulable",
): Observation => {
  const waiting = (containers: PodSpec["containers"]): Observation["containers"] =>
    (containers ?? []).map(({ name = "" }) => {
      const lastState = record?.lastStates?.[name];
      return {
        state: "waiting",
        reason: "ContainerCreating",
        restartCount: record?.restarts ?? 0,
        ready: false,
        started: false,
        ...(lastState === undefined ? {} : { lastState }),
      };
    });
  const inits = waiting(spec.initContainers);
  return {
    phase: (record?.restarts ?? 0) > 0 ? "Running" : "Pending",
    ready: false,
    containers: waiting(spec.containers),
    ...(inits.length === 0 ? {} : { initContainers: inits }),
    conditions: [{ type: "PodScheduled", status: "False", reason, message }],
  };
};

/** Of a restart that does not wait: no back-off. */
export const startingAgain = (observation: Observation): Observation => ({
  ...observation,
  containers: observation.containers.map((container) =>
    container.state === "waiting"
      ? { ...container, reason: "ContainerCreating", message: undefined }
      : container,
  ),
});

/** The containers do not run, now or ever; those that ran before ended as they did. */
export const failedBeforeStart = (
  spec: PodSpec,
  record: TaskRecord | null,
  why: { readonly reason: string; readonly message: string },
  nowMs: number,
): Observation => {
  const sighting = { spec, intent: intentOf(record, nowMs), nowMs };
  const { disruption: _none, ...lost } = lostTask(sighting, why.reason, why.message);
  const containers = lost.containers.map((container, n) => {
    const last = record?.lastStates?.[spec.containers?.[n]?.name ?? ""];
    return last === undefined ? container : { ...container, lastState: undefined, ...last };
  });
  return { ...lost, ...why, containers, conditions: [] };
};
