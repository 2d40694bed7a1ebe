// R24, R26: which active Pods go when there are too many.
import { isIndexed, type Job } from "../job.ts";
import type { PodPhase, PodRecord } from "../pod-record.ts";
import { hasValidIndex } from "./pod-classes.ts";

const phaseRank: Readonly<Record<PodPhase, number>> = {
  Pending: 0,
  Unknown: 1,
  Running: 2,
  // Ended Pods are never active; the ranks complete the table.
  Succeeded: 3,
  Failed: 3,
};

const mostRestarts = (pod: PodRecord): number =>
  pod.containers.reduce((most, { restartCount }) => Math.max(most, restartCount), 0);

/** R26: negative when `a` goes before `b`. Equal ones go by name, so that the order is fixed. */
export function compareForRemoval(a: PodRecord, b: PodRecord): number {
  const assigned = Number(a.node !== undefined) - Number(b.node !== undefined);
  if (assigned !== 0) return assigned;
  const phase = phaseRank[a.phase] - phaseRank[b.phase];
  if (phase !== 0) return phase;
  const ready = Number(a.ready) - Number(b.ready);
  if (ready !== 0) return ready;
  if (a.ready) {
    const readySince = (b.readyChangedAtMs ?? 0) - (a.readyChangedAtMs ?? 0);
    if (readySince !== 0) return readySince;
  }
  const restarts = mostRestarts(b) - mostRestarts(a);
  if (restarts !== 0) return restarts;
  const created = b.createdAtMs - a.createdAtMs;
  if (created !== 0) return created;
  return a.name < b.name ? -1 : 1;
}

/** R24: active Pods without a valid index, and all but the best of each index. */
function superfluous(job: Job, active: readonly PodRecord[]): ReadonlySet<PodRecord> {
  const gone = new Set<PodRecord>();
  if (!isIndexed(job)) return gone;
  const best = new Map<number, PodRecord>();
  for (const pod of active) {
    if (!hasValidIndex(job, pod)) {
      gone.add(pod);
      continue;
    }
    const rival = best.get(pod.index!);
    if (rival === undefined) best.set(pod.index!, pod);
    else if (compareForRemoval(pod, rival) < 0) gone.add(pod);
    else {
      gone.add(rival);
      best.set(pod.index!, pod);
    }
  }
  return gone;
}

/** R24: the Pods to delete, first to go first, when at least `atLeast` must. */
export function podsToRemove(
  job: Job,
  active: readonly PodRecord[],
  atLeast: number,
): readonly PodRecord[] {
  const gone = superfluous(job, active);
  const missing = atLeast - gone.size;
  if (missing <= 0) return [...gone];
  const rest = active.filter((pod) => !gone.has(pod)).sort(compareForRemoval);
  return [...gone, ...rest.slice(0, missing)];
}
