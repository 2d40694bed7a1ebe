// What is shown of Pods that no runtime was asked to run: refused, stopped before that, waiting.
import type { PodRecord } from "@gantry/core";
import { lostObservation } from "./observed-pod.ts";
import type { MissingSourceError } from "./pod-sources.ts";
import type { Observation, PodSink, RunnablePod, RunningPod, Runtime } from "./runtime.ts";

const ended = (observation: Observation): RunningPod => ({
  ended: Promise.resolve(observation),
  stop: () => {},
});

export const refused = (
  runtime: Runtime,
  rejections: readonly { path: string; message: string }[],
  sink: PodSink,
): RunningPod => {
  const reason = "UnsupportedByRuntime";
  const message = rejections
    .map(
      ({ path, message: why }) => `spec.${path}: not supported by runtime ${runtime.name}: ${why}`,
    )
    .join("; ");
  sink.event({ type: "Warning", reason, message });
  return ended({ phase: "Failed", reason, message, ready: false, containers: [] });
};

export const stoppedBeforeStart = (pod: PodRecord, nowMs: number): RunningPod =>
  ended(lostObservation(pod, "The pod was stopped before its containers started", nowMs));

/** Its activeDeadlineSeconds ran out while it waited for a ConfigMap or Secret. */
export const pastDeadline = (): RunningPod =>
  ended({
    phase: "Failed",
    reason: "DeadlineExceeded",
    message: "Pod was active on the node longer than the specified deadline",
    ready: false,
    containers: [],
  });

export const waitingForSource = (
  spec: RunnablePod["spec"],
  error: MissingSourceError,
  pod: PodRecord,
  nowMs: number,
): Observation => ({
  phase: "Pending",
  ready: false,
  startedAtMs: pod.startedAtMs ?? nowMs,
  containers: (spec.containers ?? []).map(() => ({
    state: "waiting",
    ...(error.volume === undefined
      ? { reason: "CreateContainerConfigError", message: error.message }
      : { reason: "ContainerCreating" }),
    restartCount: 0,
    ready: false,
    started: false,
  })),
});
