// The status of a Pod as the API shows it.
import { blank } from "./apimachinery/blank.ts";
import { rfc3339 } from "./apimachinery/time.ts";
import { podConditions } from "./pod-conditions.ts";
import { qosClass } from "./pod-qos.ts";
import type { ContainerRecord, ContainerState, PodRecord } from "./pod-record.ts";
import type { Container } from "./schema/container.ts";
import type { ContainerState as WireState, ContainerStatus } from "./schema/container-status.ts";
import type { PodSpec, PodStatus } from "./schema/pod.ts";

const time = <K extends string>(key: K, ms: number | undefined): { [key in K]?: string } =>
  (ms === undefined ? {} : { [key]: rfc3339(ms) }) as { [key in K]?: string };

function renderState(state: ContainerState, containerID: string | undefined): WireState {
  const said = {
    ...blank,
    ...(state.reason !== undefined && { reason: state.reason }),
    ...(state.message !== undefined && { message: state.message }),
  };
  switch (state.state) {
    case "waiting":
      return { waiting: said };
    case "running":
      return { running: time("startedAt", state.startedAtMs) };
    case "terminated":
      return {
        terminated: {
          exitCode: state.exitCode ?? 0,
          ...(state.signal !== undefined && { signal: state.signal }),
          ...said,
          ...time("startedAt", state.startedAtMs),
          ...time("finishedAt", state.finishedAtMs),
          ...(containerID !== undefined && { containerID }),
        },
      };
  }
}

function renderContainer(record: ContainerRecord, spec: Container | undefined): ContainerStatus {
  return {
    name: spec?.name ?? "",
    state: renderState(record, record.containerID),
    lastState: record.lastState === undefined ? {} : renderState(record.lastState, undefined),
    ready: record.ready,
    restartCount: record.restartCount,
    image: spec?.image ?? "",
    imageID: record.imageID ?? "",
    ...(record.containerID !== undefined && { containerID: record.containerID }),
    ...(record.started !== undefined && { started: record.started }),
  };
}

const renderContainers = (
  records: readonly ContainerRecord[],
  specs: readonly Container[] | undefined,
): ContainerStatus[] => records.map((record, i) => renderContainer(record, specs?.[i]));

export function renderPodStatus(record: PodRecord, spec: PodSpec): PodStatus {
  const conditions = podConditions(record, spec);
  const init = record.initContainers ?? [];
  return {
    // The node has seen the Pod; Gantry changes no spec after that, so what it saw is the first.
    ...(record.startedAtMs !== undefined && { observedGeneration: 1 }),
    phase: record.phase,
    ...(conditions.length > 0 && { conditions }),
    ...(record.message !== undefined && { message: record.message }),
    ...(record.reason !== undefined && { reason: record.reason }),
    ...(record.hostIP !== undefined && { hostIP: record.hostIP, hostIPs: [{ ip: record.hostIP }] }),
    ...(record.podIP !== undefined && { podIP: record.podIP, podIPs: [{ ip: record.podIP }] }),
    ...time("startTime", record.startedAtMs),
    ...(init.length > 0 && {
      initContainerStatuses: renderContainers(init, spec.initContainers),
    }),
    ...(record.containers.length > 0 && {
      containerStatuses: renderContainers(record.containers, spec.containers),
    }),
    qosClass: qosClass(spec),
  };
}
