// The CronJob controller's shell: two reads, the core's plan, one transaction.
import {
  aggregateText,
  type CronJob,
  type CronJobPlan,
  cronJobChanged,
  type CronJobSnapshot,
  invariant,
  isFinished,
  type Job,
  jobsToLookUp,
  newJob,
  reconcileCronJob,
  validateJobCreate,
} from "@gantry/core";
import {
  createObject,
  deleteInTxn,
  setTimer,
  type Stored,
  type StoredObject,
  suffix,
  Txn,
  updateObject,
} from "@gantry/store";
import type { ControllerContext } from "./controller-context.ts";

const ATTEMPTS_MAX = 50;

/** A sync that failed is tried again after this long. */
const RETRY_MS = 1_000;

/** CronJobs whose schedule is remembered, to notice a change; losing one costs an early look. */
const SEEN_MAX = 10_000;

export class CronJobController {
  readonly #context: ControllerContext;
  readonly #seen = new Map<string, CronJob>();

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  /** One sync of the CronJob `key` (`namespace/name`). Repeating it is harmless. */
  async sync(key: string): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (await this.#attempt(key)) return;
    }
    throw new Error(`cronjob ${key} kept changing during ${ATTEMPTS_MAX} syncs`);
  }

  async #attempt(key: string): Promise<boolean> {
    const { store, now, newIds } = this.#context;
    const syncKey = `cronjobs|${key}`;
    const dirty = (await store.redis.hget(store.key(suffix.dirty), syncKey)) ?? "";
    const stored = await store.get("cronjobs", key);
    if (stored === null) {
      if (dirty !== "") await store.commit(new Txn().clean(syncKey, dirty));
      return true;
    }
    const nowMs = now();
    const cronJob = decoded(stored.value);
    if (await this.#waitsForNewSchedule(stored, cronJob, dirty, nowMs)) return true;
    const { snapshot, jobs } = await this.#snapshot(cronJob, nowMs);
    const first = reconcileCronJob(snapshot, nowMs, newIds);
    const refusal = refusalOf(first, nowMs);
    const plan =
      refusal === null ? first : reconcileCronJob({ ...snapshot, refusal }, nowMs, newIds);
    const txn = this.#transaction(stored, plan, jobs, snapshot.lookups, nowMs);
    if (dirty !== "") txn.clean(syncKey, dirty);
    const result = await store.commit(txn);
    const metrics = this.#context.metrics?.controllers;
    if (!result.ok) {
      metrics?.staleSync("batch", "cronjobs");
      return false;
    }
    if (plan.create !== null) metrics?.cronJobCreated(plan.create.scheduledAtMs, nowMs);
    this.#afterCommit(stored, plan);
    return true;
  }

  async #snapshot(
    cronJob: CronJob,
    nowMs: number,
  ): Promise<{ snapshot: CronJobSnapshot; jobs: ReadonlyMap<string, Stored<Job>> }> {
    const { store } = this.#context;
    const { namespace, uid } = cronJob.metadata;
    const members = await store.redis.smembers(store.key(suffix.dependents(uid)));
    const keys = members.flatMap((member) =>
      member.startsWith("jobs|") ? [member.slice("jobs|".length)] : [],
    );
    const found = (await store.getMany("jobs", keys)).filter((job) => job !== null);
    const children = found
      .map((job) => job.value)
      .filter((job) =>
        job.metadata.ownerReferences?.some(
          (owner) => owner.controller === true && owner.uid === uid,
        ),
      );
    const names = jobsToLookUp(cronJob, children, nowMs);
    const lookedUp = await store.getMany(
      "jobs",
      names.map((name) => `${namespace}/${name}`),
    );
    const owner = await store.get("namespaces", namespace);
    const jobs = new Map<string, Stored<Job>>();
    for (const job of [...found, ...lookedUp]) {
      if (job !== null) jobs.set(job.value.metadata.name, job);
    }
    return {
      jobs,
      snapshot: {
        cronJob,
        children,
        lookups: new Map(names.map((name, n) => [name, lookedUp[n]?.value ?? null])),
        namespaceTerminating: owner?.value.metadata.deletionTimestamp !== undefined,
      },
    };
  }

  #transaction(
    stored: Stored<StoredObject>,
    plan: CronJobPlan,
    jobs: ReadonlyMap<string, Stored<Job>>,
    lookups: CronJobSnapshot["lookups"],
    nowMs: number,
  ): Txn {
    const txn = new Txn();
    const { key, rv, value } = stored;
    if (plan.status === null) txn.check("cronjobs", key, rv);
    else updateObject(txn, "cronjobs", stored, { ...value, status: plan.status });
    for (const [name, job] of lookups) {
      const jobKey = `${key.slice(0, key.indexOf("/"))}/${name}`;
      const version = jobs.get(name)?.rv;
      if (job !== null && version !== undefined) txn.check("jobs", jobKey, version);
      else if (plan.create?.job.metadata.name !== name) txn.checkAbsent("jobs", jobKey);
    }
    if (plan.create !== null) {
      const { job } = plan.create;
      createObject(txn, "jobs", newJob(job, job.metadata.uid, nowMs), nowMs);
      const syncKey = `jobs|${job.metadata.namespace}/${job.metadata.name}`;
      txn.dirty(syncKey);
    }
    for (const { name } of plan.delete) {
      const job = jobs.get(name);
      invariant(job !== undefined, "a plan deletes only Jobs of its snapshot");
      deleteInTxn(txn, "jobs", job, "Background", nowMs);
    }
    setTimer(txn, `cronjobs|${key}`, plan.retry === null ? plan.wakeAtMs : nowMs + RETRY_MS);
    return txn;
  }

  /** B17: a changed schedule is looked at at its next time, not at once. */
  async #waitsForNewSchedule(
    stored: Stored<StoredObject>,
    cronJob: CronJob,
    dirty: string,
    nowMs: number,
  ): Promise<boolean> {
    const { store, hint, events } = this.#context;
    const { uid } = cronJob.metadata;
    const before = this.#seen.get(uid);
    this.#seen.delete(uid);
    this.#seen.set(uid, cronJob);
    if (this.#seen.size > SEEN_MAX) {
      const oldest = this.#seen.keys().next().value;
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
    const changed = cronJobChanged(before, cronJob, nowMs);
    if (changed.wakeAtMs !== null && changed.wakeAtMs <= nowMs) return false;
    // Marks of one moment are one sync: a child's end must not wait with the schedule.
    if (await this.#hasEndedChild(cronJob)) return false;
    const syncKey = `cronjobs|${stored.key}`;
    const txn = new Txn().check("cronjobs", stored.key, stored.rv).clean(syncKey, dirty);
    setTimer(txn, syncKey, changed.wakeAtMs);
    if (!(await store.commit(txn)).ok) return false;
    if (changed.wakeAtMs !== null) hint(changed.wakeAtMs);
    for (const event of changed.events) {
      events.record("cronjob-controller", regarding(stored), event);
    }
    return true;
  }

  /** Whether a Job that the status names as active is not. */
  async #hasEndedChild({ metadata, status }: CronJob): Promise<boolean> {
    const active = status.active ?? [];
    if (active.length === 0) return false;
    const keys = active.map(({ name = "" }) => `${metadata.namespace}/${name}`);
    const found = await this.#context.store.getMany("jobs", keys);
    return found.some(
      (job, n) =>
        job === null || job.value.metadata.uid !== active[n]?.uid || isFinished(job.value),
    );
  }

  #afterCommit(stored: Stored<StoredObject>, plan: CronJobPlan): void {
    const { events, hint, now, log } = this.#context;
    if (plan.wakeAtMs !== null) hint(plan.wakeAtMs);
    if (plan.retry !== null) {
      hint(now() + RETRY_MS);
      log.warn({ cronjob: stored.key, reason: plan.retry }, "cronjob sync is tried again");
    }
    for (const event of plan.events) {
      events.record("cronjob-controller", regarding(stored), event);
    }
  }
}

const regarding = (stored: Stored<StoredObject>) => {
  const { namespace, name, uid } = decoded(stored.value).metadata;
  const apiVersion = "batch/v1";
  return { kind: "CronJob", apiVersion, namespace, name, uid, resourceVersion: stored.rv };
};

/** What the API stores is decoded and defaulted; only its status may be absent. */
const decoded = (object: StoredObject): CronJob => ({
  status: {},
  ...(object as unknown as Omit<CronJob, "status">),
});

/** The Job passes validation like any other; what it is refused for, the plan reports (B13). */
const refusalOf = (plan: CronJobPlan, nowMs: number): { name: string; message: string } | null => {
  if (plan.create === null) return null;
  const { job } = plan.create;
  const errors = validateJobCreate(newJob(job, job.metadata.uid, nowMs));
  if (errors.length === 0) return null;
  const { name } = job.metadata;
  return { name, message: `Job.batch "${name}" is invalid: ${aggregateText(errors)}` };
};
