// From what a runtime observed to the Pod's next record. Pure.
import { blank, isTerminal, type ObservedCondition, type PodRecord, rfc3339 } from "@gantry/core";
import type { Observation } from "./runtime.ts";

/** The Pod bound to a node, as a scheduler and a kubelet's first look leave it. */
export const claimedPod = (
  pod: PodRecord,
  claim: { node: string; fence: number; hostIP: string; portable?: boolean },
  nowMs: number,
): PodRecord => ({
  ...blank,
  ...pod,
  portable: claim.portable === true ? true : undefined,
  node: claim.node,
  claim: claim.fence,
  hostIP: claim.hostIP,
  scheduledAtMs: pod.scheduledAtMs ?? nowMs,
  startedAtMs: pod.startedAtMs ?? nowMs,
  conditions: pod.conditions?.filter((condition) => condition.type !== "PodScheduled"),
});

/** Phases only go forward: a late observation of a Pod that has ended changes nothing. */
export const observedPod = (pod: PodRecord, observation: Observation, nowMs: number): PodRecord => {
  if (isTerminal(pod)) return pod;
  return {
    ...blank,
    ...pod,
    phase: observation.phase,
    reason: observation.reason,
    message: observation.message,
    startedAtMs: observation.startedAtMs ?? pod.startedAtMs,
    ready: observation.ready,
    readyChangedAtMs:
      observation.ready === pod.ready && pod.readyChangedAtMs !== undefined
        ? pod.readyChangedAtMs
        : nowMs,
    containers: observation.containers,
    initContainers: observation.initContainers,
    podIP: observation.podIP ?? pod.podIP,
    hostIP: observation.hostIP ?? pod.hostIP,
    handle: observation.handle ?? pod.handle,
    ...(observation.conditions === undefined
      ? {}
      : { conditions: observedConditions(pod, observation.conditions, nowMs) }),
  };
};

/** Conditions that runtimes set and take away. */
const runtimeConditions: ReadonlySet<string> = new Set(["PodScheduled", "ConfigIssue"]);

/** Their times are those of the last change of status. */
const observedConditions = (
  { conditions }: PodRecord,
  observed: readonly ObservedCondition[],
  nowMs: number,
): PodRecord["conditions"] => {
  const own = new Set([...runtimeConditions, ...observed.map(({ type }) => type)]);
  const kept = (conditions ?? []).filter(({ type }) => !own.has(type ?? ""));
  const said = observed.map((one) => {
    const old = conditions?.find(({ type, status }) => type === one.type && status === one.status);
    return { ...blank, ...one, lastTransitionTime: old?.lastTransitionTime ?? rfc3339(nowMs) };
  });
  const all = [...kept, ...said];
  return all.length === 0 ? undefined : all;
};

const KILLED_EXIT_CODE = 137;

/** What a runtime can't tell the end of: never a success. */
export const lostObservation = (pod: PodRecord, message: string, nowMs: number): Observation => ({
  phase: "Failed",
  reason: "ContainerStatusUnknown",
  message,
  ready: false,
  containers: pod.containers.map((container) =>
    container.state === "terminated"
      ? container
      : {
          ...blank,
          ...container,
          state: "terminated",
          reason: "ContainerStatusUnknown",
          message: "The container could not be located when the pod was terminated",
          exitCode: KILLED_EXIT_CODE,
          finishedAtMs: nowMs,
          ready: false,
          started: false,
        },
  ),
  ...(pod.initContainers === undefined ? {} : { initContainers: pod.initContainers }),
});

/** R85: the Pod fails because its host, not its program, ended it. */
export const withDisruption = (
  pod: PodRecord,
  disruption: { reason: string; message: string },
  nowMs: number,
): PodRecord => ({
  ...blank,
  ...pod,
  conditions: [
    ...(pod.conditions ?? []).filter((condition) => condition.type !== "DisruptionTarget"),
    {
      type: "DisruptionTarget",
      status: "True",
      reason: disruption.reason,
      message: disruption.message,
      lastTransitionTime: rfc3339(nowMs),
    },
  ],
});
