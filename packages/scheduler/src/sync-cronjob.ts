// The CronJob controller's shell: two reads, the core's plan, one transaction.
import {
  aggregateText,
  type CronJob,
  type CronJobPlan,
  type CronJobSnapshot,
  type Job,
  jobsToLookUp,
  newJob,
  reconcileCronJob,
  validateJobCreate,
} from "@gantry/core";
import {
  createObject,
  deleteObject,
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

export class CronJobController {
  readonly #context: ControllerContext;

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
    await this.#afterCommit(stored, plan);
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
        job.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid),
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
      txn.dirty(`jobs|${job.metadata.namespace}/${job.metadata.name}`);
    }
    setTimer(txn, `cronjobs|${key}`, plan.retry === null ? plan.wakeAtMs : nowMs + RETRY_MS);
    return txn;
  }

  async #afterCommit(stored: Stored<StoredObject>, plan: CronJobPlan): Promise<void> {
    const { queues, events, hint, store, templates, now, log } = this.#context;
    const { metadata } = decoded(stored.value);
    if (plan.wakeAtMs !== null) hint(plan.wakeAtMs);
    if (plan.retry !== null) {
      hint(now() + RETRY_MS);
      log.warn({ cronjob: stored.key, reason: plan.retry }, "cronjob sync is tried again");
    }
    const wake: string[] = [];
    if (plan.create !== null) {
      wake.push(`jobs|${metadata.namespace}/${plan.create.job.metadata.name}`);
    }
    for (const { name, uid } of plan.delete) {
      const request = { propagation: "Background", uid } as const;
      const jobKey = `${metadata.namespace}/${name}`;
      const deletion = await deleteObject(store, templates, "jobs", jobKey, request, now());
      wake.push(...deletion.wake);
    }
    await queues.wake([...new Set(wake)]);
    const regarding = {
      kind: "CronJob",
      apiVersion: "batch/v1",
      namespace: metadata.namespace,
      name: metadata.name,
      uid: metadata.uid,
      resourceVersion: stored.rv,
    };
    for (const event of plan.events) events.record("cronjob-controller", regarding, event);
  }
}

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
