// R35, R39, R57, R64 and section 12: the status as it is written, and whether it differs.
import { blank } from "../apimachinery/blank.ts";
import type { JobCondition, JobStatus } from "../job.ts";
import type { Settlement } from "./settle.ts";
import { type JobView, timeText } from "./job-view.ts";

export interface StatusParts {
  readonly conditions: readonly JobCondition[];
  readonly startMs: number | undefined;
  readonly active: number;
  readonly ready: number;
  readonly terminating: number;
}

/** Zero counters and an empty completedIndexes are omitted; ready and terminating always shown. */
export function nextStatus(view: JobView, settled: Settlement, parts: StatusParts): JobStatus {
  const { indexes } = view;
  const succeeded = indexes?.succeeded.size ?? view.storedSucceeded + settled.succeeded;
  const failed = view.storedFailed + settled.failed;
  const completed = indexes?.succeeded.toString() ?? "";
  const startTime = timeText(parts.startMs);
  const { completionTime } = view.job.status;
  return {
    ...blank,
    ...(parts.conditions.length > 0 && { conditions: [...parts.conditions] }),
    ...(startTime !== undefined && { startTime }),
    ...(completionTime !== undefined && { completionTime }),
    ...(parts.active > 0 && { active: parts.active }),
    ...(succeeded > 0 && { succeeded }),
    ...(failed > 0 && { failed }),
    terminating: parts.terminating,
    ...(completed !== "" && { completedIndexes: completed }),
    ...(indexes?.failed !== undefined && { failedIndexes: indexes.failed.toString() }),
    uncountedTerminatedPods: {},
    ready: parts.ready,
  };
}

const sameCondition = (a: JobCondition, b: JobCondition | undefined): boolean =>
  a === b ||
  (b !== undefined &&
    a.type === b.type &&
    a.status === b.status &&
    a.reason === b.reason &&
    a.message === b.message &&
    a.lastProbeTime === b.lastProbeTime &&
    a.lastTransitionTime === b.lastTransitionTime);

function sameConditions(a: readonly JobCondition[] = [], b: readonly JobCondition[] = []): boolean {
  return a.length === b.length && a.every((condition, i) => sameCondition(condition, b[i]));
}

const nothingUncounted = ({ uncountedTerminatedPods }: JobStatus): boolean =>
  uncountedTerminatedPods !== undefined &&
  (uncountedTerminatedPods.succeeded ?? []).length === 0 &&
  (uncountedTerminatedPods.failed ?? []).length === 0;

/** R39: whether writing `next` would change nothing. */
export const sameStatus = (stored: JobStatus, next: JobStatus): boolean =>
  stored.startTime === next.startTime &&
  stored.completionTime === next.completionTime &&
  (stored.active ?? 0) === (next.active ?? 0) &&
  (stored.succeeded ?? 0) === (next.succeeded ?? 0) &&
  (stored.failed ?? 0) === (next.failed ?? 0) &&
  stored.terminating === next.terminating &&
  stored.ready === next.ready &&
  (stored.completedIndexes ?? "") === (next.completedIndexes ?? "") &&
  stored.failedIndexes === next.failedIndexes &&
  nothingUncounted(stored) &&
  sameConditions(stored.conditions, next.conditions);
