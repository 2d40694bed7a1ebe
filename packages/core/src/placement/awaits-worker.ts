// Which Pods are offered to workers: those that nobody has bound to a node, and that no gate holds.
import type { PodRecord } from "../pod-record.ts";
import type { PodSpec } from "../schema/pod.ts";

export const isGated = (spec: PodSpec | undefined): boolean =>
  (spec?.schedulingGates ?? []).length > 0;

/** A gated Pod has a spec of its own, from which its gates can be taken away. */
export const awaitsWorker = (pod: Pick<PodRecord, "node" | "spec">): boolean =>
  pod.node === undefined && !isGated(pod.spec);
