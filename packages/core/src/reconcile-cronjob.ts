// The CronJob controller's decision, one sync of one CronJob (B1-B18):
//   1. history limits (D)           5. time zone, suspend, schedule (B5)
//   2. children and active (B2)     6. the time that is due (B6-B8)
//   3. references without Job (B3)  7. done already, concurrency (B9-B12)
//   4. being deleted (B4)           8. the Job (B13, B14, C)
import { goQuote } from "./apimachinery/go-text.ts";
import { invariant } from "./apimachinery/invariant.ts";
import { parseRfc3339, rfc3339 } from "./apimachinery/time.ts";
import { scheduledJob, scheduledJobName } from "./cron/job.ts";
import { excessJobs } from "./cron/history.ts";
import { missedTimes, requeueAtMs } from "./cron/missed-times.ts";
import { parseSchedule } from "./cron/schedule.ts";
import type { Schedule } from "./cron/schedule.ts";
import { timeZoneProblem } from "./cron/time-zone.ts";
import type {
  CronJob,
  CronJobPlan,
  CronJobSnapshot,
  CronJobStatus,
  JobToCreate,
} from "./cronjob-plan.ts";
import type { JobEvent, NewIds } from "./job-plan.ts";
import { conditionTrue, isFinished } from "./job.ts";
import type { Job } from "./job.ts";
import type { ObjectReference } from "./schema/reference.ts";

/** What one sync changes, gathered on the way. */
interface Draft {
  active: readonly ObjectReference[];
  lastScheduleTime: string | undefined;
  lastSuccessfulTime: string | undefined;
  create: JobToCreate | null;
  retry: string | null;
  readonly delete: { name: string; uid: string }[];
  readonly events: JobEvent[];
}

const normal = (draft: Draft, reason: string, message: string): unknown =>
  draft.events.push({ type: "Normal", reason, message });
const warning = (draft: Draft, reason: string, message: string): unknown =>
  draft.events.push({ type: "Warning", reason, message });

const isActive = (draft: Draft, uid: string): boolean => draft.active.some((r) => r.uid === uid);
const leaveActive = (draft: Draft, uid: string): void => {
  draft.active = draft.active.filter((reference) => reference.uid !== uid);
};

function deleteJob(draft: Draft, job: Job): void {
  const { name, uid } = job.metadata;
  leaveActive(draft, uid);
  if (job.metadata.deletionTimestamp !== undefined) return; // asked for before
  draft.delete.push({ name, uid });
  normal(draft, "SuccessfulDelete", `Deleted job ${name}`);
}

/** B2 */
function followChildren(draft: Draft, children: readonly Job[]): void {
  for (const child of children) {
    const { name, uid } = child.metadata;
    const active = isActive(draft, uid);
    if (!isFinished(child)) {
      if (active) continue;
      const text = "Saw a job that the controller did not create or forgot";
      warning(draft, "UnexpectedJob", `${text}: ${name}`);
      continue;
    }
    const complete = conditionTrue(child.status.conditions, "Complete");
    if (active) {
      leaveActive(draft, uid);
      const condition = complete ? "Complete" : "Failed";
      normal(draft, "SawCompletedJob", `Saw completed job: ${name}, condition: ${condition}`);
    }
    const done = child.status.completionTime;
    const last = draft.lastSuccessfulTime;
    if (!complete || done === undefined) continue;
    if (last === undefined || parseRfc3339(last) < parseRfc3339(done)) {
      draft.lastSuccessfulTime = done;
    }
  }
}

const withoutChild = (
  active: readonly ObjectReference[],
  children: readonly Job[],
): readonly ObjectReference[] => {
  const uids = new Set<string | undefined>(children.map((child) => child.metadata.uid));
  return active.filter((reference) => !uids.has(reference.uid));
};

/** The Job of a name: a child, or what the caller looked up. */
function jobNamed({ children, lookups }: CronJobSnapshot, name: string): Job | null {
  const child = children.find((job) => job.metadata.name === name);
  if (child !== undefined) return child;
  const found = lookups.get(name);
  invariant(found !== undefined, `Job ${name} was to be looked up`);
  return found;
}

/** B3 */
function dropMissing(draft: Draft, snapshot: CronJobSnapshot): void {
  for (const { name = "", uid = "" } of withoutChild(draft.active, snapshot.children)) {
    if (jobNamed(snapshot, name) !== null) continue;
    leaveActive(draft, uid);
    normal(draft, "MissingJob", `Active job went missing: ${name}`);
  }
}

/** A7: without a zone, and for names that stand for the process's own, it is UTC. */
const zoneOf = ({ spec }: CronJob): string => spec.timeZone || "UTC";

/** B6, before the deadline raises it. */
const earliestMs = ({ metadata, status }: CronJob): number =>
  parseRfc3339(status.lastScheduleTime ?? metadata.creationTimestamp);

/** B6-B7: what a time must be after to be run now. */
function decisionEarliestMs(cronJob: CronJob, nowMs: number): number {
  const earliest = earliestMs(cronJob);
  const deadlineSeconds = cronJob.spec.startingDeadlineSeconds;
  if (deadlineSeconds === undefined) return earliest;
  return Math.max(earliest, nowMs - deadlineSeconds * 1000);
}

/** B5: the schedule, unless there is none to follow. */
function scheduleOf(draft: Draft, { spec }: CronJob): Schedule | undefined {
  const zone = spec.timeZone;
  const problem = zone === undefined || zone === "" ? undefined : timeZoneProblem(zone);
  if (problem !== undefined) {
    warning(draft, "UnknownTimeZone", `invalid timeZone: ${goQuote(zone ?? "")}: ${problem}`);
    return undefined;
  }
  if (spec.suspend === true) return undefined;
  const quoted = goQuote(spec.schedule);
  if (spec.schedule.includes("TZ")) {
    const link = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/";
    const text = `CRON_TZ or TZ used in schedule ${quoted} is not officially supported`;
    warning(draft, "UnsupportedSchedule", `${text}, see ${link} for more details`);
  }
  const parsed = parseSchedule(spec.schedule);
  if (parsed.ok) return parsed.schedule;
  warning(draft, "UnparseableSchedule", `unparseable schedule: ${quoted} : ${parsed.error}`);
  return undefined;
}

const TOO_MANY_MISSED =
  "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
const ALREADY_ACTIVE =
  "Not starting job because prior execution is running and concurrency policy is Forbid";
const TOO_CLOSE = "time difference between two schedules is less than 1 second";

/**
 * B10, B11: whether the due time is not to be run (now, or at all). B9 needs no test: a due time is
 * later than what the deadline raised `earliest` to, so it is never past its deadline.
 */
function isHeldBack(draft: Draft, cronJob: CronJob, dueMs: number): boolean {
  const { spec } = cronJob;
  const name = scheduledJobName(cronJob, dueMs);
  const last = draft.lastScheduleTime;
  if (draft.active.some((reference) => reference.name === name)) return true;
  if (last !== undefined && parseRfc3339(last) === dueMs) return true;
  if (spec.concurrencyPolicy !== "Forbid" || draft.active.length === 0) return false;
  normal(draft, "JobAlreadyActive", ALREADY_ACTIVE);
  return true;
}

/** B14, E */
function started(draft: Draft, job: PlannedOrStored, dueMs: number): void {
  const { namespace, name, uid, resourceVersion } = job.metadata;
  const reference = { kind: "Job", namespace, name, uid, apiVersion: "batch/v1" };
  draft.active = [
    ...draft.active,
    resourceVersion === undefined ? reference : { ...reference, resourceVersion },
  ];
  draft.lastScheduleTime = rfc3339(dueMs);
}
type PlannedOrStored = Pick<Job, "metadata"> | JobToCreate["job"];

/** B12-B14: false when the sync failed and nothing is known about the next time. */
function start(draft: Draft, snapshot: CronJobSnapshot, dueMs: number, newIds: NewIds): boolean {
  const { cronJob, refusal } = snapshot;
  if (cronJob.spec.concurrencyPolicy === "Replace") {
    for (const { name = "" } of draft.active) {
      const running = jobNamed(snapshot, name);
      invariant(running !== null, "references to missing Jobs are gone by now");
      deleteJob(draft, running);
    }
  }
  const name = scheduledJobName(cronJob, dueMs);
  if (snapshot.namespaceTerminating) {
    draft.retry = `namespace ${cronJob.metadata.namespace} is being terminated`;
    return false;
  }
  const existing = jobNamed(snapshot, name);
  if (existing !== null) {
    const owner = existing.metadata.ownerReferences?.find((ref) => ref.controller === true);
    const ours = owner?.uid === cronJob.metadata.uid;
    if (ours && !isActive(draft, existing.metadata.uid)) started(draft, existing, dueMs);
    // Another's Job: this time is not ours to run, the next one has a name of its own.
    return true;
  }
  if (refusal?.name === name) {
    warning(draft, "FailedCreate", `Error creating job: ${refusal.message}`);
    draft.retry = refusal.message;
    return false;
  }
  draft.create = { job: scheduledJob(cronJob, dueMs, newIds().uid), scheduledAtMs: dueMs };
  normal(draft, "SuccessfulCreate", `Created job ${name}`);
  started(draft, draft.create.job, dueMs);
  return true;
}

const draftStatus = (draft: Draft): CronJobStatus => ({
  ...(draft.active.length === 0 ? {} : { active: [...draft.active] }),
  ...(draft.lastScheduleTime === undefined ? {} : { lastScheduleTime: draft.lastScheduleTime }),
  ...(draft.lastSuccessfulTime === undefined
    ? {}
    : { lastSuccessfulTime: draft.lastSuccessfulTime }),
});

function newDraft({ status }: CronJob): Draft {
  return {
    active: status.active ?? [],
    lastScheduleTime: status.lastScheduleTime,
    lastSuccessfulTime: status.lastSuccessfulTime,
    create: null,
    retry: null,
    delete: [],
    events: [],
  };
}

/** The scheduling half (B4-B15); returns when to look again. */
function schedule(
  draft: Draft,
  snapshot: CronJobSnapshot,
  nowMs: number,
  newIds: NewIds,
): number | null {
  const { cronJob } = snapshot;
  if (cronJob.metadata.deletionTimestamp !== undefined) return null;
  const parsed = scheduleOf(draft, cronJob);
  if (parsed === undefined) return null;
  const zone = zoneOf(cronJob);
  const missed = missedTimes(parsed, decisionEarliestMs(cronJob, nowMs), nowMs, zone);
  if (missed.kind === "invalid") {
    const text = `invalid schedule: ${cronJob.spec.schedule} : ${TOO_CLOSE}`;
    warning(draft, "InvalidSchedule", text);
    return null;
  }
  if (missed.kind === "missed" && missed.recentMs !== null) {
    if (missed.many) warning(draft, "TooManyMissedTimes", TOO_MANY_MISSED);
    const dueMs = missed.recentMs;
    const held = isHeldBack(draft, cronJob, dueMs);
    if (!held && !start(draft, snapshot, dueMs, newIds)) return null;
  }
  const last = draft.lastScheduleTime;
  const since = last === undefined ? earliestMs(cronJob) : parseRfc3339(last);
  return requeueAtMs(parsed, since, nowMs, zone);
}

/**
 * One sync. `snapshot.lookups` must answer `jobsToLookUp` for the same `nowMs`; `newIds` is asked at
 * most once.
 */
export function reconcileCronJob(
  snapshot: CronJobSnapshot,
  nowMs: number,
  newIds: NewIds,
): CronJobPlan {
  const { cronJob, children } = snapshot;
  const draft = newDraft(cronJob);
  const before = JSON.stringify(draftStatus(draft));
  for (const job of excessJobs(children, cronJob.spec)) deleteJob(draft, job);
  followChildren(draft, children);
  dropMissing(draft, snapshot);
  const wakeAtMs = schedule(draft, snapshot, nowMs, newIds);
  const status = draftStatus(draft);
  return {
    status: JSON.stringify(status) === before ? null : status,
    create: draft.create,
    delete: draft.delete,
    events: draft.events,
    wakeAtMs,
    retry: draft.retry,
  };
}

/**
 * Names of Jobs that a sync at `nowMs` needs beyond the children: active references without a child
 * (B3) and the Job that may be created (B13).
 */
export function jobsToLookUp(
  cronJob: CronJob,
  children: readonly Job[],
  nowMs: number,
): readonly string[] {
  const names = new Set<string>();
  for (const { name } of withoutChild(cronJob.status.active ?? [], children)) names.add(name ?? "");
  const parsed = scheduleOf(newDraft(cronJob), cronJob);
  if (parsed !== undefined) {
    const earliest = decisionEarliestMs(cronJob, nowMs);
    const missed = missedTimes(parsed, earliest, nowMs, zoneOf(cronJob));
    const dueMs = missed.kind === "missed" ? missed.recentMs : null;
    if (dueMs !== null) names.add(scheduledJobName(cronJob, dueMs));
  }
  for (const child of children) names.delete(child.metadata.name);
  return [...names];
}

export interface CronJobWake {
  /** When to sync, Unix ms; null: not before the next change. */
  readonly wakeAtMs: number | null;
  readonly events: readonly JobEvent[];
}

/**
 * B17: when a created or changed CronJob is to be synced. `before` is undefined for a new one. A change
 * of schedule waits for the new next time; anything else is looked at at once.
 */
export function cronJobChanged(
  before: CronJob | undefined,
  after: CronJob,
  nowMs: number,
): CronJobWake {
  const same =
    before === undefined ||
    (before.spec.schedule === after.spec.schedule && before.spec.timeZone === after.spec.timeZone);
  if (same) return { wakeAtMs: nowMs, events: [] };
  const parsed = parseSchedule(after.spec.schedule);
  if (!parsed.ok) {
    const message = `unparseable schedule for cronjob: ${after.spec.schedule}`;
    const reason = "UnParseableCronJobSchedule";
    return { wakeAtMs: null, events: [{ type: "Warning", reason, message }] };
  }
  const zone = zoneOf(after);
  const usable = timeZoneProblem(zone) === undefined;
  const wakeAtMs = requeueAtMs(parsed.schedule, earliestMs(after), nowMs, usable ? zone : "UTC");
  // No next time: the sync says so in an Event.
  return { wakeAtMs: wakeAtMs ?? nowMs, events: [] };
}
