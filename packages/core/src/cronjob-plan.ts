// What the CronJob controller sees and what it decides: the two sides of `reconcileCronJob`.
import type { JobEvent } from "./job-plan.ts";
import type { Job, NamespacedMeta } from "./job.ts";
import type {
  CronJob as WireCronJob,
  CronJobSpec as WireCronJobSpec,
  CronJobStatus,
  Job as WireJob,
} from "./schema/batch.ts";

export type CronJobSpec = WireCronJobSpec &
  Required<Pick<WireCronJobSpec, "schedule" | "jobTemplate">>;

/** The CronJob as the engine holds it: decoded and defaulted. */
export type CronJob = Omit<WireCronJob, "metadata" | "spec" | "status"> & {
  metadata: NamespacedMeta;
  spec: CronJobSpec;
  status: CronJobStatus;
};

export type { CronJobStatus };

/**
 * Taken in two reads, since the second depends on the first:
 *
 * 1. read the CronJob and its children;
 * 2. read the Jobs that `jobsToLookUp(cronJob, children, nowMs)` names;
 * 3. `reconcileCronJob(snapshot, nowMs, newIds)` with the same `nowMs`;
 * 4. commit the plan in one transaction that is refused when the CronJob or one of those Jobs changed
 *    since. "Stale" means: start again.
 *
 * Because a plan is committed whole or not at all, getting and deleting Jobs cannot fail by themselves,
 * and "already exists" is seen beforehand. Creating can: the Job passes defaulting, validation and quota
 * like any other. The caller then reconciles again with `refusal` set and commits that plan.
 */
export interface CronJobSnapshot {
  readonly cronJob: CronJob;
  /** B1: Jobs of the namespace whose controller is this CronJob, finished ones included. */
  readonly children: readonly Job[];
  /** Answers for `jobsToLookUp`: the Job of that name, whoever owns it, or null if there is none. */
  readonly lookups: ReadonlyMap<string, Job | null>;
  /** B13: nothing can be created any more. */
  readonly namespaceTerminating: boolean;
  /** B13: the attempt to create this Job failed with this message. */
  readonly refusal?: { readonly name: string; readonly message: string } | undefined;
}

/** C: complete but for what the API adds on create (defaults, selector, timestamps). */
export type PlannedJob = WireJob & {
  metadata: { name: string; namespace: string; uid: string };
};

export interface JobToCreate {
  readonly job: PlannedJob;
  /** For cronjob_controller_job_creation_skew_duration_seconds. */
  readonly scheduledAtMs: number;
}

export interface CronJobPlan {
  /** The one status write; null when nothing changed (B16). Lists a Job created in the same plan. */
  readonly status: CronJobStatus | null;
  readonly create: JobToCreate | null;
  /** To delete with propagation Background (B12, D2). */
  readonly delete: readonly { readonly name: string; readonly uid: string }[];
  /** In the order in which they are emitted. */
  readonly events: readonly JobEvent[];
  /** When to look again though nothing happens, Unix ms; null waits for a change of the CronJob. */
  readonly wakeAtMs: number | null;
  /** The sync failed for this reason: commit the plan, then try again with backoff. */
  readonly retry: string | null;
}
