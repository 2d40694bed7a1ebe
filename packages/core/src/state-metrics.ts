// Jobs and CronJobs as kube-state-metrics shows them: families and samples (metrics.md part 2).
import { parseRfc3339 } from "./apimachinery/time.ts";
import { nextAfter } from "./cron/next-time.ts";
import { parseSchedule } from "./cron/schedule.ts";
import { timeZoneProblem } from "./cron/time-zone.ts";
import type { CronJob, Job } from "./schema/batch.ts";
import type { ObjectMeta, OwnerReference } from "./schema/meta.ts";

export type Labels = Readonly<Record<string, string>>;

/** One line of a family, all of which are gauges. */
export interface Sample {
  readonly family: StateFamily;
  readonly labels: Labels;
  readonly value: number;
}

/** Family -> help text, in the order in which they are shown. */
export const stateFamilies = {
  kube_job_info: "Information about the Job.",
  kube_job_created: "Unix creation time of the Job.",
  kube_job_labels: "Labels of the Job that are on the allow list.",
  kube_job_annotations: "Annotations of the Job that are on the allow list.",
  kube_job_owner: "Owners of the Job.",
  kube_job_spec_parallelism: "Most Pods that the Job runs at a time.",
  kube_job_spec_completions: "Pods that must succeed for the Job to complete.",
  kube_job_spec_active_deadline_seconds: "Seconds that the Job may run.",
  kube_job_status_active: "Pods of the Job that run or wait to.",
  kube_job_status_ready: "Pods of the Job that are ready.",
  kube_job_status_succeeded: "Pods of the Job that succeeded.",
  kube_job_status_failed: "Pods of the Job that failed, and why the Job did.",
  kube_job_status_start_time: "Unix time at which the Job was started.",
  kube_job_status_completion_time: "Unix time at which the Job completed.",
  kube_job_status_suspended: "Whether the Job is suspended.",
  kube_job_complete: "Whether the Job has completed.",
  kube_job_failed: "Whether the Job has failed.",
  kube_cronjob_info: "Information about the CronJob.",
  kube_cronjob_created: "Unix creation time of the CronJob.",
  kube_cronjob_labels: "Labels of the CronJob that are on the allow list.",
  kube_cronjob_annotations: "Annotations of the CronJob that are on the allow list.",
  kube_cronjob_next_schedule_time: "Unix time of the first scheduled time after the last one run.",
  kube_cronjob_status_active: "Jobs of the CronJob that run.",
  kube_cronjob_status_last_schedule_time: "Unix time of the last scheduled time run.",
  kube_cronjob_status_last_successful_time:
    "Unix time at which a Job of the CronJob last completed.",
  kube_cronjob_spec_suspend: "Whether the CronJob starts no more Jobs.",
  kube_cronjob_spec_starting_deadline_seconds: "Seconds that a start may be late.",
  kube_cronjob_spec_successful_job_history_limit: "Completed Jobs that are kept.",
  kube_cronjob_spec_failed_job_history_limit: "Failed Jobs that are kept.",
  kube_cronjob_metadata_resource_version: "Version of the CronJob object.",
} as const;

export type StateFamily = keyof typeof stateFamilies;

/** Keys of labels and annotations to show; none by default: their number is the users' to choose. */
export interface MetadataAllowList {
  readonly labels?: readonly string[] | undefined;
  readonly annotations?: readonly string[] | undefined;
}

const seconds = (time: string | undefined): number | undefined =>
  time === undefined ? undefined : Math.floor(parseRfc3339(time) / 1000);

const snakeCase = (text: string): string =>
  text
    .replace(/[^a-zA-Z0-9_]/g, "_")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase();

/** `label_app_kubernetes_io_name`; keys that become the same are told apart by a suffix. */
function metadataLabels(
  prefix: string,
  map: Readonly<Record<string, string>> | undefined,
  allowed: readonly string[],
): Labels {
  const keys = Object.keys(map ?? {}).filter(
    (key) => allowed.includes("*") || allowed.includes(key),
  );
  const names = keys.toSorted().map((key) => [key, `${prefix}_${snakeCase(key)}`] as const);
  const seen = new Map<string, number>();
  const labels: Record<string, string> = {};
  for (const [key, name] of names) {
    const shared = names.filter(([, other]) => other === name).length > 1;
    const number = (seen.get(name) ?? 0) + 1;
    seen.set(name, number);
    labels[shared ? `${name}_conflict${number}` : name] = map?.[key] ?? "";
  }
  return labels;
}

/** Gathers samples that share the labels naming their object; an undefined value gives none. */
class Samples {
  readonly list: Sample[] = [];
  readonly #base: Labels;

  constructor(base: Labels) {
    this.#base = base;
  }

  add(family: StateFamily, value: number | undefined, labels: Labels = {}): void {
    if (value !== undefined)
      this.list.push({ family, labels: { ...this.#base, ...labels }, value });
  }

  addMetadata(
    family: "kube_job" | "kube_cronjob",
    metadata: ObjectMeta | undefined,
    allow: MetadataAllowList,
  ): void {
    if (allow.labels !== undefined && allow.labels.length > 0) {
      this.add(`${family}_labels`, 1, metadataLabels("label", metadata?.labels, allow.labels));
    }
    if (allow.annotations !== undefined && allow.annotations.length > 0) {
      const labels = metadataLabels("annotation", metadata?.annotations, allow.annotations);
      this.add(`${family}_annotations`, 1, labels);
    }
  }
}

const owner = (reference: OwnerReference): Labels => ({
  owner_kind: reference.kind ?? "",
  owner_name: reference.name ?? "",
  owner_is_controller: String(reference.controller ?? false),
});
const noOwner: Labels = { owner_kind: "", owner_name: "", owner_is_controller: "" };

const knownFailures = ["BackoffLimitExceeded", "DeadlineExceeded", "Evicted"] as const;

/** Without a failed Pod one sample; else by the reason in force, if it is one that is known. */
function addFailed(samples: Samples, { status }: Job): void {
  const family = "kube_job_status_failed";
  const failed = status?.failed ?? 0;
  if (failed === 0) {
    samples.add(family, 0);
    return;
  }
  const condition = status?.conditions?.find(
    ({ type, status: value }) => type === "Failed" && value === "True",
  );
  if (condition !== undefined) {
    for (const reason of knownFailures) {
      samples.add(family, condition.reason === reason ? 1 : 0, { reason });
    }
    if (knownFailures.some((reason) => reason === condition.reason)) return;
  }
  samples.add(family, failed, { reason: "" });
}

/** Three samples, of which the one of the condition's status is 1; none without the condition. */
function addCondition(samples: Samples, family: StateFamily, { status }: Job, type: string): void {
  const condition = status?.conditions?.find((candidate) => candidate.type === type);
  if (condition === undefined) return;
  for (const value of ["true", "false", "unknown"]) {
    const holds = condition.status?.toLowerCase() === value;
    samples.add(family, holds ? 1 : 0, { condition: value });
  }
}

/** Labels `namespace` and `job_name`, and those of the family. */
export function jobSamples(job: Job, allow: MetadataAllowList = {}): readonly Sample[] {
  const { metadata, spec, status } = job;
  const samples = new Samples({
    namespace: metadata?.namespace ?? "",
    job_name: metadata?.name ?? "",
  });
  samples.add("kube_job_info", 1);
  samples.add("kube_job_created", seconds(metadata?.creationTimestamp));
  samples.addMetadata("kube_job", metadata, allow);
  const owners = (metadata?.ownerReferences ?? []).map(owner);
  for (const labels of owners.length === 0 ? [noOwner] : owners) {
    samples.add("kube_job_owner", 1, labels);
  }
  samples.add("kube_job_spec_parallelism", spec?.parallelism);
  samples.add("kube_job_spec_completions", spec?.completions);
  samples.add("kube_job_spec_active_deadline_seconds", spec?.activeDeadlineSeconds);
  samples.add("kube_job_status_active", status?.active ?? 0);
  samples.add("kube_job_status_ready", status?.ready);
  samples.add("kube_job_status_succeeded", status?.succeeded ?? 0);
  addFailed(samples, job);
  samples.add("kube_job_status_start_time", seconds(status?.startTime));
  samples.add("kube_job_status_completion_time", seconds(status?.completionTime));
  const suspended = status?.conditions?.find(({ type }) => type === "Suspended")?.status;
  if (suspended !== undefined) {
    samples.add("kube_job_status_suspended", suspended === "True" ? 1 : 0);
  }
  addCondition(samples, "kube_job_complete", job, "Complete");
  addCondition(samples, "kube_job_failed", job, "Failed");
  return samples.list;
}

/**
 * The first time after the last one run (or the creation), be it past: alerts compare it with now to
 * find a CronJob that does not start.
 */
function nextSchedule({ metadata, spec, status }: CronJob): number | undefined {
  const since = status?.lastScheduleTime ?? metadata?.creationTimestamp;
  const zone = spec?.timeZone || "UTC";
  if (spec?.suspend === true || since === undefined) return undefined;
  const parsed = parseSchedule(spec?.schedule ?? "");
  if (!parsed.ok || timeZoneProblem(zone) !== undefined) return undefined;
  const next = nextAfter(parsed.schedule, parseRfc3339(since), zone);
  return next === null ? undefined : next / 1000;
}

/** Labels `namespace` and `cronjob`, and those of the family. */
export function cronJobSamples(cronJob: CronJob, allow: MetadataAllowList = {}): readonly Sample[] {
  const { metadata, spec, status } = cronJob;
  const samples = new Samples({
    namespace: metadata?.namespace ?? "",
    cronjob: metadata?.name ?? "",
  });
  samples.add("kube_cronjob_info", 1, {
    schedule: spec?.schedule ?? "",
    concurrency_policy: spec?.concurrencyPolicy ?? "",
    timezone: spec?.timeZone ?? "local",
  });
  samples.add("kube_cronjob_created", seconds(metadata?.creationTimestamp));
  samples.addMetadata("kube_cronjob", metadata, allow);
  samples.add("kube_cronjob_next_schedule_time", nextSchedule(cronJob));
  samples.add("kube_cronjob_status_active", status?.active?.length ?? 0);
  samples.add("kube_cronjob_status_last_schedule_time", seconds(status?.lastScheduleTime));
  samples.add("kube_cronjob_status_last_successful_time", seconds(status?.lastSuccessfulTime));
  samples.add("kube_cronjob_spec_suspend", spec?.suspend === true ? 1 : 0);
  samples.add("kube_cronjob_spec_starting_deadline_seconds", spec?.startingDeadlineSeconds);
  samples.add("kube_cronjob_spec_successful_job_history_limit", spec?.successfulJobsHistoryLimit);
  samples.add("kube_cronjob_spec_failed_job_history_limit", spec?.failedJobsHistoryLimit);
  const version = Number(metadata?.resourceVersion ?? "");
  if (version > 0) samples.add("kube_cronjob_metadata_resource_version", version);
  return samples.list;
}
