// Turns the core's plan for a Job into one transaction.
import {
  awaitsWorker,
  invariant,
  isFinished,
  isTerminal,
  type Job,
  type JobPlan,
  newPodRecord,
  podAfterDelete,
  type PodChange,
  type PodRecord,
  releasePod,
} from "@gantry/core";
import {
  createPod,
  enqueuePods,
  gcKey,
  ownerSyncKey,
  queuedPod,
  rememberJob,
  setTimer,
  type Stored,
  type StoredJobSnapshot,
  suffix,
  Txn,
  updateObject,
  writePod,
} from "@gantry/store";
import type { ControllerContext } from "./controller-context.ts";
import { expiryOf } from "./ttl-expiry.ts";

export const planTransaction = (
  context: ControllerContext,
  stored: StoredJobSnapshot,
  orphans: readonly Stored<PodRecord>[],
  plan: JobPlan,
): Txn => {
  const txn = new Txn();
  const nowMs = context.now();
  const job = stored.job.value;
  const next = writeStatuses(context, txn, stored.job, plan);
  const vanished = changePods(txn, stored, orphans, plan, nowMs);
  createPods(context, txn, job, plan, nowMs);
  writeBook(txn, stored, next, plan);
  const syncKey = `jobs|${stored.job.key}`;
  if (stored.dirty !== "") txn.clean(syncKey, stored.dirty);
  // What is due already is woken, not timed: a timer equal to the popped one would go with it.
  const due = plan.wakeAtMs !== null && plan.wakeAtMs <= nowMs;
  writeTimers(context, txn, stored, next, due ? null : plan.wakeAtMs);
  for (const key of others(stored.job, next)) txn.dirty(key);
  if (due || vanished) txn.dirty(syncKey);
  return txn;
};

/** R34: each status is a change of its own. Without one the Job must still be as it was read. */
const writeStatuses = (
  { store }: ControllerContext,
  txn: Txn,
  stored: Stored<Job>,
  plan: JobPlan,
): Job => {
  if (plan.statuses.length === 0) {
    if (plan.create.length > 0 || plan.change.length > 0) {
      txn.check("jobs", stored.key, stored.rv);
    }
    return stored.value;
  }
  let before = stored;
  for (const status of plan.statuses) {
    const value = { ...before.value, status };
    const body = updateObject(txn, "jobs", before, value);
    // Inside one transaction the version between two writes is not known yet.
    before = { key: stored.key, rv: "any", value, body };
  }
  // The next sync reads it; a Job that is over has none.
  if (!isFinished(before.value)) rememberJob(store, asRead(before));
  return before.value;
};

/** As it comes out of its text: without fields that are there and undefined. */
const asRead = (job: Stored<Job>): Stored<Job> => {
  const status = JSON.parse(JSON.stringify(job.value.status)) as Job["status"];
  return { ...job, value: { ...job.value, status } };
};

/**
 * Whether a Pod is gone that the plan takes for terminating: with a grace of 0, or without a node,
 * it goes with its deletion, and nobody reports its end.
 */
const changePods = (
  txn: Txn,
  stored: StoredJobSnapshot,
  orphans: readonly Stored<PodRecord>[],
  plan: JobPlan,
  nowMs: number,
): boolean => {
  if (plan.change.length === 0) return false;
  let vanished = false;
  const byName = new Map([...stored.pods, ...orphans].map((pod) => [pod.value.name, pod]));
  for (const change of plan.change) {
    const before = byName.get(change.pod.name);
    invariant(before !== undefined, "a plan changes only Pods of its snapshot");
    const after = podAfterChange(stored.job.value, before.value, change, nowMs);
    if (writePod(txn, before, after) && !isTerminal(after)) vanished = true;
  }
  return vanished;
};

const podAfterChange = (job: Job, pod: PodRecord, change: PodChange, nowMs: number): PodRecord => {
  let next = pod;
  if (change.adopt === true) {
    const { name, uid } = job.metadata;
    next = { ...next, job: { name, uid }, tracked: true };
  }
  if (change.untrack === true) next = { ...next, tracked: false };
  if (change.release === true) next = releasePod(next, job.spec.template);
  if (change.delete === true) {
    const grace = (next.spec ?? job.spec.template.spec)?.terminationGracePeriodSeconds;
    next = podAfterDelete(next, { graceSeconds: undefined, specGraceSeconds: grace }, nowMs);
  }
  return next;
};

const createPods = (
  context: ControllerContext,
  txn: Txn,
  job: Job,
  plan: JobPlan,
  nowMs: number,
): void => {
  if (plan.create.length === 0) return;
  const template = context.templates.learn(job);
  const created = plan.create.map((creation) => newPodRecord(job, creation, template, nowMs));
  for (const pod of created) createPod(txn, pod);
  const queued = created.filter(awaitsWorker).map((pod) => queuedPod(pod, job.spec.template.spec));
  enqueuePods(txn, queued, nowMs);
};

const writeBook = (txn: Txn, stored: StoredJobSnapshot, next: Job, plan: JobPlan): void => {
  const { uid } = stored.job.value.metadata;
  const text = isFinished(next) ? "" : JSON.stringify(plan.book);
  const before = stored.bookText;
  if (text === before || (text === "{}" && before === "")) return;
  if (text === "" || text === "{}") txn.side("HDEL", suffix.book, uid);
  else txn.side("HSET", suffix.book, uid, text);
};

const writeTimers = (
  context: ControllerContext,
  txn: Txn,
  stored: StoredJobSnapshot,
  next: Job,
  wakeAtMs: number | null,
): void => {
  if (wakeAtMs !== stored.timerAtMs) setTimer(txn, `jobs|${stored.job.key}`, wakeAtMs);
  const ttlAtMs = expiryOf(context.log, next);
  if (ttlAtMs === stored.ttlAtMs) return;
  if (ttlAtMs === null) txn.side("ZREM", suffix.ttl, stored.job.key);
  else txn.side("ZADD", suffix.ttl, ttlAtMs, stored.job.key);
};

/** The CronJob that owns the Job sees its end; garbage collection goes on with a Job being deleted. */
const others = (stored: Stored<Job>, next: Job): string[] => {
  const wake: string[] = [];
  const owner = ownerSyncKey("jobs", next);
  if (owner !== undefined && isFinished(next) && !isFinished(stored.value)) wake.push(owner);
  if (next.metadata.deletionTimestamp !== undefined) {
    wake.push(gcKey("jobs", stored.key, next.metadata.uid));
  }
  return wake;
};
