// Each Job against its index, its times and what its controller would do now: those that are not finished first.
import { isFinished, type Job, reconcileJob } from "@gantry/core";
import {
  gcKey,
  readJobSnapshot,
  type StoredJobSnapshot,
  type StoredObject,
  suffix,
  Txn,
} from "@gantry/store";
import { candidatesForAdoption, podsWithForeignLabels } from "../claim-candidates.ts";
import { expiryOf } from "../ttl-expiry.ts";
import { type RepairKind } from "./findings.ts";
import { PAGE, type ResyncPass, slices } from "./resync-pass.ts";

/** Jobs looked at in one pass, of each sort; the next pass goes on behind them. */
const JOBS_PER_PASS = 2_000;

/** Snapshots read at once. */
const AT_ONCE = 20;

/** Finalizers with which garbage collection holds an object. */
const COLLECTED: readonly string[] = ["foregroundDeletion", "orphan"];

export class JobResync {
  #unfinishedAfter = "";
  #allAfter: string | undefined;

  async look(pass: ResyncPass): Promise<void> {
    const { store } = pass.context;
    const unfinished = await store.redis.smembers(store.key(suffix.unfinished));
    const listed = new Set(unfinished);
    const first = this.#nextUnfinished(unfinished);
    await this.#lookAt(pass, first, listed);
    const page = await store.page("jobs", {
      limit: PAGE,
      ...(this.#allAfter === undefined ? {} : { after: this.#allAfter }),
    });
    this.#allAfter = page.more ? page.last : undefined;
    const seen = new Set(first);
    const others = page.items.map(({ key }) => key).filter((key) => !seen.has(key));
    await this.#lookAt(pass, others, listed);
  }

  /** In the order of their keys, from where the last pass ended. */
  #nextUnfinished(keys: readonly string[]): string[] {
    if (keys.length <= JOBS_PER_PASS) return [...keys];
    const sorted = keys.toSorted();
    const from = sorted.findIndex((key) => key > this.#unfinishedAfter);
    const rest = from < 0 ? sorted : [...sorted.slice(from), ...sorted.slice(0, from)];
    const next = rest.slice(0, JOBS_PER_PASS);
    this.#unfinishedAfter = next.at(-1) ?? "";
    return next;
  }

  async #lookAt(
    pass: ResyncPass,
    keys: readonly string[],
    listed: ReadonlySet<string>,
  ): Promise<void> {
    const { store } = pass.context;
    for (const some of slices(keys, AT_ONCE)) {
      const uids = (await store.getMany("jobs", some)).map((job) => job?.value.metadata.uid);
      await Promise.all(
        some.map(async (key, n) => {
          const stored = await readJobSnapshot(store, key, uids[n]);
          if ("missing" in stored) await mendListing(pass, key, undefined, listed.has(key));
          else await mendJob(pass, stored, listed.has(key));
        }),
      );
      await pass.pace();
    }
  }
}

const mendJob = async (
  pass: ResyncPass,
  stored: StoredJobSnapshot,
  listed: boolean,
): Promise<void> => {
  await mendListing(pass, stored.job.key, stored, listed);
  await mendTtl(pass, stored);
  await mendLive(pass, stored);
  await mendOwner(pass, stored);
  // A sync is owed already; the sweep sees to it that it comes.
  if (stored.dirty !== "") return;
  const kind = await owed(pass, stored);
  if (kind === null) return;
  await wake(pass, kind, stored, [`jobs|${stored.job.key}`]);
};

/** The set of unfinished Jobs. */
const mendListing = async (
  pass: ResyncPass,
  key: string,
  stored: StoredJobSnapshot | undefined,
  listed: boolean,
): Promise<void> => {
  const wanted = stored !== undefined && !isFinished(stored.job.value);
  if (wanted === listed) return;
  if (!pass.findings.confirmed(`unfinished|${key}`, stored?.job.rv ?? "gone")) return;
  const txn = new Txn();
  if (stored === undefined) txn.checkAbsent("jobs", key);
  else txn.check("jobs", key, stored.job.rv);
  if (wanted) txn.add(suffix.unfinished, key);
  else txn.remove(suffix.unfinished, key);
  if ((await pass.context.store.commit(txn)).ok) {
    pass.findings.mended("index_entry", `unfinished ${key}`);
  }
};

const mendTtl = async (pass: ResyncPass, { job, ttlAtMs }: StoredJobSnapshot): Promise<void> => {
  const { log, store } = pass.context;
  const expiresAtMs = expiryOf(log, job.value);
  if (expiresAtMs === null || ttlAtMs !== null) return;
  if (job.value.metadata.deletionTimestamp !== undefined) return;
  if (!pass.findings.confirmed(`ttl|${job.key}`, job.rv)) return;
  const txn = new Txn().check("jobs", job.key, job.rv);
  txn.side("ZADD", suffix.ttl, expiresAtMs, job.key);
  if ((await store.commit(txn)).ok) pass.findings.mended("timer_lost", `ttl ${job.key}`);
};

/** Names among the Job's unsettled Pods of which there is no Pod: those that are there answer for themselves. */
const mendLive = async (pass: ResyncPass, { job, pods }: StoredJobSnapshot): Promise<void> => {
  const { store } = pass.context;
  const set = suffix.live(job.value.metadata.uid);
  if ((await store.redis.scard(store.key(set))) === pods.length) return;
  const known = new Set(pods.map(({ value }) => value.name));
  const { namespace } = job.value.metadata;
  for (const name of await store.redis.smembers(store.key(set))) {
    if (known.has(name)) continue;
    if (!pass.findings.confirmed(`set|${set}|${name}`, "gone")) continue;
    const txn = new Txn().checkAbsent("pods", `${namespace}/${name}`).remove(set, name);
    if ((await store.commit(txn)).ok) pass.findings.mended("index_entry", `${set} ${name}`);
  }
};

/** A Job whose CronJob is gone, and that nobody has begun to delete. */
const mendOwner = async (pass: ResyncPass, stored: StoredJobSnapshot): Promise<void> => {
  const { metadata } = stored.job.value;
  const owner = metadata.ownerReferences?.find(
    ({ controller, kind }) => controller === true && kind === "CronJob",
  );
  if (owner?.uid === undefined || metadata.deletionTimestamp !== undefined) return;
  const { store } = pass.context;
  const key = `${metadata.namespace}/${owner.name ?? ""}`;
  const found = await store.get("cronjobs", key);
  if ((found?.value as StoredObject | undefined)?.metadata.uid === owner.uid) return;
  if (!pass.findings.confirmed(`orphan|${stored.job.key}`, stored.job.rv)) return;
  const syncKey = gcKey("cronjobs", key, owner.uid);
  const txn = new Txn().check("jobs", stored.job.key, stored.job.rv).dirty(syncKey);
  txn.add(suffix.dependents(owner.uid), `jobs|${stored.job.key}`);
  if (!(await store.commit(txn)).ok) return;
  pass.findings.mended("orphan_job", stored.job.key);
};

/** What the Job's controller, or garbage collection, would do and nothing asks it to. */
const owed = async (
  pass: ResyncPass,
  stored: StoredJobSnapshot,
): Promise<Extract<RepairKind, "job_not_synced" | "timer_lost" | "deletion_forgotten"> | null> => {
  const { context, findings } = pass;
  const job = stored.job.value;
  const pods = stored.pods.map((pod) => pod.value);
  const versions = [stored.job.rv, ...stored.pods.map(({ rv }) => rv).toSorted()].join(" ");
  const orphans = await candidatesForAdoption(context, job, stored.ownerlessPods);
  const plan = reconcileJob(
    {
      job,
      book: stored.book,
      pods,
      orphans: orphans.map((pod) => pod.value),
      released: podsWithForeignLabels(job, pods),
    },
    context.now(),
    context.newIds,
  );
  const acts = plan.statuses.length + plan.create.length + plan.change.length > 0;
  if (acts) return findings.confirmed(`sync|${stored.job.key}`, versions) ? "job_not_synced" : null;
  const { wakeAtMs } = plan;
  if (wakeAtMs !== null && (stored.timerAtMs === null || stored.timerAtMs > wakeAtMs)) {
    return findings.confirmed(`timer|${stored.job.key}`, versions) ? "timer_lost" : null;
  }
  if (isForgotten(job) && pods.length === 0) {
    return findings.confirmed(`gc|${stored.job.key}`, versions) ? "deletion_forgotten" : null;
  }
  return null;
};

const isForgotten = ({ metadata }: Job): boolean =>
  metadata.deletionTimestamp !== undefined &&
  (metadata.finalizers ?? []).some((name) => COLLECTED.includes(name));

const wake = async (
  pass: ResyncPass,
  kind: RepairKind,
  { job }: StoredJobSnapshot,
  syncKeys: readonly string[],
): Promise<void> => {
  const { store } = pass.context;
  const { uid, deletionTimestamp } = job.value.metadata;
  const keys = [
    ...syncKeys,
    ...(deletionTimestamp === undefined ? [] : [gcKey("jobs", job.key, uid)]),
  ];
  const txn = new Txn();
  for (const key of keys) txn.dirty(key);
  await store.commit(txn);
  pass.findings.mended(kind, job.key);
};
