// CronJobs (job-spec 5, C1, C2).
import { describe, expect, test } from "vitest";
import { jobManifest, lines, templateSpec } from "../../test/manifests.ts";
import { defaultCronJob } from "../defaults/cron-job.ts";
import type { CronJob, CronJobSpec } from "../schema/batch.ts";
import { validateCronJobCreate, validateCronJobUpdate } from "./cron-job.ts";

const cronJob = (spec: CronJobSpec = {}, name = "tick"): CronJob =>
  defaultCronJob({
    metadata: { name, namespace: "default", resourceVersion: "1" },
    spec: { schedule: "*/5 * * * *", jobTemplate: { spec: jobManifest().spec }, ...spec },
  });

const invalid = (field: string, value: unknown, detail: string): string =>
  `FieldValueInvalid spec.${field}: Invalid value: ${JSON.stringify(value)}: ${detail}`;
const useField = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
const both = "cannot use both timeZone field and TZ or CRON_TZ in schedule";
const template = "spec.jobTemplate.spec";

describe("5 CronJobSpec at creation", () => {
  type Case = readonly [string, CronJobSpec, readonly string[]];
  const cases: readonly Case[] = [
    ["a valid one", {}, []],
    ["a macro and a zone", { schedule: "@daily", timeZone: "Europe/London" }, []],
    ["no schedule", { schedule: "" }, ["FieldValueRequired spec.schedule: Required value"]],
    [
      "no schedule but text",
      { schedule: "1 2 3" },
      [invalid("schedule", "1 2 3", "expected exactly 5 fields, found 3: [1 2 3]")],
    ],
    [
      "a zone in the schedule",
      { schedule: "TZ=UTC 0 * * * *" },
      [invalid("schedule", "TZ=UTC 0 * * * *", useField)],
    ],
    [
      "empty zone",
      { timeZone: "" },
      [invalid("timeZone", "", "timeZone must be nil or non-empty string")],
    ],
    [
      "Local",
      { timeZone: "LOCAL" },
      [
        invalid(
          "timeZone",
          "LOCAL",
          "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
        ),
      ],
    ],
    ...["Mars/Base", "../etc", "a//b", "-x", "Europe/Lon don", "abcdefghijklmno"].map(
      (zone): Case => [
        `zone ${zone}`,
        { timeZone: zone },
        [invalid("timeZone", zone, `unknown time zone ${zone}`)],
      ],
    ),
    [
      "negative numbers",
      {
        startingDeadlineSeconds: -1,
        successfulJobsHistoryLimit: -2,
        failedJobsHistoryLimit: -3,
      },
      [
        invalid("startingDeadlineSeconds", -1, "must be greater than or equal to 0"),
        invalid("successfulJobsHistoryLimit", -2, "must be greater than or equal to 0"),
        invalid("failedJobsHistoryLimit", -3, "must be greater than or equal to 0"),
      ],
    ],
    [
      "unknown concurrencyPolicy",
      { concurrencyPolicy: "Queue" },
      [
        'FieldValueNotSupported spec.concurrencyPolicy: Unsupported value: "Queue": ' +
          'supported values: "Allow", "Forbid", "Replace"',
      ],
    ],
    [
      "selector fields and a rule of Jobs",
      {
        jobTemplate: {
          spec: {
            parallelism: -1,
            selector: { matchLabels: { a: "b" } },
            manualSelector: true,
            template: { spec: templateSpec() },
          },
        },
      },
      [
        `FieldValueInvalid ${template}.parallelism: Invalid value: -1: must be ` +
          "greater than or equal to 0",
        `FieldValueInvalid ${template}.selector: Invalid value: {"matchLabels":{"a":"b"}}: ` +
          "`selector` will be auto-generated",
        `FieldValueNotSupported ${template}.manualSelector: Unsupported value: true: ` +
          'supported values: "nil", "false"',
      ],
    ],
    [
      "no Job template",
      { jobTemplate: undefined },
      [
        `FieldValueRequired ${template}.template.spec.containers: Required value`,
        `FieldValueRequired ${template}.template.spec.restartPolicy: Required value: ` +
          'valid values: "OnFailure", "Never"',
      ],
    ],
  ];
  test.each(cases)("%s", (_, spec, errors) => {
    expect(lines(validateCronJobCreate(cronJob(spec)))).toEqual(errors);
  });

  test("C1: a name of more than 52 characters", () => {
    const name = "a".repeat(53);
    expect(lines(validateCronJobCreate(cronJob({}, name)))).toEqual([
      `FieldValueInvalid metadata.name: Invalid value: "${name}": must be no more ` +
        "than 52 characters",
    ]);
    expect(lines(validateCronJobUpdate(cronJob({}, name), cronJob({}, name)))).toEqual([]);
    expect(lines(validateCronJobCreate(cronJob({}, "a".repeat(52))))).toEqual([]);
  });
});

describe("5 CronJobSpec at update", () => {
  const zoned = "CRON_TZ=UTC 0 * * * *";

  test("C2: everything may change", () => {
    const next = cronJob({
      schedule: "@hourly",
      suspend: true,
      timeZone: "Asia/Tokyo",
      concurrencyPolicy: "Forbid",
      jobTemplate: { spec: { completions: 7, template: { spec: templateSpec() } } },
    });
    expect(lines(validateCronJobUpdate(next, cronJob()))).toEqual([]);
  });

  test("a zone in the schedule may stay, not come, and not meet timeZone", () => {
    const old = cronJob({ schedule: zoned });
    expect(lines(validateCronJobUpdate(old, old))).toEqual([]);
    expect(lines(validateCronJobUpdate(old, cronJob()))).toEqual([
      invalid("schedule", zoned, useField),
    ]);
    const withZone = cronJob({ schedule: zoned, timeZone: "UTC" });
    expect(lines(validateCronJobUpdate(withZone, old))).toEqual([invalid("schedule", zoned, both)]);
  });

  test("an unknown timeZone may stay, not come", () => {
    const old = cronJob({ timeZone: "Mars/Base" });
    expect(lines(validateCronJobUpdate(old, old))).toEqual([]);
    expect(lines(validateCronJobUpdate(old, cronJob()))).toHaveLength(1);
  });
});
