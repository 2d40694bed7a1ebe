// Status updates of Jobs (job-spec 8, U1 to U3).
import { describe, expect, test } from "vitest";
import { lines, storedJob } from "../../test/manifests.ts";
import type { JobSpec, JobStatus } from "../schema/batch.ts";
import { validateJobStatusUpdate } from "./job-status.ts";

const startTime = "2026-11-23T08:00:00Z";
const completionTime = "2026-11-23T08:01:00Z";

const conditions = (...types: readonly string[]): JobStatus["conditions"] =>
  types.map((type) => ({ type, status: "True" }));

function errorsOf(old: JobStatus, next: JobStatus, spec: JobSpec = {}): string[] {
  const job = storedJob(spec);
  return lines(validateJobStatusUpdate({ ...job, status: next }, { ...job, status: old }));
}

const noValue = (detail: string): string =>
  `FieldValueInvalid status.conditions: Invalid value: ${detail}`;
const bad = (field: string, value: unknown, detail: string): string =>
  `FieldValueInvalid status.${field}: Invalid value: ${JSON.stringify(value)}: ${detail}`;

const complete: JobStatus = {
  startTime,
  completionTime,
  conditions: conditions("SuccessCriteriaMet", "Complete"),
};
const failed: JobStatus = { startTime, conditions: conditions("FailureTarget", "Failed") };
const indexed = { completionMode: "Indexed", completions: 10, parallelism: 1 };
const perIndex = { ...indexed, backoffLimitPerIndex: 1 };

describe("U2 counters", () => {
  test("none is negative", () => {
    const next = { active: -1, succeeded: -2, failed: -3, ready: -4, terminating: -5 };
    const errors = errorsOf(next, next);
    const detail = "must be greater than or equal to 0";
    expect(errors).toEqual(Object.entries(next).map(([field, value]) => bad(field, value, detail)));
  });

  test("uncounted Pods: no empty uid, none twice, over both lists", () => {
    const next = { uncountedTerminatedPods: { succeeded: ["a", "", "a"], failed: ["b", "a"] } };
    expect(errorsOf({}, next)).toEqual([
      bad("uncountedTerminatedPods.succeeded[1]", "", "must not be empty"),
      'FieldValueDuplicate status.uncountedTerminatedPods.succeeded[2]: Duplicate value: "a"',
      'FieldValueDuplicate status.uncountedTerminatedPods.failed[1]: Duplicate value: "a"',
    ]);
  });
});

type Case = readonly [
  title: string,
  old: JobStatus,
  next: JobStatus,
  errors: readonly string[],
  spec?: JobSpec,
];

function run(cases: readonly Case[]): void {
  const titled = cases.map((one) => [one[0], one] as const);
  test.each(titled)("%s", (_, [, old, next, errors, spec]) => {
    expect(errorsOf(old, next, spec)).toEqual(errors);
  });
}

describe("U3 conditions", () => {
  run([
    ["to Complete", { startTime, conditions: conditions("SuccessCriteriaMet") }, complete, []],
    ["to Failed", { startTime, conditions: conditions("FailureTarget") }, failed, []],
    ["unknown types", {}, { conditions: conditions("MyOwn") }, []],
    [
      "Complete and Failed",
      failed,
      { ...failed, completionTime, conditions: conditions("FailureTarget", "Failed", "Complete") },
      [
        noValue("cannot set Complete=True and Failed=true conditions"),
        noValue("cannot set Complete=True and FailureTarget=true conditions"),
        noValue("cannot set Complete=True condition without the SuccessCriteriaMet=true condition"),
      ],
    ],
    [
      "Failed without FailureTarget",
      { startTime },
      { startTime, conditions: conditions("Failed") },
      [noValue("cannot set Failed=True condition without the FailureTarget=true condition")],
    ],
    [
      "what was broken already may stay: Failed without FailureTarget",
      { startTime, conditions: conditions("Failed") },
      { startTime, conditions: conditions("Failed"), ready: 0 },
      [],
    ],
    [
      "SuccessCriteriaMet with Failed and FailureTarget, though nothing changed",
      { startTime, conditions: conditions("SuccessCriteriaMet", "FailureTarget", "Failed") },
      { startTime, conditions: conditions("SuccessCriteriaMet", "FailureTarget", "Failed") },
      [
        noValue("cannot set SuccessCriteriaMet=True and Failed=true conditions"),
        noValue("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"),
      ],
    ],
    [
      "Complete with a successPolicy, though nothing changed",
      { startTime, completionTime, conditions: conditions("Complete") },
      { startTime, completionTime, conditions: conditions("Complete") },
      [
        noValue(
          "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
        ),
      ],
      { ...indexed, successPolicy: { rules: [{ succeededCount: 1 }] } },
    ],
    [
      "Failed and FailureTarget gone",
      failed,
      { startTime },
      [
        noValue("cannot disable the terminal Failed=True condition"),
        noValue("cannot disable the terminal FailureTarget=True condition"),
      ],
    ],
    [
      "Complete no longer True",
      complete,
      {
        startTime,
        completionTime,
        conditions: [
          { type: "SuccessCriteriaMet", status: "True" },
          { type: "Complete", status: "False" },
        ],
      },
      [
        bad(
          "completionTime",
          completionTime,
          "cannot set completionTime when there is no Complete=True condition",
        ),
        noValue("cannot disable the terminal Complete=True condition"),
      ],
    ],
    [
      "SuccessCriteriaMet gone",
      { conditions: conditions("SuccessCriteriaMet") },
      {},
      [noValue("cannot disable the SuccessCriteriaMet=True condition")],
    ],
    [
      "SuccessCriteriaMet after Complete",
      { startTime, completionTime, conditions: conditions("Complete") },
      complete,
      [noValue("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions")],
    ],
  ]);
});

describe("U3 finished Jobs and times", () => {
  const uncountedTerminatedPods = { succeeded: ["a"] };
  run([
    [
      "active, terminating, uncounted",
      { startTime },
      { ...failed, active: 1, terminating: 2, uncountedTerminatedPods },
      [
        bad("active", 1, "active>0 is invalid for finished job"),
        bad(
          "uncountedTerminatedPods",
          { Succeeded: ["a"], Failed: null },
          "must be empty for finished job",
        ),
        bad("terminating", 2, "terminating>0 is invalid for finished job"),
      ],
    ],
    [
      "no startTime",
      {},
      { ...failed, startTime: undefined },
      [
        "FieldValueRequired status.startTime: Required value: startTime is required " +
          "for finished job",
      ],
    ],
    [
      "no startTime, but suspended with nothing to do",
      {},
      { ...complete, startTime: undefined },
      [],
      { suspend: true, completions: 0 },
    ],
    [
      "startTime moved",
      { startTime },
      { startTime: completionTime },
      [bad("startTime", completionTime, "field is immutable for unsuspended job once set")],
    ],
    [
      "startTime removed",
      { startTime },
      {},
      [bad("startTime", null, "field is immutable for unsuspended job once set")],
    ],
    ["startTime removed while suspended", { startTime }, {}, [], { suspend: true }],
    [
      "startTime moved by the resume",
      { startTime, conditions: conditions("Suspended") },
      { startTime: completionTime, conditions: [{ type: "Suspended", status: "False" }] },
      [],
    ],
    [
      "completionTime before startTime",
      { startTime: completionTime },
      { ...complete, startTime: completionTime, completionTime: startTime },
      [bad("completionTime", startTime, "must be equal to or after `startTime`")],
    ],
    [
      "Complete without completionTime",
      { startTime },
      { ...complete, completionTime: undefined },
      [
        "FieldValueRequired status.completionTime: Required value: completionTime is " +
          "required for Complete jobs",
      ],
    ],
    [
      "completionTime moved",
      complete,
      { ...complete, completionTime: "2026-11-23T08:02:00Z" },
      [bad("completionTime", "2026-11-23T08:02:00Z", "field is immutable")],
    ],
  ]);
});

describe("U3 counters and index lists", () => {
  run([
    [
      "failed decreased",
      { failed: 2 },
      { failed: 1 },
      [bad("failed", 1, "cannot decrease the failed counter")],
    ],
    [
      "succeeded decreased",
      { succeeded: 2 },
      {},
      [bad("succeeded", 0, "cannot decrease the succeeded counter")],
    ],
    [
      "succeeded decreased by scaling down an elastic Job",
      { succeeded: 2 },
      { succeeded: 1 },
      [],
      { ...indexed, completions: 1 },
    ],
    [
      "more ready than active",
      {},
      { active: 1, ready: 2 },
      [bad("ready", 2, "cannot set more ready pods than active")],
    ],
    ["more ready than active already", { ready: 2 }, { ready: 2, failed: 1 }, []],
    [
      "completedIndexes of a NonIndexed Job",
      {},
      { completedIndexes: "0" },
      [
        bad(
          "completedIndexes",
          "0",
          "cannot set non-empty completedIndexes when non-indexed completion mode",
        ),
      ],
    ],
    [
      "malformed lists",
      {},
      { completedIndexes: "x", failedIndexes: "3,2" },
      [
        bad(
          "completedIndexes",
          "x",
          'error parsing completedIndexes: cannot convert string to integer for index: "x"',
        ).replaceAll('\\"', '"'),
        bad(
          "failedIndexes",
          "3,2",
          "error parsing failedIndexes: non-increasing order, previous: 3, current: 2",
        ),
      ],
      perIndex,
    ],
    [
      "malformed lists that were so before",
      { completedIndexes: "x" },
      { completedIndexes: "x" },
      [],
      perIndex,
    ],
    [
      "failedIndexes without backoffLimitPerIndex",
      {},
      { failedIndexes: "" },
      [
        bad(
          "failedIndexes",
          "",
          "cannot set non-null failedIndexes when backoffLimitPerIndex is null",
        ),
      ],
      indexed,
    ],
    [
      "overlap",
      { failedIndexes: "4-6" },
      { completedIndexes: "0-4", failedIndexes: "4-6" },
      [bad("failedIndexes", "4-6", "failedIndexes and completedIndexes overlap at index: 4")],
      perIndex,
    ],
    ["disjoint", {}, { completedIndexes: "0-3", failedIndexes: "4-6" }, [], perIndex],
  ]);
});

test("U1: metadata of a status request is checked as on any update (M6)", () => {
  const old = storedJob();
  const next = { ...old, metadata: { ...old.metadata, name: "other" } };
  expect(lines(validateJobStatusUpdate(next, old))).toContain(
    'FieldValueInvalid metadata.name: Invalid value: "other": field is immutable',
  );
});
