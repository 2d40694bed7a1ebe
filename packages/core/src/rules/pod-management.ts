// Section 5: Pods to delete or create while the Job goes on (R23-R30, R45), and all of them to
// delete when it ends (R31).
import { blank } from "../apimachinery/blank.ts";
import { isIndexed } from "../job.ts";
import type { JobBook, NewIds, PodCreation } from "../job-plan.ts";
import type { PodRecord } from "../pod-record.ts";
import { createAgainAtMs } from "./backoff.ts";
import { podsToRemove } from "./deletion-order.ts";
import { indexesToStart } from "./indexes.ts";
import type { JobView } from "./job-view.ts";
import { createCount, wantedActive } from "./parallelism.ts";
import { failureCounts, isPerIndex, retryAtMs } from "./per-index-backoff.ts";
import { podNamePrefix } from "./pod-names.ts";

/** Deletes in one commit, as in Kubernetes: keeps one transaction short. */
export const MAX_DELETES_PER_SYNC = 500;
/** Creates in one commit: larger than Kubernetes' 500, since one transaction stores them all. */
export const MAX_CREATES_PER_SYNC = 1000;
/** How soon a sync follows that counts the failures whose replacements were created (R65). */
const COUNT_REPLACED_AFTER_MS = 1000;
/** As the API server's name generator: enough unless names run out. */
const MAX_NAME_DRAWS = 8;

export interface PodWork {
  readonly deletes: readonly PodRecord[];
  readonly creates: readonly PodCreation[];
  /** Active Pods that this commit had no room to delete. */
  readonly leftActive: readonly PodRecord[];
  /** When Pod management must go on, Unix ms. */
  readonly wakeAtMs: number | undefined;
}

export const noWork: PodWork = { deletes: [], creates: [], leftActive: [], wakeAtMs: undefined };

/**
 * A Pod that no node has goes with its deletion, and nobody reports its end: look again at once.
 * So it is too when there are more to delete than one commit takes.
 */
function deleting(view: JobView, pods: readonly PodRecord[]): PodWork {
  const deletes = pods.slice(0, MAX_DELETES_PER_SYNC);
  const leftActive = pods.slice(MAX_DELETES_PER_SYNC);
  const unbound = deletes.some((pod) => pod.node === undefined);
  const again = unbound || leftActive.length > 0;
  return { deletes, creates: [], leftActive, wakeAtMs: again ? view.nowMs : undefined };
}

/** R31: the Job ends, every active Pod goes. */
export const stopAll = (view: JobView): PodWork => deleting(view, view.active);

/** R23-R30: deletion first; a sync that deletes creates nothing. */
export function managePods(view: JobView, book: Pick<JobBook, "backoff">, newIds: NewIds): PodWork {
  const { job, active } = view;
  const wanted = wantedActive(job, active.length, view.succeeded);
  const remove = podsToRemove(job, active, active.length - wanted);
  if (remove.length > 0) return deleting(view, remove);

  const missing = createCount(job, wanted, active.length, view.terminating);
  if (missing === 0) return noWork;
  if (!isPerIndex(job)) {
    const againAtMs = createAgainAtMs(book); // R28
    if (againAtMs !== undefined && againAtMs > view.nowMs) {
      return { ...blank, ...noWork, wakeAtMs: againAtMs };
    }
  }
  const count = Math.min(missing, MAX_CREATES_PER_SYNC);
  const work = isIndexed(job)
    ? startIndexes(view, count, newIds)
    : {
        ...blank,
        ...noWork,
        creates: drawPods(
          view,
          Array.from({ length: count }, () => undefined),
          newIds,
        ),
      };
  return missing > count && work.creates.length > 0
    ? { ...blank, ...work, wakeAtMs: view.nowMs }
    : work;
}

/** R30, R45: the lowest free indexes, less those that wait for their own backoff. */
function startIndexes(view: JobView, count: number, newIds: NewIds): PodWork {
  const { job, indexes, pods, active, held, nowMs } = view;
  if (indexes === undefined) return noWork;
  const startable: number[] = [];
  let wakeAtMs: number | undefined;
  for (const index of indexesToStart(job, indexes, pods, active, count)) {
    const replaced = held.get(index);
    const atMs = replaced === undefined ? nowMs : retryAtMs(job, replaced);
    if (atMs <= nowMs) startable.push(index);
    else wakeAtMs = Math.min(wakeAtMs ?? atMs, atMs);
  }
  if (startable.some((index) => held.has(index))) {
    const countAtMs = nowMs + COUNT_REPLACED_AFTER_MS;
    wakeAtMs = Math.min(wakeAtMs ?? countAtMs, countAtMs);
  }
  return { ...blank, ...noWork, creates: drawPods(view, startable, newIds), wakeAtMs };
}

function drawPods(
  { job, pods, held }: JobView,
  indexes: readonly (number | undefined)[],
  newIds: NewIds,
): PodCreation[] {
  const taken = new Set(pods.map((pod) => pod.name));
  const perIndex = isPerIndex(job);
  return indexes.map((index) => {
    const prefix = podNamePrefix(job.metadata.name, index);
    let ids = newIds();
    for (let draws = 1; taken.has(prefix + ids.suffix) && draws < MAX_NAME_DRAWS; draws += 1) {
      ids = newIds();
    }
    const name = prefix + ids.suffix;
    taken.add(name);
    return {
      name,
      uid: ids.uid,
      ...(index !== undefined && { index }),
      ...(index !== undefined && perIndex && failureCounts(job, held.get(index))), // R62
    };
  });
}
