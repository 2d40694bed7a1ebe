// Printer columns of Jobs and CronJobs (job-spec.md 11).
import { formatLabelSelector } from "../apimachinery/label-selector.ts";
import { parseRfc3339 } from "../apimachinery/time.ts";
import { conditionTrue } from "../job.ts";
import type { CronJob, Job } from "../schema/batch.ts";
import { durationText } from "../apimachinery/duration-text.ts";
import { age } from "./age.ts";
import {
  ageColumn,
  column,
  containerCells,
  containerColumns,
  nameColumn,
  NONE,
  wideColumn,
} from "./column.ts";
import type { Printer } from "./column.ts";

const selectorColumn = wideColumn("Selector", "Label query over the Pods that belong to it.");

/** The first that holds names the state. */
function jobStatus({ metadata, status }: Job): string {
  const holds = (type: string): boolean => conditionTrue(status?.conditions, type);
  if (holds("Complete")) return "Complete";
  if (holds("Failed")) return "Failed";
  if (metadata?.deletionTimestamp !== undefined) return "Terminating";
  if (holds("Suspended")) return "Suspended";
  if (holds("FailureTarget")) return "FailureTarget";
  if (holds("SuccessCriteriaMet")) return "SuccessCriteriaMet";
  return "Running";
}

/** A Job without completions is done with its first success. */
function jobCompletions({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

/** A Failed Job has no completionTime, so its duration keeps growing. */
function jobDuration({ status }: Job, nowMs: number): string {
  if (status?.startTime === undefined) return "";
  const end = status.completionTime;
  return durationText(
    (end === undefined ? nowMs : parseRfc3339(end)) - parseRfc3339(status.startTime),
  );
}

export const jobPrinter: Printer<Job> = {
  columns: [
    nameColumn,
    column("Status", "State of the Job."),
    column("Completions", "Pods that succeeded, of those wanted."),
    column("Duration", "Time from start to completion, or until now."),
    ageColumn,
    ...containerColumns,
    selectorColumn,
  ],
  cells: (job, nowMs) => [
    job.metadata?.name ?? "",
    jobStatus(job),
    jobCompletions(job),
    jobDuration(job, nowMs),
    age(job.metadata?.creationTimestamp, nowMs),
    ...containerCells(job.spec?.template?.spec?.containers),
    formatLabelSelector(job.spec?.selector),
  ],
};

const boolText = (value: boolean | undefined): string =>
  value === undefined ? NONE : value ? "True" : "False";

export const cronJobPrinter: Printer<CronJob> = {
  columns: [
    nameColumn,
    column("Schedule", "When Jobs start, in cron format."),
    column("Timezone", "IANA name of the time zone of the schedule; UTC if there is none."),
    column("Suspend", "Whether no more Jobs are started.", { type: "boolean" }),
    column("Active", "Number of Jobs that run.", { type: "integer" }),
    column("Last Schedule", "Time since the last scheduled time for which a Job was created."),
    ageColumn,
    ...containerColumns,
    selectorColumn,
  ],
  cells: ({ metadata, spec, status }, nowMs) => [
    metadata?.name ?? "",
    spec?.schedule ?? "",
    spec?.timeZone ?? NONE,
    boolText(spec?.suspend),
    status?.active?.length ?? 0,
    status?.lastScheduleTime === undefined ? NONE : age(status.lastScheduleTime, nowMs),
    age(metadata?.creationTimestamp, nowMs),
    ...containerCells(spec?.jobTemplate?.spec?.template?.spec?.containers),
    formatLabelSelector(spec?.jobTemplate?.spec?.selector),
  ],
};
