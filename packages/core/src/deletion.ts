// What a DELETE does to an object (job-spec.md section 10): mark it, change its finalizers, or remove it.
import { blank } from "./apimachinery/blank.ts";
import { rfc3339 } from "./apimachinery/time.ts";
import type { StoredMeta } from "./job.ts";
import { isTerminal, type PodRecord } from "./pod-record.ts";

export type Propagation = "Background" | "Foreground" | "Orphan";

export const ORPHAN_FINALIZER = "orphan";
export const FOREGROUND_FINALIZER = "foregroundDeletion";

/** Grace of a Pod whose spec names none. */
export const DEFAULT_GRACE_SECONDS = 30;

/** D3: the finalizers that garbage collection needs for a propagation policy, after the others. */
const propagationFinalizers = (
  finalizers: readonly string[],
  propagation: Propagation,
): readonly string[] => {
  const wanted =
    propagation === "Orphan"
      ? ORPHAN_FINALIZER
      : propagation === "Foreground"
        ? FOREGROUND_FINALIZER
        : undefined;
  const kept = finalizers.filter(
    (name) => name === wanted || (name !== ORPHAN_FINALIZER && name !== FOREGROUND_FINALIZER),
  );
  return wanted === undefined || kept.includes(wanted) ? kept : [...kept, wanted];
};

/** D3 for every kind but Pods: `null` when the object goes at once, else its metadata from now on. */
export const metadataAfterDelete = <M extends StoredMeta>(
  metadata: M,
  propagation: Propagation,
  nowMs: number,
): M | null => {
  const finalizers = propagationFinalizers(metadata.finalizers ?? [], propagation);
  if (finalizers.length === 0) return null;
  if (metadata.deletionTimestamp !== undefined) {
    return { ...blank, ...metadata, finalizers: [...finalizers] };
  }
  return {
    ...blank,
    ...metadata,
    finalizers: [...finalizers],
    deletionTimestamp: rfc3339(nowMs),
    deletionGracePeriodSeconds: 0,
    // M5: marking for deletion bumps the generation.
    ...(metadata.generation === undefined ? {} : { generation: metadata.generation + 1 }),
  };
};

/**
 * R54: a Pod that its Job has yet to count passes through phase Failed. One that no node has seen is
 * ended here, as Kubernetes' Pod garbage collector does some seconds later.
 */
const ended = (pod: PodRecord): PodRecord =>
  pod.node === undefined && pod.tracked && !isTerminal(pod)
    ? { ...blank, ...pod, phase: "Failed" }
    : pod;

/** D5: the Pod with its deletion asked for. A second request can only shorten the grace. */
export const podAfterDelete = (
  pod: PodRecord,
  request: { graceSeconds: number | undefined; specGraceSeconds: number | undefined },
  nowMs: number,
): PodRecord => {
  const asked = request.graceSeconds ?? request.specGraceSeconds ?? DEFAULT_GRACE_SECONDS;
  const graceSeconds =
    pod.node === undefined || isTerminal(pod) ? 0 : asked < 0 ? 1 : Math.trunc(asked);
  const before = pod.deletion;
  if (before === undefined) {
    return { ...blank, ...ended(pod), deletion: { requestedAtMs: nowMs, graceSeconds } };
  }
  const endBefore = before.requestedAtMs + before.graceSeconds * 1000;
  const end = nowMs + graceSeconds * 1000;
  if (request.graceSeconds === undefined || end >= endBefore) return pod;
  return { ...blank, ...pod, deletion: { requestedAtMs: nowMs, graceSeconds } };
};

/**
 * X4: nothing holds the object any more: deletion asked for, no finalizer, and it has ended, never
 * was bound to a node, or is to go without waiting for its node (grace 0).
 */
export const isPodRemovable = (pod: PodRecord): boolean =>
  pod.deletion !== undefined &&
  !pod.tracked &&
  (pod.meta?.finalizers ?? []).length === 0 &&
  (isTerminal(pod) || pod.node === undefined || pod.deletion.graceSeconds === 0);
