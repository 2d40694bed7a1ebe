// Each Pod against its indexes, its Job and its queue.
import { awaitsWorker, isTerminal, type PodRecord, type PodSpec } from "@gantry/core";
import {
  gcKey,
  leases,
  podMemberships,
  podQueueName,
  type Stored,
  suffix,
  Txn,
} from "@gantry/store";
import { type RepairKind } from "./findings.ts";
import { PAGE, type ResyncPass, slices } from "./resync-pass.ts";

type StoredPod = Stored<PodRecord>;

/** Looks at every Pod. `placed`: uids of those on a queue. */
export const resyncPods = async (pass: ResyncPass, placed: ReadonlySet<string>): Promise<void> => {
  const { store, now } = pass.context;
  const nowMs = now();
  const held = (await leases(store)).filter((lease) => lease.expiresAtMs > nowMs);
  const alive = new Set(held.map((lease) => lease.node));
  const settled: StoredPod[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await store.page("pods", {
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    const open = page.items.filter(({ value }) => value.tracked || !isTerminal(value));
    settled.push(...page.items.filter(({ value }) => !value.tracked && isTerminal(value)));
    const looked = pass.thorough ? page.items : open;
    await mendMemberships(pass, looked);
    await mendOrphans(pass, looked);
    await mendQueues(pass, open, placed, alive);
    await pass.pace();
    if (!page.more || page.last === undefined) break;
    after = page.last;
  }
  if (pass.thorough) await mendNodes(pass);
  await mendSettled(pass, settled);
};

/** Sets that should have the Pod, or should not, and what they say. */
const mendMemberships = async (pass: ResyncPass, pods: readonly StoredPod[]): Promise<void> => {
  const { store } = pass.context;
  const checks = pods.flatMap((pod) =>
    podMemberships(pod.value).map((membership) => ({ pod, ...membership })),
  );
  if (checks.length === 0) return;
  const pipe = store.redis.pipeline();
  for (const { set, member } of checks) pipe.sismember(store.key(set), member);
  const found = (await pipe.exec()) ?? [];
  for (const [n, { pod, set, member, present }] of checks.entries()) {
    if ((found[n]?.[1] === 1) === present) continue;
    if (!pass.findings.confirmed(`set|${set}|${member}`, pod.rv)) continue;
    const txn = new Txn().check("pods", pod.key, pod.rv);
    if (present) txn.add(set, member);
    else txn.remove(set, member);
    if (present && pod.value.job !== undefined) {
      txn.dirty(`jobs|${pod.value.namespace}/${pod.value.job.name}`);
    }
    if ((await store.commit(txn)).ok) pass.findings.mended("index_entry", `${set} ${member}`);
  }
};

/** Pods whose Job is gone and that nobody has begun to delete. */
const mendOrphans = async (pass: ResyncPass, pods: readonly StoredPod[]): Promise<void> => {
  const { store } = pass.context;
  const owned = pods.filter(({ value }) => value.job !== undefined && value.deletion === undefined);
  const keys = [
    ...new Set(owned.map(({ value }) => `${value.namespace}/${value.job?.name ?? ""}`)),
  ];
  const jobs = await store.getMany("jobs", keys);
  const uids = new Map(keys.map((key, n) => [key, jobs[n]?.value.metadata.uid]));
  const wake = new Set<string>();
  for (const { key, rv, value } of owned) {
    if (value.job === undefined) continue;
    const jobKey = `${value.namespace}/${value.job.name}`;
    if (uids.get(jobKey) === value.job.uid) continue;
    if (!pass.findings.confirmed(`orphan|${key}`, rv)) continue;
    wake.add(gcKey("jobs", jobKey, value.job.uid));
    pass.findings.mended("orphan_pod", key);
  }
  if (wake.size === 0) return;
  const txn = new Txn();
  for (const syncKey of wake) txn.dirty(syncKey);
  await store.commit(txn);
};

/** Pods that wait for a worker, or run on one that lives, and have no job on their queue. */
const mendQueues = async (
  pass: ResyncPass,
  pods: readonly StoredPod[],
  placed: ReadonlySet<string>,
  alive: ReadonlySet<string>,
): Promise<void> => {
  const { templates, queues } = pass.context;
  const wanted = pods.filter(
    ({ value }) =>
      !isTerminal(value) &&
      value.deletion === undefined &&
      (awaitsWorker(value) || (value.node !== undefined && alive.has(value.node))),
  );
  if (wanted.length === 0) return;
  const found = await templates.ofAll(wanted.map((pod) => pod.value));
  const specs = wanted.map(({ value }, n): PodSpec | undefined => value.spec ?? found[n]?.spec);
  const hashes = await jobHashes(pass, wanted, specs);
  for (const [n, pod] of wanted.entries()) {
    const { uid, namespace, name, node } = pod.value;
    const queue = podQueueName(specs[n]?.runtimeClassName);
    const hash = hashes[n] ?? "missing";
    // Bound by whoever made it: it is on no queue.
    if (specs[n]?.nodeName !== undefined && specs[n]?.nodeName !== "") continue;
    if (placed.has(uid) && hash !== "missing") continue;
    if (!pass.findings.confirmed(`queued|${uid}`, `${node ?? ""} ${hash}`)) continue;
    const job = await pass.queues.pods(queue).getJob(uid);
    if (job !== undefined && PLACED.has(await job.getState())) continue;
    await queues.requeuePods([{ queue, namespace, name, uid }]);
    pass.findings.mended(kinds[hash], pod.key);
  }
};

const PLACED: ReadonlySet<string> = new Set(["waiting", "active", "delayed", "prioritized"]);

type JobHash = "missing" | "ended" | "open";

const kinds: Readonly<Record<JobHash, RepairKind>> = {
  missing: "queue_job_missing",
  ended: "queue_job_ended",
  open: "queue_job_stranded",
};

const jobHashes = async (
  pass: ResyncPass,
  pods: readonly StoredPod[],
  specs: readonly (PodSpec | undefined)[],
): Promise<JobHash[]> => {
  const pipe = pass.context.store.redis.pipeline();
  for (const [n, { value }] of pods.entries()) {
    const queue = pass.queues.pods(podQueueName(specs[n]?.runtimeClassName));
    pipe.hmget(queue.toKey(value.uid), "timestamp", "finishedOn");
  }
  const replies = (await pipe.exec()) ?? [];
  return replies.map(([, reply]) => {
    const [timestamp, finishedOn] = (reply ?? []) as (string | null)[];
    if (typeof timestamp !== "string") return "missing";
    return typeof finishedOn === "string" ? "ended" : "open";
  });
};

/** Members of nodes' sets whose Pods are gone or elsewhere. */
const mendNodes = async (pass: ResyncPass): Promise<void> => {
  const { store } = pass.context;
  for (const { node } of await leases(store)) {
    const set = suffix.nodePods(node);
    for (const keys of slices(await store.redis.smembers(store.key(set)))) {
      const pods = await store.getMany("pods", keys);
      for (const [n, key] of keys.entries()) {
        // Those that are there are looked at with their own indexes.
        if (pods[n] !== null) continue;
        if (!pass.findings.confirmed(`set|${set}|${key}`, "gone")) continue;
        const txn = new Txn().checkAbsent("pods", key).remove(set, key);
        if ((await store.commit(txn)).ok) pass.findings.mended("index_entry", `${set} ${key}`);
      }
    }
  }
};

/** The list by which ended Pods are collected, oldest first: one that is not on it would stay for ever. */
const mendSettled = async (pass: ResyncPass, pods: readonly StoredPod[]): Promise<void> => {
  const { store } = pass.context;
  const list = store.key(suffix.settled);
  if ((await store.redis.llen(list)) >= pods.length) return;
  const listed = new Set(await store.redis.lrange(list, 0, -1));
  for (const { key, rv } of pods) {
    if (listed.has(key) || !pass.findings.confirmed(`settled|${key}`, rv)) continue;
    const txn = new Txn().check("pods", key, rv).side("RPUSH", suffix.settled, key);
    if ((await store.commit(txn)).ok) pass.findings.mended("index_entry", `settled ${key}`);
  }
};
