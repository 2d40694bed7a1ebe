// CronJobs at creation and at update (job-spec 5, C1, C2).
import { allOf } from "../apimachinery/all-of.ts";
import { type FieldErrors, invalid, notSupported, required } from "../apimachinery/field-error.ts";
import { fieldPath, type FieldPath } from "../apimachinery/field-path.ts";
import { byteLength } from "../apimachinery/go-text.ts";
import { isDns1123Subdomain } from "../apimachinery/name-rules.ts";
import { validateObjectMeta, validateObjectMetaUpdate } from "../apimachinery/object-meta.ts";
import { parseSchedule } from "../cron/schedule.ts";
import { isKnownTimeZone } from "../cron/time-zone.ts";
import type { CronJob, CronJobSpec, JobTemplateSpec } from "../schema/batch.ts";
import { nonNegative, requiredOneOf } from "./checks.ts";
import { validateJobSpecFields } from "./job-spec.ts";

/** C1: a Job's name has 63, of which its time takes a dash and up to 10 digits. */
const maxNameLength = 52;

function validateSchedule(
  spec: CronJobSpec,
  old: CronJobSpec | undefined,
  path: FieldPath,
): FieldErrors {
  const { schedule = "" } = spec;
  if (schedule === "") return [required(path)];
  const parsed = parseSchedule(schedule);
  const errors: FieldErrors = parsed.ok ? [] : [invalid(path, schedule, parsed.error)];
  if (!schedule.includes("TZ")) return errors;
  if (old?.schedule?.includes("TZ") !== true) {
    const detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
    errors.push(invalid(path, schedule, detail));
  } else if (spec.timeZone !== undefined) {
    const detail = "cannot use both timeZone field and TZ or CRON_TZ in schedule";
    errors.push(invalid(path, schedule, detail));
  }
  return errors;
}

const zonePart = /^[A-Za-z.\-_0-9+]{1,14}$/;
const isZonePart = (part: string): boolean =>
  part !== "." && part !== ".." && !part.startsWith("-") && zonePart.test(part);

function validateTimeZone(name: string | undefined, path: FieldPath): FieldErrors {
  if (name === undefined) return [];
  if (name === "") return [invalid(path, name, "timeZone must be nil or non-empty string")];
  const unknown = [invalid(path, name, `unknown time zone ${name}`)];
  if (!name.split("/").every(isZonePart)) return unknown;
  if (name.toLowerCase() === "local") {
    const detail =
      "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
    return [invalid(path, name, detail)];
  }
  return isKnownTimeZone(name) ? [] : unknown;
}

function validateTemplate(template: JobTemplateSpec, path: FieldPath): FieldErrors {
  const spec = template.spec ?? {};
  const errors = validateJobSpecFields(spec, path);
  if (spec.selector !== undefined) {
    errors.push(
      invalid(path.child("selector"), spec.selector, "`selector` will be auto-generated"),
    );
  }
  if (spec.manualSelector === true) {
    errors.push(notSupported(path.child("manualSelector"), true, ["nil", "false"]));
  }
  return errors;
}

function validateSpec(spec: CronJobSpec, old: CronJobSpec | undefined): FieldErrors {
  const path = fieldPath("spec");
  const { successfulJobsHistoryLimit: succeeded, failedJobsHistoryLimit: failed } = spec;
  return allOf(
    validateSchedule(spec, old, path.child("schedule")),
    nonNegative(spec.startingDeadlineSeconds, path.child("startingDeadlineSeconds")),
    old === undefined || old.timeZone !== spec.timeZone
      ? validateTimeZone(spec.timeZone, path.child("timeZone"))
      : [],
    requiredOneOf(
      spec.concurrencyPolicy,
      ["Allow", "Forbid", "Replace"],
      path.child("concurrencyPolicy"),
    ),
    validateTemplate(spec.jobTemplate ?? {}, path.child("jobTemplate", "spec")),
    nonNegative(succeeded, path.child("successfulJobsHistoryLimit")),
    nonNegative(failed, path.child("failedJobsHistoryLimit")),
  );
}

/** Expects a defaulted CronJob. */
export function validateCronJobCreate(cronJob: CronJob): FieldErrors {
  const name = cronJob.metadata?.name ?? "";
  const errors = allOf(
    validateObjectMeta(cronJob.metadata, {
      namespaced: true,
      nameRule: isDns1123Subdomain,
      path: fieldPath("metadata"),
    }),
    validateSpec(cronJob.spec ?? {}, undefined),
  );
  if (byteLength(name) > maxNameLength) {
    const detail = `must be no more than ${maxNameLength} characters`;
    errors.push(invalid("metadata.name", name, detail));
  }
  return errors;
}

/** C2: all of the spec may change. The length of the name is not looked at again (C1). */
export const validateCronJobUpdate = (next: CronJob, old: CronJob): FieldErrors =>
  allOf(
    validateObjectMetaUpdate(next.metadata, old.metadata, fieldPath("metadata")),
    validateSpec(next.spec ?? {}, old.spec ?? {}),
  );
