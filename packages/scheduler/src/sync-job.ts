// The Job controller's shell: read a snapshot, let the core decide, commit the plan.
import { type Job, type JobPlan, reconcileJob } from "@gantry/core";
import { readJobSnapshot, type Stored, Txn } from "@gantry/store";
import { candidatesForAdoption, podsWithForeignLabels } from "./claim-candidates.ts";
import type { ControllerContext } from "./controller-context.ts";
import { planTransaction } from "./job-transaction.ts";
import type { JobSyncMeter } from "./metrics/controller-metrics.ts";

/** Plans are optimistic; this many stale ones in a row mean that something is wrong. */
const ATTEMPTS_MAX = 50;

/** Uids of Jobs by key, so that a snapshot takes one round trip; bounded, losing one costs a trip. */
const UIDS_MAX = 50_000;

export class JobController {
  readonly #context: ControllerContext;
  readonly #uids = new Map<string, string>();

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  /** One sync of the Job `key` (`namespace/name`), whatever woke it. Repeating it is harmless. */
  async sync(key: string): Promise<void> {
    const meter = this.#context.metrics?.controllers.startJobSync();
    try {
      await this.#syncUntilCommitted(key, meter);
    } catch (error) {
      meter?.end("error");
      throw error;
    }
    meter?.end("success");
  }

  async #syncUntilCommitted(key: string, meter: JobSyncMeter | undefined): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (await this.#attempt(key, meter)) return;
    }
    throw new Error(`job ${key} kept changing during ${ATTEMPTS_MAX} syncs`);
  }

  /** Whether the sync is done; `false`: the snapshot was stale. */
  async #attempt(key: string, meter: JobSyncMeter | undefined): Promise<boolean> {
    const { store, now, newIds } = this.#context;
    const stored = await readJobSnapshot(store, key, this.#uids.get(key));
    if ("missing" in stored) {
      this.#uids.delete(key);
      await this.#forget(key, stored.dirty);
      return true;
    }
    const job = stored.job.value;
    this.#remember(key, job);
    const pods = stored.pods.map((pod) => pod.value);
    const orphans = await candidatesForAdoption(this.#context, job, stored.ownerlessPods);
    const plan = reconcileJob(
      {
        job,
        book: stored.book,
        pods,
        orphans: orphans.map((pod) => pod.value),
        released: podsWithForeignLabels(job, pods),
      },
      now(),
      newIds,
    );
    meter?.planned(job, plan);
    const txn = planTransaction(this.#context, stored, orphans, plan);
    if (!(await this.#commit(txn, job, plan))) return false;
    this.#afterCommit(stored.job, plan);
    return true;
  }

  /** Whether the plan is durable, and only then counted; `false`: the snapshot was stale. */
  async #commit(txn: Txn, job: Job, plan: JobPlan): Promise<boolean> {
    const metrics = this.#context.metrics?.controllers;
    try {
      const result = await this.#context.store.commit(txn);
      if (result.ok) metrics?.jobCommitted(job, plan);
      else metrics?.staleSync("batch", "jobs");
      return result.ok;
    } catch (error) {
      metrics?.jobCommitFailed(plan);
      throw error;
    }
  }

  /** R7: nothing is kept of a Job that is gone. */
  async #forget(key: string, dirty: string): Promise<void> {
    const { store } = this.#context;
    if (dirty !== "") await store.commit(new Txn().clean(`jobs|${key}`, dirty));
  }

  #afterCommit(job: Stored<Job>, plan: JobPlan): void {
    const { events, log, hint } = this.#context;
    if (plan.wakeAtMs !== null) hint(plan.wakeAtMs);
    for (const event of plan.events) {
      events.record("job-controller", regarding(job), event);
    }
    if (plan.create.length > 0 || plan.statuses.length > 0) {
      log.debug(
        { job: job.key, uid: job.value.metadata.uid, ...describe(plan) },
        "job plan applied",
      );
    }
  }

  #remember(key: string, job: Job): void {
    const { uid } = job.metadata;
    if (this.#uids.get(key) === uid) return;
    this.#context.metrics?.controllers.jobSeen(job);
    if (this.#uids.size >= UIDS_MAX) {
      const oldest = this.#uids.keys().next().value;
      if (oldest !== undefined) this.#uids.delete(oldest);
    }
    this.#uids.set(key, uid);
  }
}

const regarding = (job: Stored<Job>) => ({
  kind: "Job",
  apiVersion: "batch/v1",
  namespace: job.value.metadata.namespace,
  name: job.value.metadata.name,
  uid: job.value.metadata.uid,
  resourceVersion: job.rv,
});

const describe = (plan: JobPlan) => ({
  created: plan.create.length,
  changed: plan.change.length,
  active: plan.statuses.at(-1)?.active,
  succeeded: plan.statuses.at(-1)?.succeeded,
  failed: plan.statuses.at(-1)?.failed,
});
