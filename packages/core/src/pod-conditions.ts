// X3: the conditions of a Pod, derived from its record as a kubelet would set them.
import { rfc3339 } from "./apimachinery/time.ts";
import { isGated } from "./placement/awaits-worker.ts";
import { GATED_MESSAGE } from "./placement/unschedulable.ts";
import { isTerminal, type ContainerRecord, type PodRecord } from "./pod-record.ts";
import type { PodCondition, PodSpec } from "./schema/pod.ts";

type Truth = { readonly holds: boolean; readonly reason?: string; readonly message?: string };

const initDone = (record: ContainerRecord, restartsAlways: boolean): boolean =>
  restartsAlways ? record.started === true : record.state === "terminated" && record.exitCode === 0;

function initialized(pod: PodRecord, spec: PodSpec | undefined): Truth {
  if (pod.phase === "Succeeded") return { holds: true, reason: "PodCompleted" };
  const waiting = (pod.initContainers ?? []).flatMap((record, i) => {
    const container = spec?.initContainers?.[i];
    return initDone(record, container?.restartPolicy === "Always") ? [] : [container?.name ?? ""];
  });
  if (waiting.length === 0) return { holds: true };
  return {
    holds: false,
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: [${waiting.join(" ")}]`,
  };
}

function ready(pod: PodRecord, spec: PodSpec | undefined): Truth {
  if (pod.phase === "Succeeded") return { holds: false, reason: "PodCompleted" };
  if (pod.phase === "Failed") return { holds: false, reason: "PodFailed" };
  if (pod.ready) return { holds: true };
  const unready = (spec?.containers ?? []).flatMap((container, i) =>
    pod.containers[i]?.ready === true ? [] : [container.name ?? ""],
  );
  return {
    holds: false,
    reason: "ContainersNotReady",
    message: `containers with unready status: [${unready.join(" ")}]`,
  };
}

function condition(type: string, truth: Truth, sinceMs: number): PodCondition {
  return {
    type,
    status: truth.holds ? "True" : "False",
    lastTransitionTime: rfc3339(sinceMs),
    ...(truth.reason !== undefined && { reason: truth.reason }),
    ...(truth.message !== undefined && { message: truth.message }),
  };
}

/** What follows from the record alone, in the order in which a kubelet writes it. */
export function derivedConditions(pod: PodRecord, spec: PodSpec | undefined): PodCondition[] {
  const conditions: PodCondition[] = [];
  if (pod.startedAtMs !== undefined) {
    const changedMs = pod.readyChangedAtMs ?? pod.startedAtMs;
    const isReady = ready(pod, spec);
    const sandbox = { holds: pod.phase === "Running" };
    const sandboxSinceMs = isTerminal(pod) ? changedMs : pod.startedAtMs;
    conditions.push(
      condition("PodReadyToStartContainers", sandbox, sandboxSinceMs),
      condition("Initialized", initialized(pod, spec), pod.startedAtMs),
      condition("Ready", isReady, changedMs),
      condition("ContainersReady", isReady, changedMs),
    );
  }
  if (pod.scheduledAtMs !== undefined || pod.node !== undefined) {
    conditions.push(
      condition("PodScheduled", { holds: true }, pod.scheduledAtMs ?? pod.createdAtMs),
    );
  }
  if (pod.node === undefined && isGated(pod.spec)) {
    const truth = { holds: false, reason: "SchedulingGated", message: GATED_MESSAGE };
    conditions.push(condition("PodScheduled", truth, pod.createdAtMs));
  }
  return conditions;
}

/** A kubelet overwrites what a client wrote: an own condition holds until the record is newer. */
const isNewer = (derived: PodCondition, own: PodCondition): boolean =>
  own.lastTransitionTime !== undefined &&
  (derived.lastTransitionTime ?? "") > own.lastTransitionTime;

/** All of them: the record's own conditions replace derived ones of their type. */
export function podConditions(pod: PodRecord, spec?: PodSpec): PodCondition[] {
  const derived = derivedConditions(pod, spec);
  const own = pod.conditions ?? [];
  if (own.length === 0) return derived;
  const byType = new Map(own.map((condition) => [condition.type, condition]));
  const shown = derived.filter((condition) => {
    const rival = byType.get(condition.type);
    if (rival !== undefined && !isNewer(condition, rival)) return false;
    byType.delete(condition.type);
    return true;
  });
  return [...shown, ...own.filter(({ type }) => byType.has(type))];
}
