// What is suspicious about a Job or a CronJob, but accepted (job-spec 3.1, 6).
import { allOf } from "../apimachinery/all-of.ts";
import { fieldPath, type FieldPath } from "../apimachinery/field-path.ts";
import { isDns1123Label } from "../apimachinery/name-rules.ts";
import type { CronJob, Job, JobSpec } from "../schema/batch.ts";
import { manyCompletions, maxParallelismForManyCompletions } from "./job-spec.ts";
import { podSpecWarnings, type Warnings } from "./pod-warnings.ts";

function nameWarnings(name: string): Warnings {
  const messages = isDns1123Label(name);
  if (messages.length === 0) return [];
  return [
    "metadata.name: this is used in Pod names and hostnames, which can result in surprising " +
      `behavior; a DNS label is recommended: [${messages.join(" ")}]`,
  ];
}

function jobSpecWarnings(spec: JobSpec, path: FieldPath): Warnings {
  const warnings: Warnings = [];
  const many =
    spec.completionMode === "Indexed" &&
    (spec.completions ?? 0) > manyCompletions &&
    (spec.parallelism ?? 0) > maxParallelismForManyCompletions;
  if (many && spec.backoffLimitPerIndex === undefined) {
    warnings.push(
      `${path.toString()}: In Indexed Jobs with a number of completions higher than 10^5 ` +
        "and a parallelism higher than 10^4, Kubernetes might not be able to track " +
        "completedIndexes when a big number of indexes fail",
    );
  }
  return allOf(
    warnings,
    podSpecWarnings(spec.template?.spec ?? {}, path.child("template", "spec")),
  );
}

/** An update of metadata alone says nothing new. */
const specChanged = (next: Job | CronJob, old: Job | CronJob): boolean =>
  next.metadata?.generation !== old.metadata?.generation;

/** `old`: absent at creation. Generations are those after the update was prepared (M5). */
export function jobWarnings(job: Job, old?: Job): Warnings {
  if (old !== undefined && !specChanged(job, old)) return [];
  return allOf(
    old === undefined ? nameWarnings(job.metadata?.name ?? "") : [],
    jobSpecWarnings(job.spec ?? {}, fieldPath("spec")),
  );
}

/** The doubled `spec` of the schedule's path is Kubernetes' own. */
const zoneInScheduleWarning =
  "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, " +
  "see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details";

/** `old`: absent at creation. Generations are those after the update was prepared (M5). */
export function cronJobWarnings(cronJob: CronJob, old?: CronJob): Warnings {
  if (old !== undefined && !specChanged(cronJob, old)) return [];
  const spec = cronJob.spec?.jobTemplate?.spec ?? {};
  const inSchedule = old !== undefined && cronJob.spec?.schedule?.includes("TZ") === true;
  return allOf(
    old === undefined ? nameWarnings(cronJob.metadata?.name ?? "") : [],
    jobSpecWarnings(spec, fieldPath("spec", "jobTemplate", "spec")),
    inSchedule ? [zoneInScheduleWarning] : [],
  );
}
