// The Job controller's decision: from a snapshot and the time to a plan. Applies nothing.
import { blank } from "./apimachinery/blank.ts";
import { isFinished, isIndexed, isManagedElsewhere, type JobCondition } from "./job.ts";
import type {
  JobBook,
  JobEvent,
  JobPlan,
  JobSnapshot,
  NewIds,
  PodChange,
  ReconcileJob,
} from "./job-plan.ts";
import type { PodRecord } from "./pod-record.ts";
import { nextBackoff } from "./rules/backoff.ts";
import { failedByBackoffLimit } from "./rules/backoff-limit.ts";
import { type Claim, claimPods } from "./rules/claiming.ts";
import { completionsReached } from "./rules/completion.ts";
import { type Verdict, withCondition } from "./rules/conditions.ts";
import { deadlineAtMs, failedByDeadline } from "./rules/deadline.ts";
import { createdPod, deletedPod, finished, unknownCompletionMode } from "./rules/events.ts";
import { failedByFailedIndexes, failedByMaxFailedIndexes } from "./rules/failed-indexes.ts";
import { decidedFailure, decidedSuccess, startOfEnding, terminalStatus } from "./rules/finish.ts";
import { type JobView, viewJob } from "./rules/job-view.ts";
import { isPerIndex } from "./rules/per-index-backoff.ts";
import { failedByPodFailurePolicy } from "./rules/pod-failure-policy.ts";
import { managePods, noWork, type PodWork, stopAll } from "./rules/pod-management.ts";
import { failedByRestarts } from "./rules/restart-count.ts";
import { settle, type Settlement } from "./rules/settle.ts";
import { nextStatus, sameStatus } from "./rules/status.ts";
import { succeededByPolicy } from "./rules/success-policy.ts";
import { observeSuspension } from "./rules/suspend.ts";
import { emptyTally, endedPodsReleased, tallyOf } from "./rules/tally.ts";

const idle = (book: JobBook): JobPlan => ({
  statuses: [],
  book,
  create: [],
  change: [],
  events: [],
  wakeAtMs: null,
  tally: emptyTally,
});

/**
 * One sync of a Job. `nowMs` is Unix ms; `newIds` is asked once a Pod to create (more often only
 * when a name is taken). Pure: the same arguments give the same plan.
 */
export const reconcileJob: ReconcileJob = (snapshot, nowMs, newIds) => {
  const { job } = snapshot;
  if (isManagedElsewhere(job)) return idle(snapshot.book); // R3
  if (isFinished(job)) return afterwards(snapshot); // R4
  if (job.spec.completionMode !== "NonIndexed" && !isIndexed(job)) {
    return { ...blank, ...idle(snapshot.book), events: [unknownCompletionMode] }; // R5
  }
  const claim = claimPods(snapshot); // R8-R11
  const view = viewJob(job, claim.pods, nowMs); // R12-R16
  return decide(view, claim, snapshot.book, newIds);
};

/** R4, R80: nothing revives a finished Job; Pods still tracked are let go. */
const afterwards = ({ pods }: JobSnapshot): JobPlan => {
  const change = pods.filter((pod) => pod.tracked).map((pod) => ({ pod, untrack: true }));
  return {
    ...blank,
    ...idle({}),
    change,
    tally: { ...blank, ...emptyTally, endedPodsReleased: endedPodsReleased(change) },
  };
};

/** Section 4: the first hit wins. F10 comes after Pod management. */
function evaluateFinish(view: JobView): Verdict | undefined {
  const { job, pods, indexes, startMs, nowMs } = view;
  return (
    decidedSuccess(job) ?? // F1
    decidedFailure(job) ?? // F2
    failedByPodFailurePolicy(job, pods) ?? // F3
    failedByBackoffLimit(job, view.failed) ?? // F4
    failedByRestarts(job, pods) ?? // F5
    failedByDeadline(job, startMs, nowMs) ?? // F6
    failedByMaxFailedIndexes(job, indexes) ?? // F7
    failedByFailedIndexes(job, indexes) ?? // F8
    succeededByPolicy(job, indexes) // F9
  );
}

function decide(view: JobView, claim: Claim, stored: JobBook, newIds: NewIds): JobPlan {
  const { job, nowMs } = view;
  // R45: with backoffLimitPerIndex there is no delay of the whole Job.
  const book = isPerIndex(job)
    ? {}
    : nextBackoff(stored, view.newSucceeded, view.newFailed, job.spec.template);

  const early = evaluateFinish(view); // F1-F9
  let work: PodWork = noWork;
  if (early !== undefined) work = stopAll(view);
  else if (!view.deleting) work = managePods(view, book, newIds); // R78: not while it is deleted
  const active = view.active.length - work.deletes.length + work.creates.length;
  const verdict = early ?? completionsReached(job, view.succeeded, active); // F10

  // R25: what management deletes is untracked and never counted; R32: an ending counts its own.
  const spared = new Set(early === undefined ? work.deletes : work.leftActive);
  const settled = settle(view, verdict, spared);
  const untracked = early === undefined ? [...work.deletes, ...settled.untrack] : settled.untrack;

  const standing = job.status.conditions ?? [];
  const going =
    verdict !== undefined || view.deleting
      ? { conditions: standing, events: [], startMs: view.startMs }
      : observeSuspension(job.spec.suspend, standing, view.startMs, nowMs); // R68-R70
  const outcome = conclude(view, verdict, settled, {
    conditions: going.conditions,
    startMs: going.startMs,
    active,
    ready: view.ready - work.deletes.filter((pod) => pod.ready).length,
    terminating: view.terminating + work.deletes.length,
  });

  const change = changes(claim, work.deletes, untracked);
  return {
    statuses: outcome.statuses,
    book: outcome.ended ? {} : book,
    create: work.creates,
    change,
    events: [
      ...work.deletes.map((pod) => deletedPod(pod.name)),
      ...work.creates.map((pod) => createdPod(pod.name)),
      ...going.events,
      ...outcome.events,
    ],
    wakeAtMs: outcome.ended ? null : wakeAtMs(view, verdict, going.startMs, work),
    tally: tallyOf(view, settled, {
      early: early !== undefined,
      work,
      changes: change,
      ended: outcome.ended ? verdict : undefined,
    }),
  };
}

interface Outcome {
  readonly statuses: JobPlan["statuses"];
  readonly events: readonly JobEvent[];
  readonly ended: boolean;
}

/** R33, R34, R39: the interim status if it is news, then the terminal one once no Pod is left. */
function conclude(
  view: JobView,
  verdict: Verdict | undefined,
  settled: Settlement,
  parts: {
    conditions: readonly JobCondition[];
    startMs: number | undefined;
    active: number;
    ready: number;
    terminating: number;
  },
): Outcome {
  const { job, nowMs } = view;
  const startMs = verdict === undefined ? parts.startMs : startOfEnding(job, parts.startMs, nowMs);
  const conditions =
    verdict === undefined
      ? parts.conditions
      : withCondition(parts.conditions, { ...blank, ...verdict, status: "True" }, nowMs);
  const interim = nextStatus(view, settled, { ...blank, ...parts, conditions, startMs });
  const statuses = sameStatus(job.status, interim) ? [] : [interim];
  if (verdict === undefined || parts.active > 0 || parts.terminating > 0) {
    return { statuses, events: [], ended: false };
  }
  return {
    statuses: [...statuses, terminalStatus(interim, verdict, startMs, nowMs)],
    events: finished(verdict, interim.succeeded ?? 0, job.spec.completions), // R40, R75
    ended: true,
  };
}

/** One change a Pod, whatever befalls it. */
function changes(
  claim: Claim,
  deletes: readonly PodRecord[],
  untracked: readonly PodRecord[],
): readonly PodChange[] {
  const byUid = new Map<string, PodChange>();
  for (const pod of claim.adopted.values()) byUid.set(pod.uid, { pod, adopt: true });
  const add = (pod: PodRecord, change: Omit<PodChange, "pod">): void => {
    byUid.set(pod.uid, { ...blank, ...(byUid.get(pod.uid) ?? { pod }), ...change });
  };
  for (const pod of deletes) add(pod, { delete: true });
  for (const pod of untracked) if (pod.tracked) add(pod, { untrack: true });
  return [...claim.releases, ...byUid.values()];
}

/** The next time at which something is due though nothing happens. */
function wakeAtMs(
  view: JobView,
  verdict: Verdict | undefined,
  startMs: number | undefined,
  work: PodWork,
): number | null {
  const deadline = verdict === undefined ? deadlineAtMs(view.job, startMs) : undefined; // R17
  const times = [deadline, work.wakeAtMs].filter((time) => time !== undefined);
  return times.length === 0 ? null : Math.min(...times);
}
