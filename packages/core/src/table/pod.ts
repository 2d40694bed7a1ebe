// Printer columns of Pods (job-spec.md 11): Ready, Status and Restarts sum up the containers.
import { parseRfc3339 } from "../apimachinery/time.ts";
import { conditionTrue } from "../job.ts";
import type { ContainerStateTerminated, ContainerStatus } from "../schema/container-status.ts";
import type { Pod } from "../schema/pod.ts";
import { durationText } from "../apimachinery/duration-text.ts";
import { age } from "./age.ts";
import { ageColumn, column, nameColumn, NONE, wideColumn } from "./column.ts";
import type { Printer, RowCondition } from "./column.ts";

/** What the containers add up to. */
interface Summary {
  ready: number;
  restarts: number;
  lastRestartMs: number;
  status: string;
}

const NEVER = Number.NEGATIVE_INFINITY;

function countRestarts(summary: Summary, { restartCount, lastState }: ContainerStatus): void {
  summary.restarts += restartCount ?? 0;
  const at = parseRfc3339(lastState?.terminated?.finishedAt ?? "");
  if (at > summary.lastRestartMs) summary.lastRestartMs = at;
}

function terminatedText({ reason, signal, exitCode }: ContainerStateTerminated): string {
  if (reason !== undefined && reason !== "") return reason;
  return signal !== undefined && signal !== 0 ? `Signal:${signal}` : `ExitCode:${exitCode ?? 0}`;
}

const namedReason = (reason: string | undefined): reason is string =>
  reason !== undefined && reason !== "";

/** Init container that keeps running beside the others. */
const sidecarNames = (pod: Pod): ReadonlySet<string | undefined> =>
  new Set(
    (pod.spec?.initContainers ?? [])
      .filter((container) => container.restartPolicy === "Always")
      .map((container) => container.name),
  );

/** Where the first init container that is not done stands. */
function initStatus(container: ContainerStatus, index: number, total: number): string {
  const { waiting, terminated } = container.state ?? {};
  if (terminated !== undefined) return `Init:${terminatedText(terminated)}`;
  if (namedReason(waiting?.reason) && waiting.reason !== "PodInitializing") {
    return `Init:${waiting.reason}`;
  }
  return `Init:${index}/${total}`;
}

const newSummary = (status: string): Summary => ({
  ready: 0,
  restarts: 0,
  lastRestartMs: NEVER,
  status,
});

/**
 * Init containers up to the first that is not done. `sidecars` counts the restarts that still matter
 * once all are done.
 */
function summarizeInit(
  pod: Pod,
  status: string,
): { all: Summary; sidecars: Summary; initializing: boolean } {
  const all = newSummary(status);
  const sidecars = newSummary(status);
  const sidecar = sidecarNames(pod);
  const total = pod.spec?.initContainers?.length ?? 0;
  for (const [index, container] of (pod.status?.initContainerStatuses ?? []).entries()) {
    countRestarts(all, container);
    if (sidecar.has(container.name)) countRestarts(sidecars, container);
    const { terminated } = container.state ?? {};
    if (terminated !== undefined && (terminated.exitCode ?? 0) === 0) continue;
    if (sidecar.has(container.name) && container.started === true) {
      if (container.ready === true) all.ready += 1;
      continue;
    }
    all.status = initStatus(container, index, total);
    return { all, sidecars, initializing: true };
  }
  return { all, sidecars, initializing: false };
}

/** From the last to the first container: the first one's reason stands in the end. */
function addContainers(summary: Summary, pod: Pod): void {
  let running = false;
  let failure: string | undefined;
  for (const container of (pod.status?.containerStatuses ?? []).toReversed()) {
    countRestarts(summary, container);
    const state = container.state ?? {};
    if (namedReason(state.waiting?.reason)) summary.status = state.waiting.reason;
    else if (state.terminated !== undefined) {
      summary.status = terminatedText(state.terminated);
      if ((state.terminated.exitCode ?? 0) !== 0) failure = summary.status;
    } else if (container.ready === true && state.running !== undefined) {
      running = true;
      summary.ready += 1;
    }
  }
  if (summary.status !== "Completed") return;
  if (running) {
    summary.status = conditionTrue(pod.status?.conditions, "Ready") ? "Running" : "NotReady";
  } else if (failure !== undefined) summary.status = failure;
}

function podStatus(pod: Pod): string {
  const gated = pod.status?.conditions?.some(
    ({ type, reason }) => type === "PodScheduled" && reason === "SchedulingGated",
  );
  if (gated === true) return "SchedulingGated";
  return pod.status?.reason || (pod.status?.phase ?? "");
}

function summarize(pod: Pod): Summary {
  const { all, sidecars, initializing } = summarizeInit(pod, podStatus(pod));
  let summary = all;
  if (!initializing || conditionTrue(pod.status?.conditions, "Initialized")) {
    summary = { ...sidecars, ready: all.ready, status: all.status };
    addContainers(summary, pod);
  }
  if (pod.metadata?.deletionTimestamp === undefined) return summary;
  const over = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
  if (pod.status?.reason === "NodeLost") summary.status = "Unknown";
  else if (!over) summary.status = "Terminating";
  return summary;
}

function restartsText({ restarts, lastRestartMs }: Summary, nowMs: number): string {
  if (restarts === 0 || lastRestartMs === NEVER) return String(restarts);
  return `${restarts} (${durationText(nowMs - lastRestartMs)} ago)`;
}

function readinessGates({ spec, status }: Pod): string {
  const gates = spec?.readinessGates ?? [];
  if (gates.length === 0) return NONE;
  const open = gates.filter((gate) => conditionTrue(status?.conditions, gate.conditionType ?? ""));
  return `${open.length}/${gates.length}`;
}

const over = (reason: string, message: string): readonly RowCondition[] => [
  { type: "Completed", status: "True", reason, message },
];
const succeeded = over("Succeeded", "The pod has completed successfully.");
const failed = over("Failed", "The pod failed.");

export const podPrinter: Printer<Pod> = {
  columns: [
    nameColumn,
    column("Ready", "Containers that are ready, of all that keep running."),
    column("Status", "State of the containers summed up."),
    column("Restarts", "How often containers were restarted, and when one was last."),
    ageColumn,
    wideColumn("IP", "Address of the Pod; empty until it has one."),
    wideColumn("Node", "Worker that runs the Pod."),
    wideColumn("Nominated Node", "Worker that room is being made on for the Pod."),
    wideColumn("Readiness Gates", "Conditions that hold, of those that readiness needs."),
  ],
  cells: (pod, nowMs) => {
    const { metadata, spec, status } = pod;
    const summary = summarize(pod);
    const total = (spec?.containers?.length ?? 0) + sidecarNames(pod).size;
    return [
      metadata?.name ?? "",
      `${summary.ready}/${total}`,
      summary.status,
      restartsText(summary, nowMs),
      age(metadata?.creationTimestamp, nowMs),
      status?.podIPs?.[0]?.ip || NONE,
      spec?.nodeName || NONE,
      status?.nominatedNodeName || NONE,
      readinessGates(pod),
    ];
  },
  conditions: ({ status }) => {
    if (status?.phase === "Succeeded") return succeeded;
    return status?.phase === "Failed" ? failed : undefined;
  },
};
