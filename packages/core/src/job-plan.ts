// What the Job controller sees and what it decides: the two sides of `reconcileJob`.
import type { Job, JobStatus } from "./job.ts";
import type { PodRecord } from "./pod-record.ts";

/** The controller's own record of a Job, beside its status; stored, so that a restart changes nothing. */
export interface JobBook {
  /** R41: failed Pods since the last success, and when the last of them ended. */
  readonly backoff?: { readonly failures: number; readonly lastFailureAtMs: number } | undefined;
  /** Finish time of the latest counted success (R41: an earlier failure does not count). */
  readonly lastSuccessAtMs?: number | undefined;
}

export interface JobSnapshot {
  readonly job: Job;
  readonly book: JobBook;
  /**
   * Pods controlled by the Job that are not settled: not ended, or ended and still tracked.
   * Bounded by parallelism (plus what ended since the last sync), never by completions.
   */
  readonly pods: readonly PodRecord[];
  /** R10: ownerless Pods of the namespace whose labels match the Job's selector, not being deleted. */
  readonly orphans: readonly PodRecord[];
  /** R9: names of `pods` whose labels no longer match the selector. */
  readonly released: ReadonlySet<string>;
}

/** One Pod to create; the shell stores it with the Job's present template. */
export interface PodCreation {
  readonly name: string;
  readonly uid: string;
  readonly index?: number;
  readonly failureCount?: number;
  readonly ignoredFailureCount?: number;
}

/** A change of one existing Pod. Several may stand in one change. */
export interface PodChange {
  readonly pod: PodRecord;
  /** The Pod was counted or is given up: its tracking finalizer goes. */
  readonly untrack?: boolean;
  /** Ask for its graceful deletion (grace from its spec). */
  readonly delete?: boolean;
  /** R10: becomes the Job's. */
  readonly adopt?: boolean;
  /** R9: is the Job's no longer (ownerReference and tracking finalizer go). */
  readonly release?: boolean;
}

export interface JobEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** For the metrics of semantics/metrics.md, counted once the commit is durable. */
export interface JobTally {
  /** What the sync did; absent where it was skipped (R3 to R5). */
  readonly action?: "reconciling" | "tracking" | "pods_created" | "pods_deleted";
  /** Why its Pods are created: one reason a sync. */
  readonly creation?: "new" | "recreate_terminating_or_failed" | "recreate_failed";
  readonly podsSucceeded: number;
  readonly podsFailed: number;
  readonly indexesSucceeded: number;
  readonly indexesFailed: number;
  readonly policyActions: Readonly<
    Partial<Record<"FailJob" | "Ignore" | "Count" | "FailIndex", number>>
  >;
  /** Ended Pods whose tracking finalizer goes. */
  readonly endedPodsReleased: number;
  readonly finished?: { readonly result: "succeeded" | "failed"; readonly reason: string };
}

export interface JobPlan {
  /**
   * The statuses to write, in order, each a change that watchers see (R34: the interim condition
   * before the terminal one). Empty when nothing changed (R39).
   */
  readonly statuses: readonly JobStatus[];
  readonly book: JobBook;
  readonly create: readonly PodCreation[];
  readonly change: readonly PodChange[];
  /** In the order in which they are emitted. */
  readonly events: readonly JobEvent[];
  /** When to look again though nothing happens (deadline, backoff), Unix ms. */
  readonly wakeAtMs: number | null;
  readonly tally: JobTally;
}

/** Fresh names: `uid` a random UUID, `suffix` five characters of Kubernetes' name alphabet. */
export type NewIds = () => { readonly uid: string; readonly suffix: string };

export type ReconcileJob = (snapshot: JobSnapshot, nowMs: number, newIds: NewIds) => JobPlan;
