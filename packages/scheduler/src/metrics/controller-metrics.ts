// The controllers' metrics: names, labels and buckets are those of kube-controller-manager.
import { isIndexed, isManagedElsewhere, type Job, type JobPlan } from "@gantry/core";
import { Counter, exponentialBuckets, Histogram, type Registry } from "prom-client";

const completionModes = ["NonIndexed", "Indexed"] as const;
const results = ["succeeded", "failed"] as const;

/** Reasons of terminal conditions that the controller itself writes. */
const finishReasons: ReadonlySet<string> = new Set([
  "CompletionsReached",
  "SuccessPolicy",
  "BackoffLimitExceeded",
  "DeadlineExceeded",
  "PodFailurePolicy",
  "FailedIndexes",
  "MaxFailedIndexesExceeded",
]);

/** Reason label of a Job whose interim condition, and so its reason, was written by a client. */
const OTHER_REASON = "";

/** `spec.managedBy` values of their own; beyond it they are counted together: clients choose them. */
const EXTERNAL_CONTROLLERS_MAX = 100;
const OTHER_CONTROLLERS = "other";

type Mode = (typeof completionModes)[number];
type Result = (typeof results)[number];

const modeOf = (job: Job): Mode => (isIndexed(job) ? "Indexed" : "NonIndexed");

/** What one sync of a Job has to say once it is over. */
export class JobSyncMeter {
  readonly #metrics: ControllerMetrics;
  readonly #startedAtMs = performance.now();
  #mode: Mode | undefined;
  #action: JobPlan["tally"]["action"];

  constructor(metrics: ControllerMetrics) {
    this.#metrics = metrics;
  }

  /** A plan was made; the last one of a sync is what it did. */
  planned(job: Job, plan: JobPlan): void {
    this.#mode = modeOf(job);
    this.#action = plan.tally.action;
  }

  end(result: "success" | "error"): void {
    if (this.#mode === undefined || this.#action === undefined) return;
    const seconds = (performance.now() - this.#startedAtMs) / 1000;
    this.#metrics.jobSynced(this.#mode, result, this.#action, seconds);
  }
}

export class ControllerMetrics {
  readonly #syncDuration;
  readonly #syncs;
  readonly #jobsFinished;
  readonly #podsFinished;
  readonly #policyFailures;
  readonly #trackingFinalizer;
  readonly #indexesFinished;
  readonly #podCreations;
  readonly #externalJobs;
  readonly #staleSyncs;
  readonly #cronSkew;
  readonly #ttlDelay;
  readonly #externalControllers = new Set<string>();

  /** Throws when the registry has metrics of these names already: one scheduler a registry. */
  constructor(registry: Registry) {
    const registers = [registry];
    const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
      new Counter<L>({ name, help, labelNames: [...labelNames], registers });
    this.#syncDuration = new Histogram({
      name: "job_controller_job_sync_duration_seconds",
      help: "Time of one sync of a Job.",
      labelNames: ["completion_mode", "result", "action"],
      buckets: exponentialBuckets(0.004, 2, 15),
      registers,
    });
    this.#syncs = counter("job_controller_job_syncs_total", "Syncs of Jobs.", [
      "completion_mode",
      "result",
      "action",
    ]);
    this.#jobsFinished = counter("job_controller_jobs_finished_total", "Jobs that finished.", [
      "completion_mode",
      "result",
      "reason",
    ]);
    this.#podsFinished = counter(
      "job_controller_job_pods_finished_total",
      "Ended Pods that were counted in the status of their Job.",
      ["completion_mode", "result"],
    );
    this.#policyFailures = counter(
      "job_controller_pod_failures_handled_by_failure_policy_total",
      "Failed Pods that matched a rule of their Job's podFailurePolicy.",
      ["action"],
    );
    this.#trackingFinalizer = counter(
      "job_controller_terminated_pods_tracking_finalizer_total",
      "Ended Pods that had the tracking finalizer (add), and that lost it (delete).",
      ["event"],
    );
    this.#indexesFinished = counter(
      "job_controller_job_finished_indexes_total",
      "Indexes that finished.",
      ["status", "backoffLimit"],
    );
    this.#podCreations = counter(
      "job_controller_job_pods_creation_total",
      "Pods whose creation was tried.",
      ["reason", "status"],
    );
    this.#externalJobs = counter(
      "job_controller_jobs_by_external_controller_total",
      "Jobs that are managed by another controller.",
      ["controller_name"],
    );
    this.#staleSyncs = counter(
      "job_controller_stale_sync_skips_total",
      "Plans that were given up since what they were made from had changed.",
      ["group", "resource"],
    );
    this.#cronSkew = new Histogram({
      name: "cronjob_controller_job_creation_skew_duration_seconds",
      help: "Time between the scheduled time of a Job and its creation.",
      buckets: exponentialBuckets(1, 2, 10),
      registers,
    });
    this.#ttlDelay = new Histogram({
      name: "ttl_after_finished_controller_job_deletion_duration_seconds",
      help: "Time between the expiry of a finished Job and its deletion.",
      buckets: exponentialBuckets(0.1, 2, 14),
      registers,
    });
  }

  /** Begins to time a sync of a Job. */
  startJobSync(): JobSyncMeter {
    return new JobSyncMeter(this);
  }

  jobSynced(
    mode: Mode,
    result: "success" | "error",
    action: NonNullable<JobPlan["tally"]["action"]>,
    seconds: number,
  ): void {
    const labels = { completion_mode: mode, result, action };
    this.#syncDuration.observe(labels, seconds);
    this.#syncs.inc(labels);
  }

  /** What a plan counted, now that it is durable. */
  jobCommitted(job: Job, { tally, create }: JobPlan): void {
    const mode = modeOf(job);
    this.#endedPods(mode, "succeeded", tally.podsSucceeded);
    this.#endedPods(mode, "failed", tally.podsFailed);
    for (const [action, count] of Object.entries(tally.policyActions)) {
      this.#policyFailures.inc({ action }, count);
    }
    this.podsReleased(tally.endedPodsReleased);
    this.#endedIndexes(job, "succeeded", tally.indexesSucceeded);
    this.#endedIndexes(job, "failed", tally.indexesFailed);
    if (tally.creation !== undefined) {
      this.#podCreations.inc({ reason: tally.creation, status: "succeeded" }, create.length);
    }
    if (tally.finished !== undefined) {
      const reason = finishReasons.has(tally.finished.reason)
        ? tally.finished.reason
        : OTHER_REASON;
      this.#jobsFinished.inc({ completion_mode: mode, result: tally.finished.result, reason });
    }
  }

  /** The transaction of a plan failed, so its Pods were not created. */
  jobCommitFailed({ tally, create }: JobPlan): void {
    if (tally.creation === undefined) return;
    this.#podCreations.inc({ reason: tally.creation, status: "failed" }, create.length);
  }

  /** The transaction was refused: what the plan was made from had changed. */
  staleSync(group: "batch", resource: "jobs" | "cronjobs"): void {
    this.#staleSyncs.inc({ group, resource });
  }

  /** Ended Pods lost their tracking finalizer, in the transaction that saw to them. */
  podsReleased(count: number): void {
    if (count === 0) return;
    // Pods are counted and released in one transaction, so both sides happen at once.
    this.#trackingFinalizer.inc({ event: "add" }, count);
    this.#trackingFinalizer.inc({ event: "delete" }, count);
  }

  /** A Job seen for the first time; counts those of other controllers that have not begun. */
  jobSeen(job: Job): void {
    if (!isManagedElsewhere(job)) return;
    if (job.status.startTime !== undefined || job.status.conditions !== undefined) return;
    const name = job.spec.managedBy ?? "";
    const known = this.#externalControllers;
    if (known.size < EXTERNAL_CONTROLLERS_MAX) known.add(name);
    this.#externalJobs.inc({ controller_name: known.has(name) ? name : OTHER_CONTROLLERS });
  }

  /** A CronJob's Job was created; both times in Unix ms. */
  cronJobCreated(scheduledAtMs: number, createdAtMs: number): void {
    this.#cronSkew.observe((createdAtMs - scheduledAtMs) / 1000);
  }

  /** A finished Job was deleted by its TTL; both times in Unix ms. */
  expiredJobDeleted(expiredAtMs: number, deletedAtMs: number): void {
    this.#ttlDelay.observe((deletedAtMs - expiredAtMs) / 1000);
  }

  #endedPods(mode: Mode, result: Result, count: number): void {
    if (count > 0) this.#podsFinished.inc({ completion_mode: mode, result }, count);
  }

  #endedIndexes(job: Job, status: Result, count: number): void {
    if (count <= 0) return;
    const backoffLimit = job.spec.backoffLimitPerIndex === undefined ? "global" : "perIndex";
    this.#indexesFinished.inc({ status, backoffLimit }, count);
  }
}
