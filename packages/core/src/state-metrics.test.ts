import { describe, expect, test } from "vitest";
import type { CronJob, Job } from "./schema/batch.ts";
import { cronJobSamples, jobSamples, stateFamilies } from "./state-metrics.ts";
import type { Sample } from "./state-metrics.ts";

const created = "2024-01-01T00:00:00Z";
const createdSeconds = 1_704_067_200;
const metadata = { namespace: "ns", name: "x", creationTimestamp: created };

/** As text of the exposition format, without the labels that name the object. */
const lines = (samples: readonly Sample[], family: string): readonly string[] =>
  samples
    .filter((sample) => sample.family === family)
    .map(({ labels, value }) => {
      const own = Object.entries(labels).filter(
        ([key]) => !["namespace", "job_name", "cronjob"].includes(key),
      );
      return `{${own.map(([key, text]) => `${key}="${text}"`).join(",")}} ${value}`;
    });

const families = (samples: readonly Sample[]): readonly string[] => [
  ...new Set(samples.map((sample) => sample.family)),
];

describe("Jobs", () => {
  test("what every Job has", () => {
    const samples = jobSamples({ metadata });
    expect(families(samples)).toEqual([
      "kube_job_info",
      "kube_job_created",
      "kube_job_owner",
      "kube_job_status_active",
      "kube_job_status_succeeded",
      "kube_job_status_failed",
    ]);
    for (const { labels } of samples) {
      expect(labels).toMatchObject({ namespace: "ns", job_name: "x" });
    }
    expect(lines(samples, "kube_job_created")).toEqual([`{} ${createdSeconds}`]);
    expect(lines(samples, "kube_job_owner")).toEqual([
      '{owner_kind="",owner_name="",owner_is_controller=""} 1',
    ]);
  });

  test("what is set in spec and status", () => {
    const job: Job = {
      metadata: {
        ...metadata,
        ownerReferences: [
          { kind: "CronJob", name: "c", controller: true },
          { kind: "Other", name: "o" },
        ],
      },
      spec: { parallelism: 0, completions: 5, activeDeadlineSeconds: 60 },
      status: {
        active: 2,
        ready: 0,
        succeeded: 3,
        startTime: "2024-01-01T00:00:01Z",
        completionTime: "2024-01-01T00:00:05Z",
        conditions: [{ type: "Suspended", status: "False" }],
      },
    };
    const samples = jobSamples(job);
    const value = (family: string) => lines(samples, family);
    expect(value("kube_job_spec_parallelism")).toEqual(["{} 0"]);
    expect(value("kube_job_spec_completions")).toEqual(["{} 5"]);
    expect(value("kube_job_spec_active_deadline_seconds")).toEqual(["{} 60"]);
    expect(value("kube_job_status_active")).toEqual(["{} 2"]);
    expect(value("kube_job_status_ready")).toEqual(["{} 0"]);
    expect(value("kube_job_status_succeeded")).toEqual(["{} 3"]);
    expect(value("kube_job_status_start_time")).toEqual([`{} ${createdSeconds + 1}`]);
    expect(value("kube_job_status_completion_time")).toEqual([`{} ${createdSeconds + 5}`]);
    expect(value("kube_job_status_suspended")).toEqual(["{} 0"]);
    expect(value("kube_job_owner")).toEqual([
      '{owner_kind="CronJob",owner_name="c",owner_is_controller="true"} 1',
      '{owner_kind="Other",owner_name="o",owner_is_controller="false"} 1',
    ]);
  });

  const known = (one: number, two: number, three: number): string[] => [
    `{reason="BackoffLimitExceeded"} ${one}`,
    `{reason="DeadlineExceeded"} ${two}`,
    `{reason="Evicted"} ${three}`,
  ];

  test.each([
    ["no failed Pod", 0, undefined, ["{} 0"]],
    ["no condition yet", 2, undefined, ['{reason=""} 2']],
    ["a known reason", 2, { reason: "DeadlineExceeded", status: "True" }, known(0, 1, 0)],
    [
      "another reason",
      2,
      { reason: "PodFailurePolicy", status: "True" },
      [...known(0, 0, 0), '{reason=""} 2'],
    ],
    ["a condition that is false", 2, { reason: "Evicted", status: "False" }, ['{reason=""} 2']],
  ])("kube_job_status_failed with %s", (_title, failed, condition, expected) => {
    const conditions = condition === undefined ? [] : [{ type: "Failed", ...condition }];
    const samples = jobSamples({ metadata, status: { failed, conditions } });
    expect(lines(samples, "kube_job_status_failed")).toEqual(expected);
  });

  test.each([
    ["True", [1, 0, 0]],
    ["False", [0, 1, 0]],
    ["Unknown", [0, 0, 1]],
  ])("kube_job_complete and kube_job_failed with status %s", (status, values) => {
    const conditions = ["Complete", "Failed"].map((type) => ({ type, status }));
    const samples = jobSamples({ metadata, status: { conditions } });
    const expected = ["true", "false", "unknown"].map((c, i) => `{condition="${c}"} ${values[i]}`);
    expect(lines(samples, "kube_job_complete")).toEqual(expected);
    expect(lines(samples, "kube_job_failed")).toEqual(expected);
  });

  test("labels and annotations only from the allow list", () => {
    const labelled: Job = {
      metadata: {
        ...metadata,
        labels: { "app.io/theName": "a", team: "t", "x-y": "1", x_y: "2", hidden: "h" },
        annotations: { note: "n" },
      },
    };
    const some = jobSamples(labelled, {
      labels: ["app.io/theName", "team", "x-y", "x_y", "absent"],
      annotations: ["note"],
    });
    expect(lines(some, "kube_job_labels")).toEqual([
      '{label_app_io_the_name="a",label_team="t",label_x_y_conflict1="1",label_x_y_conflict2="2"} 1',
    ]);
    expect(lines(some, "kube_job_annotations")).toEqual(['{annotation_note="n"} 1']);
    expect(lines(jobSamples(labelled, { labels: ["*"] }), "kube_job_labels")[0]).toContain(
      'label_hidden="h"',
    );
    expect(families(jobSamples(labelled))).not.toContain("kube_job_labels");
  });
});

describe("CronJobs", () => {
  const cronJob = (spec: CronJob["spec"] = {}, status: CronJob["status"] = {}): CronJob => ({
    metadata: { ...metadata, resourceVersion: "42" },
    spec: { schedule: "0 * * * *", concurrencyPolicy: "Forbid", suspend: false, ...spec },
    status,
  });

  test("all families", () => {
    const spec = {
      timeZone: "Asia/Tokyo",
      startingDeadlineSeconds: 0,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    };
    const status = {
      active: [{ name: "a" }],
      lastScheduleTime: "2024-01-01T02:00:00Z",
      lastSuccessfulTime: "2024-01-01T02:00:09Z",
    };
    const samples = cronJobSamples(cronJob(spec, status));
    expect(samples.map(({ family, value }) => [family, value])).toEqual([
      ["kube_cronjob_info", 1],
      ["kube_cronjob_created", createdSeconds],
      ["kube_cronjob_next_schedule_time", createdSeconds + 3 * 3600],
      ["kube_cronjob_status_active", 1],
      ["kube_cronjob_status_last_schedule_time", createdSeconds + 7200],
      ["kube_cronjob_status_last_successful_time", createdSeconds + 7209],
      ["kube_cronjob_spec_suspend", 0],
      ["kube_cronjob_spec_starting_deadline_seconds", 0],
      ["kube_cronjob_spec_successful_job_history_limit", 3],
      ["kube_cronjob_spec_failed_job_history_limit", 1],
      ["kube_cronjob_metadata_resource_version", 42],
    ]);
    expect(lines(samples, "kube_cronjob_info")).toEqual([
      '{schedule="0 * * * *",concurrency_policy="Forbid",timezone="Asia/Tokyo"} 1',
    ]);
  });

  test.each([
    [{}, createdSeconds + 3600],
    [{ suspend: true }, undefined],
    [{ schedule: "bad" }, undefined],
    [{ timeZone: "Mars/Base" }, undefined],
    [{ schedule: "0 0 31 2 *" }, undefined],
  ])("kube_cronjob_next_schedule_time of %j", (spec, expected) => {
    const found = cronJobSamples(cronJob(spec)).find(
      ({ family }) => family === "kube_cronjob_next_schedule_time",
    );
    expect(found?.value).toBe(expected);
  });

  test("without a time zone it is local; suspended is 1", () => {
    const samples = cronJobSamples(cronJob({ suspend: true }));
    expect(lines(samples, "kube_cronjob_info")[0]).toContain('timezone="local"');
    expect(lines(samples, "kube_cronjob_spec_suspend")).toEqual(["{} 1"]);
  });
});

test("every family has a help text that ends with a full stop", () => {
  for (const help of Object.values(stateFamilies)) expect(help).toMatch(/^[A-Z].*\.$/);
});
