import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRfc3339, rfc3339 } from "./apimachinery/time.ts";
import { nextAfter } from "./cron/next-time.ts";
import { parseSchedule } from "./cron/schedule.ts";
import type { CronJob, CronJobPlan, CronJobSnapshot } from "./cronjob-plan.ts";
import type { Job } from "./job.ts";
import { cronJobChanged, jobsToLookUp, reconcileCronJob } from "./reconcile-cronjob.ts";
import type { CronJobSpec, CronJobStatus } from "./schema/batch.ts";

const DAY = "2024-01-01T";
const at = (clock: string): number => parseRfc3339(`${DAY}${clock}Z`);

function cronJob(spec: Partial<CronJobSpec> = {}, status: CronJobStatus = {}): CronJob {
  return {
    metadata: {
      name: "tick",
      namespace: "default",
      uid: "cron-uid",
      creationTimestamp: `${DAY}09:55:00Z`,
      labels: { own: "label" },
    },
    spec: {
      schedule: "0 * * * *",
      concurrencyPolicy: "Allow",
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      jobTemplate: {
        metadata: { labels: { app: "x" }, annotations: { note: "y" } },
        spec: { backoffLimit: 2, template: { spec: { containers: [{ name: "c" }] } } },
      },
      ...spec,
    },
    status,
  };
}

type Finish = "Complete" | "Failed" | undefined;

function job(name: string, finish?: Finish, times: { start?: string; end?: string } = {}): Job {
  const { start, end } = times;
  return {
    metadata: {
      name,
      namespace: "default",
      uid: `uid-${name}`,
      resourceVersion: "7",
      creationTimestamp: `${DAY}08:00:00Z`,
      generation: 1,
      ownerReferences: [
        {
          apiVersion: "batch/v1",
          kind: "CronJob",
          name: "tick",
          uid: "cron-uid",
          controller: true,
        },
      ],
    },
    spec: {} as Job["spec"],
    status: {
      ...(start === undefined ? {} : { startTime: `${DAY}${start}Z` }),
      ...(end === undefined ? {} : { completionTime: `${DAY}${end}Z` }),
      ...(finish === undefined ? {} : { conditions: [{ type: finish, status: "True" }] }),
    },
  };
}

const reference = (name: string): NonNullable<CronJobStatus["active"]>[number] => ({
  kind: "Job",
  namespace: "default",
  name,
  uid: `uid-${name}`,
  apiVersion: "batch/v1",
});

interface Given extends Partial<Omit<CronJobSnapshot, "lookups">> {
  readonly stored?: readonly Job[];
}

/** Looks up exactly what `jobsToLookUp` asks for, as the caller would. */
function sync(given: Given, clock: string): CronJobPlan {
  const { stored = [], cronJob: cron = cronJob(), children = [], ...rest } = given;
  const names = jobsToLookUp(cron, children, at(clock));
  const lookups = new Map(
    names.map((name) => [name, stored.find((s) => s.metadata.name === name) ?? null]),
  );
  return reconcileCronJob(
    { cronJob: cron, children, lookups, namespaceTerminating: false, ...rest },
    at(clock),
    () => ({ uid: "new-uid", suffix: "abcde" }),
  );
}

const reasons = (plan: CronJobPlan): readonly string[] => plan.events.map((e) => e.reason);
const messages = (plan: CronJobPlan): readonly string[] => plan.events.map((e) => e.message);
const wake = (plan: CronJobPlan): string | null =>
  plan.wakeAtMs === null ? null : rfc3339(plan.wakeAtMs).slice(11, 19);

const suffix = (clock: string): number => at(clock) / 60_000;

describe("C: the Job that is created", () => {
  const plan = sync({}, "10:00:00");

  test("C1-C3: name, metadata, owner and spec", () => {
    expect(plan.create).toEqual({
      scheduledAtMs: at("10:00:00"),
      job: {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: {
          name: `tick-${suffix("10:00:00")}`,
          namespace: "default",
          uid: "new-uid",
          labels: { app: "x" },
          annotations: {
            note: "y",
            "batch.kubernetes.io/cronjob-scheduled-timestamp": `${DAY}10:00:00Z`,
          },
          ownerReferences: [
            {
              apiVersion: "batch/v1",
              kind: "CronJob",
              name: "tick",
              uid: "cron-uid",
              controller: true,
              blockOwnerDeletion: true,
            },
          ],
        },
        spec: { backoffLimit: 2, template: { spec: { containers: [{ name: "c" }] } } },
      },
    });
  });

  test("B14: Event, active, lastScheduleTime and requeue", () => {
    const name = `tick-${suffix("10:00:00")}`;
    expect(plan.events).toEqual([
      { type: "Normal", reason: "SuccessfulCreate", message: `Created job ${name}` },
    ]);
    expect(plan.status).toEqual({
      active: [{ ...reference(name), uid: "new-uid" }],
      lastScheduleTime: `${DAY}10:00:00Z`,
    });
    expect(plan.wakeAtMs).toBe(at("11:00:00") + 100);
    expect(plan.retry).toBeNull();
  });

  test("C1: 2022-05-19T10:00:00Z is minute 27549240; C2: in the CronJob's time zone", () => {
    const cron = cronJob({ schedule: "0 19 * * *", timeZone: "Asia/Tokyo" });
    cron.metadata.creationTimestamp = "2022-05-19T00:00:00Z";
    const now = parseRfc3339("2022-05-19T10:00:03Z");
    const [name = ""] = jobsToLookUp(cron, [], now);
    expect(name).toBe("tick-27549240");
    const lookups = new Map([[name, null]]);
    const planned = reconcileCronJob(
      { cronJob: cron, children: [], lookups, namespaceTerminating: false },
      now,
      () => ({ uid: "u", suffix: "s" }),
    );
    expect(planned.create?.job.metadata.annotations).toMatchObject({
      "batch.kubernetes.io/cronjob-scheduled-timestamp": "2022-05-19T19:00:00+09:00",
    });
    expect(planned.status?.lastScheduleTime).toBe("2022-05-19T10:00:00Z");
  });

  test("C2: a template without metadata still gets the annotation", () => {
    const planned = sync({ cronJob: cronJob({ jobTemplate: { spec: {} } }) }, "10:00:00");
    expect(Object.keys(planned.create?.job.metadata ?? {})).not.toContain("labels");
    expect(Object.keys(planned.create?.job.metadata.annotations ?? {})).toHaveLength(1);
  });
});

describe("B2, B3: children and active references", () => {
  test("B2: an unfinished child that is not active", () => {
    const plan = sync({ children: [job("stray")] }, "09:56:00");
    expect(messages(plan)).toEqual([
      "Saw a job that the controller did not create or forgot: stray",
    ]);
    expect(plan.status).toBeNull();
  });

  test("B2: finished children leave active; the newest success counts, active or not", () => {
    const cron = cronJob({}, { active: [reference("a"), reference("b"), reference("c")] });
    const children = [
      job("a", "Complete", { end: "09:01:00" }),
      job("b", "Failed"),
      job("c"),
      job("old", "Complete", { end: "09:02:00" }),
      job("older", "Complete", { end: "08:02:00" }),
    ];
    const plan = sync({ cronJob: cron, children }, "09:56:00");
    expect(messages(plan)).toEqual([
      "Saw completed job: a, condition: Complete",
      "Saw completed job: b, condition: Failed",
    ]);
    expect(plan.status).toEqual({
      active: [reference("c")],
      lastSuccessfulTime: `${DAY}09:02:00Z`,
    });
  });

  test("B2: an older success does not set lastSuccessfulTime back", () => {
    const cron = cronJob({}, { lastSuccessfulTime: `${DAY}09:30:00Z` });
    const plan = sync(
      { cronJob: cron, children: [job("a", "Complete", { end: "09:01:00" })] },
      "09:56:00",
    );
    expect(plan.status).toBeNull();
  });

  test("B3: a reference whose Job is gone", () => {
    const cron = cronJob({}, { active: [reference("gone"), reference("orphaned")] });
    const plan = sync({ cronJob: cron, stored: [job("orphaned")] }, "09:56:00");
    expect(plan.events).toEqual([
      { type: "Normal", reason: "MissingJob", message: "Active job went missing: gone" },
    ]);
    expect(plan.status).toEqual({ active: [reference("orphaned")] });
  });

  test("the last reference gone, active is omitted (E)", () => {
    const plan = sync({ cronJob: cronJob({}, { active: [reference("gone")] }) }, "09:56:00");
    expect(plan.status).toEqual({});
  });
});

describe("B4, B5: what stops a sync", () => {
  test("B4: being deleted", () => {
    const cron = cronJob({}, { active: [reference("gone")] });
    cron.metadata.deletionTimestamp = `${DAY}09:59:00Z`;
    const plan = sync({ cronJob: cron }, "10:00:00");
    expect(plan).toMatchObject({ create: null, wakeAtMs: null, retry: null, status: {} });
  });

  test("B5: an unknown time zone, even if suspended", () => {
    const plan = sync({ cronJob: cronJob({ timeZone: "Mars/Base", suspend: true }) }, "10:00:00");
    expect(plan.events).toEqual([
      {
        type: "Warning",
        reason: "UnknownTimeZone",
        message: 'invalid timeZone: "Mars/Base": unknown time zone Mars/Base',
      },
    ]);
    expect(plan).toMatchObject({ create: null, wakeAtMs: null });
  });

  test("B5: suspended", () => {
    const plan = sync({ cronJob: cronJob({ suspend: true, schedule: "bad" }) }, "10:00:00");
    expect(plan).toMatchObject({ create: null, wakeAtMs: null, events: [], status: null });
  });

  test("B5: an unparsable schedule", () => {
    const plan = sync({ cronJob: cronJob({ schedule: "a * * * *" }) }, "10:00:00");
    expect(messages(plan)).toEqual([
      'unparseable schedule: "a * * * *" : ' +
        'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax',
    ]);
    expect(plan).toMatchObject({ create: null, wakeAtMs: null });
  });

  test("A6: a zone in the schedule is honoured under protest", () => {
    const plan = sync({ cronJob: cronJob({ schedule: "TZ=Asia/Tokyo 0 19 * * *" }) }, "10:00:00");
    expect(reasons(plan)).toEqual(["UnsupportedSchedule", "SuccessfulCreate"]);
    expect(messages(plan)[0]).toBe(
      'CRON_TZ or TZ used in schedule "TZ=Asia/Tokyo 0 19 * * *" is not officially supported, see ' +
        "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details",
    );
  });
});

describe("B6-B9: which time is due", () => {
  const last = (clock: string): CronJobStatus => ({ lastScheduleTime: `${DAY}${clock}Z` });

  test("I: nothing due yet", () => {
    const plan = sync({}, "09:59:59");
    expect(plan).toMatchObject({ create: null, events: [], status: null, retry: null });
    expect(plan.wakeAtMs).toBe(at("10:00:00") + 100);
  });

  test("I: only the most recent missed time runs", () => {
    const plan = sync({ cronJob: cronJob({}, last("08:00:00")) }, "11:30:00");
    expect(plan.create?.scheduledAtMs).toBe(at("11:00:00"));
    expect(plan.status?.lastScheduleTime).toBe(`${DAY}11:00:00Z`);
    expect(wake(plan)).toBe("12:00:00");
  });

  test("I: with a deadline of 600 s nothing is due, B15: requeue at the next time", () => {
    const cron = cronJob({ startingDeadlineSeconds: 600 }, last("08:00:00"));
    const plan = sync({ cronJob: cron }, "11:30:00");
    expect(plan).toMatchObject({ create: null, events: [], status: null });
    expect(plan.wakeAtMs).toBe(at("12:00:00") + 100);
  });

  test("B8: many missed times are worth a warning, and the last one runs", () => {
    const cron = cronJob({ schedule: "*/5 * * * *" }, { lastScheduleTime: "2023-12-25T00:00:00Z" });
    const plan = sync({ cronJob: cron }, "00:02:00");
    expect(reasons(plan)).toEqual(["TooManyMissedTimes", "SuccessfulCreate"]);
    expect(messages(plan)[0]).toBe(
      "too many missed start times. Set or decrease .spec.startingDeadlineSeconds " +
        "or check clock skew",
    );
    expect(plan.create?.scheduledAtMs).toBe(at("00:00:00"));
  });

  test("B7, B15: times lost to the estimate", () => {
    const cron = cronJob(
      { schedule: "30 10,11,12 * * 1-5" },
      { lastScheduleTime: "2024-01-04T10:30:00Z" },
    );
    const now = parseRfc3339("2024-01-05T16:30:00Z");
    const plan = reconcileCronJob(
      { cronJob: cron, children: [], lookups: new Map(), namespaceTerminating: false },
      now,
      () => ({ uid: "u", suffix: "s" }),
    );
    expect(plan).toMatchObject({ create: null, events: [] });
    expect(plan.wakeAtMs).toBe(parseRfc3339("2024-01-08T10:30:00Z") + 100);
  });

  test("B8: a schedule without a next time", () => {
    const plan = sync({ cronJob: cronJob({ schedule: "0 0 31 2 *" }) }, "10:00:00");
    expect(messages(plan)).toEqual([
      "invalid schedule: 0 0 31 2 * : time difference between two schedules is less than 1 second",
    ]);
    expect(plan).toMatchObject({ create: null, wakeAtMs: null });
  });

  test.each(["10:00:00", "10:00:29", "10:00:30", "10:00:31", "10:59:59"])(
    "B9: with a deadline of 30 s, at %s what is due is within it",
    (clock) => {
      const plan = sync({ cronJob: cronJob({ startingDeadlineSeconds: 30 }) }, clock);
      expect(plan.create !== null).toBe(at(clock) - at("10:00:00") < 30_000);
      expect(wake(plan)).toBe("11:00:00");
    },
  );
});

describe("B10-B12: done already, and concurrency", () => {
  test("B10: its Job is active already", () => {
    const name = `tick-${suffix("10:00:00")}`;
    const cron = cronJob({}, { active: [reference(name)] });
    const plan = sync({ cronJob: cron, children: [job(name)] }, "10:00:01");
    expect(plan).toMatchObject({ create: null, events: [], status: null });
    expect(wake(plan)).toBe("11:00:00");
  });

  test("B11: Forbid while one runs, then late", () => {
    const cron = cronJob({ concurrencyPolicy: "Forbid" }, { active: [reference("run")] });
    const plan = sync({ cronJob: cron, children: [job("run")] }, "10:00:00");
    expect(plan.events).toEqual([
      {
        type: "Normal",
        reason: "JobAlreadyActive",
        message:
          "Not starting job because prior execution is running and concurrency policy is Forbid",
      },
    ]);
    expect(plan).toMatchObject({ create: null, status: null });
    expect(wake(plan)).toBe("11:00:00");

    const done = job("run", "Complete", { end: "10:20:00" });
    const late = sync({ cronJob: cron, children: [done] }, "10:20:05");
    expect(late.create?.scheduledAtMs).toBe(at("10:00:00"));
    expect(reasons(late)).toEqual(["SawCompletedJob", "SuccessfulCreate"]);
  });

  test("B12: Replace deletes what runs", () => {
    const active = [reference("a"), reference("orphaned")];
    const cron = cronJob({ concurrencyPolicy: "Replace" }, { active });
    const given = { cronJob: cron, children: [job("a")], stored: [job("orphaned")] };
    const plan = sync(given, "10:00:00");
    expect(plan.delete).toEqual([
      { name: "a", uid: "uid-a" },
      { name: "orphaned", uid: "uid-orphaned" },
    ]);
    const name = `tick-${suffix("10:00:00")}`;
    expect(messages(plan)).toEqual([
      "Deleted job a",
      "Deleted job orphaned",
      `Created job ${name}`,
    ]);
    expect(plan.status?.active?.map((r) => r.name)).toEqual([name]);
  });

  test("Allow runs beside others", () => {
    const cron = cronJob({}, { active: [reference("a")] });
    const plan = sync({ cronJob: cron, children: [job("a")] }, "10:00:00");
    expect(plan.status?.active).toHaveLength(2);
  });
});

describe("B13: creation that does not happen", () => {
  const name = `tick-${suffix("10:00:00")}`;

  test("the namespace is being terminated", () => {
    const plan = sync({ namespaceTerminating: true }, "10:00:00");
    expect(plan).toMatchObject({ create: null, events: [], status: null, wakeAtMs: null });
    expect(plan.retry).not.toBeNull();
  });

  test("the Job exists, is ours and not active: as if created, without Event", () => {
    const plan = sync({ stored: [job(name)] }, "10:00:00");
    expect(plan).toMatchObject({ create: null, events: [] });
    expect(plan.status).toEqual({
      active: [{ ...reference(name), resourceVersion: "7" }],
      lastScheduleTime: `${DAY}10:00:00Z`,
    });
    expect(wake(plan)).toBe("11:00:00");
  });

  test("the Job exists and is another's: nothing", () => {
    const other = job(name);
    other.metadata.ownerReferences = [];
    const plan = sync({ stored: [other] }, "10:00:00");
    expect(plan).toMatchObject({ create: null, events: [], status: null, retry: null });
  });

  test("C4: the second run within a minute is the first one's Job", () => {
    const cron = cronJob({ schedule: "@every 30s" }, { lastScheduleTime: `${DAY}10:00:00Z` });
    const done = job(name, "Complete", { end: "10:00:10" });
    const plan = sync({ cronJob: cron, children: [done] }, "10:00:30");
    expect(plan.create).toBeNull();
    expect(plan.status?.lastScheduleTime).toBe(`${DAY}10:00:30Z`);
    expect(wake(plan)).toBe("10:01:00");
  });

  test("it is refused: Event, nothing recorded, retry", () => {
    const plan = sync({ refusal: { name, message: "quota is used up" } }, "10:00:00");
    expect(plan.events).toEqual([
      { type: "Warning", reason: "FailedCreate", message: "Error creating job: quota is used up" },
    ]);
    expect(plan).toMatchObject({ create: null, status: null, wakeAtMs: null });
    expect(plan.retry).toBe("quota is used up");
  });

  test("a refusal of an earlier time does not hold the next one", () => {
    const plan = sync({ refusal: { name: "tick-1", message: "no" } }, "10:00:00");
    expect(plan.create).not.toBeNull();
  });
});

describe("D: history limits", () => {
  const done = (name: string, start: string | undefined, finish: Finish = "Complete"): Job =>
    job(name, finish, start === undefined ? {} : { start, end: start });
  const deleted = (plan: CronJobPlan): readonly string[] => plan.delete.map((d) => d.name);

  const children = [
    done("c3", "08:03:00"),
    done("c1", "08:01:00"),
    done("never", undefined),
    done("c2b", "08:02:00"),
    done("c2a", "08:02:00"),
    done("f2", "08:02:00", "Failed"),
    done("f1", "08:01:00", "Failed"),
    job("running"),
  ];

  test("D2: oldest first, ties by name, unstarted ones last; Complete before Failed", () => {
    const plan = sync({ children }, "09:56:00");
    expect(deleted(plan)).toEqual(["c1", "c2a", "f1"]);
    expect(messages(plan).slice(0, 3)).toEqual([
      "Deleted job c1",
      "Deleted job c2a",
      "Deleted job f1",
    ]);
  });

  test.each([
    [0, 0, 7],
    [9, 9, 0],
    [undefined, 0, 2],
    [0, undefined, 5],
    [undefined, undefined, 0],
  ])("D1: limits %s and %s delete %d", (complete, failed, count) => {
    const cron = cronJob();
    delete cron.spec.successfulJobsHistoryLimit;
    delete cron.spec.failedJobsHistoryLimit;
    if (complete !== undefined) cron.spec.successfulJobsHistoryLimit = complete;
    if (failed !== undefined) cron.spec.failedJobsHistoryLimit = failed;
    expect(deleted(sync({ cronJob: cron, children }, "09:56:00"))).toHaveLength(count);
  });

  test("B16: runs for a suspended CronJob; leaves active without SawCompletedJob", () => {
    const spec = { suspend: true, successfulJobsHistoryLimit: 0 };
    const cron = cronJob(spec, { active: [reference("a")] });
    const plan = sync({ cronJob: cron, children: [done("a", "08:00:00")] }, "10:00:00");
    expect(reasons(plan)).toEqual(["SuccessfulDelete"]);
    expect(plan.status).toEqual({ lastSuccessfulTime: `${DAY}08:00:00Z` });
  });

  test("a Job that is being deleted is not deleted again", () => {
    const going = done("a", "08:00:00");
    going.metadata.deletionTimestamp = `${DAY}09:00:00Z`;
    const cron = cronJob({ successfulJobsHistoryLimit: 0 });
    const plan = sync({ cronJob: cron, children: [going] }, "09:56:00");
    expect(plan).toMatchObject({ delete: [], events: [] });
  });
});

describe("B17: wake-ups by changes", () => {
  const now = at("10:30:00");

  test("a new CronJob, or any other change: at once", () => {
    expect(cronJobChanged(undefined, cronJob(), now).wakeAtMs).toBe(now);
    expect(cronJobChanged(cronJob(), cronJob({ suspend: true }), now).wakeAtMs).toBe(now);
  });

  test("another schedule or time zone: at its next time", () => {
    const before = cronJob({}, { lastScheduleTime: `${DAY}10:00:00Z` });
    const after = cronJob({ schedule: "45 * * * *" }, before.status);
    expect(cronJobChanged(before, after, now).wakeAtMs).toBe(at("10:45:00") + 100);
    const zoned = cronJob({ timeZone: "Asia/Kathmandu" }, before.status); // UTC+5:45
    expect(cronJobChanged(before, zoned, now).wakeAtMs).toBe(at("11:15:00") + 100);
    const unknown = cronJob({ timeZone: "Mars/Base" }, before.status);
    expect(cronJobChanged(before, unknown, now).wakeAtMs).toBe(at("11:00:00") + 100);
  });

  test("a schedule that does not parse", () => {
    expect(cronJobChanged(cronJob(), cronJob({ schedule: "bad" }), now)).toEqual({
      wakeAtMs: null,
      events: [
        {
          type: "Warning",
          reason: "UnParseableCronJobSchedule",
          message: "unparseable schedule for cronjob: bad",
        },
      ],
    });
  });

  test("B18: times of the new schedule since lastScheduleTime are missed ones", () => {
    const cron = cronJob({ schedule: "*/20 * * * *" }, { lastScheduleTime: `${DAY}09:00:00Z` });
    expect(sync({ cronJob: cron }, "10:30:00").create?.scheduledAtMs).toBe(at("10:20:00"));
  });
});

describe("driven by its own wake-ups alone", () => {
  /** Creates, finishes and deletes Jobs as the store would, each Job running for `runMs`. */
  function drive(spec: Partial<CronJobSpec>, runMs: number, wakeUps: number): number[] {
    const cron = cronJob(spec);
    const started: number[] = [];
    const ends = new Map<string, number>();
    let children: Job[] = [];
    let nowMs = at("09:55:00");
    for (let i = 0; i < wakeUps; i += 1) {
      for (const child of children) {
        const { name } = child.metadata;
        const end = ends.get(name) ?? 0;
        if (end > nowMs) continue;
        child.status.conditions = [{ type: "Complete", status: "True" }];
        child.status.completionTime = rfc3339(end);
      }
      const names = jobsToLookUp(cron, children, nowMs);
      const lookups = new Map(names.map((name) => [name, null]));
      const snapshot = { cronJob: cron, children, lookups, namespaceTerminating: false };
      const plan = reconcileCronJob(snapshot, nowMs, () => ({ uid: `uid-${i}`, suffix: "abcde" }));
      const gone = new Set(plan.delete.map(({ uid }) => uid));
      children = children.filter(({ metadata }) => !gone.has(metadata.uid));
      if (plan.create !== null) {
        const { job: created, scheduledAtMs } = plan.create;
        const child = job(created.metadata.name);
        child.metadata.uid = created.metadata.uid;
        child.status.startTime = rfc3339(nowMs);
        children = [...children, child];
        ends.set(created.metadata.name, nowMs + runMs);
        started.push(scheduledAtMs);
      }
      cron.status = plan.status ?? cron.status;
      const active = cron.status.active ?? [];
      expect(active.every(({ uid }) => children.some((c) => c.metadata.uid === uid))).toBe(true);
      expect(children.length - active.length).toBeLessThanOrEqual(4);
      if (plan.wakeAtMs === null) break;
      expect(plan.wakeAtMs).toBeGreaterThan(nowMs);
      nowMs = plan.wakeAtMs;
    }
    return started;
  }

  const every = (text: string, count: number, zone = "UTC"): number[] => {
    const parsed = parseSchedule(text);
    if (!parsed.ok) throw new Error(parsed.error);
    const times: number[] = [];
    let time: number | null = at("09:55:00");
    while (times.length < count) {
      time = nextAfter(parsed.schedule, time, zone);
      if (time === null) break;
      times.push(time);
    }
    return times;
  };

  const schedules = fc.constantFrom(
    "* * * * *",
    "*/7 1-5,22 * * *",
    "30 2 * * *",
    "0 0 1 */2 *",
    "15 10 * * mon-fri",
    "@every 90s",
    "0 12 13 * 5",
  );

  test("B7, B10, B15: with Allow every time runs once, in order", () => {
    fc.assert(
      fc.property(
        schedules,
        fc.constantFrom("UTC", "America/New_York", "Australia/Lord_Howe"),
        fc.integer({ min: 0, max: 200_000 }),
        (text, timeZone, runMs) => {
          const started = drive({ schedule: text, timeZone }, runMs, 31);
          expect(started).toEqual(every(text, 30, timeZone));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("B11, B12: with Forbid and Replace one runs at a time", () => {
    const forbid = drive({ schedule: "* * * * *", concurrencyPolicy: "Forbid" }, 150_000, 10);
    expect(forbid.map((time) => rfc3339(time).slice(14, 16))).toEqual(["56", "59", "02"]);
    const replace = drive({ schedule: "* * * * *", concurrencyPolicy: "Replace" }, 150_000, 10);
    expect(replace).toEqual(every("* * * * *", 9));
  });
});
