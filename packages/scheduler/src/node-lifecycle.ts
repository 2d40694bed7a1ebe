// Watches the leases of nodes: a node that stays away loses its Pods, once (R86).
import { type PodRecord, type PodSpec, rfc3339 } from "@gantry/core";
import {
  leases,
  type NodeLease,
  type PodTemplate,
  queuedPod,
  type Stored,
  type StoredObject,
  suffix,
  Txn,
  updateObject,
  writePod,
} from "@gantry/store";
import type { ControllerContext } from "./controller-context.ts";

export const NODE_CHECK_EVERY_MS = 2_000;

/**
 * How long a node may stay away before its Pods are given up. Counted from when this scheduler
 * first saw the lease expired, so that a restart of everything gives workers time to come back.
 */
export const NODE_GRACE_MS = 60_000;

/**
 * A lease that was seen to be renewed within this time is alive, whatever the clocks say: its worker's
 * may be behind ours, and either may be set. As long as a lease lasts.
 */
const RENEWED_WITHIN_MS = 15_000;

/** Pods that wait for a worker to take them over are put on their queue again no more often. */
const REQUEUE_EVERY_MS = 60_000;

const MESSAGE = "PodGC: node no longer exists";

export class NodeLifecycle {
  readonly #context: ControllerContext;
  readonly #graceMs: number;
  /** Milliseconds that pass whether or not somebody sets the clock. */
  readonly #elapsedMs: () => number;
  readonly #awaySince = new Map<string, number>();
  /** What was seen of each lease, and when it was last seen to change. */
  #renewals = new Map<string, { readonly expiresAtMs: number; readonly changedAtMs: number }>();
  /** When Pods of nodes that are gone were put on their queue, by uid. */
  readonly #requeuedAt = new Map<string, number>();

  constructor(
    context: ControllerContext,
    graceMs = NODE_GRACE_MS,
    elapsedMs: () => number = context.now,
  ) {
    this.#context = context;
    this.#graceMs = graceMs;
    this.#elapsedMs = elapsedMs;
  }

  async check(): Promise<void> {
    const { store, now } = this.#context;
    const nowMs = now();
    const known = await leases(store);
    const alive = this.#alive(known, nowMs);
    // A lease outlasts its Node until the last of the node's Pods is lost.
    const nodes = new Set([...(await store.keys("nodes")), ...known.map((lease) => lease.node)]);
    for (const node of nodes) {
      if (alive.has(node)) this.#awaySince.delete(node);
      else await this.#away(node, nowMs);
    }
  }

  #alive(known: readonly NodeLease[], nowMs: number): Set<string> {
    const elapsedMs = this.#elapsedMs();
    const before = this.#renewals;
    this.#renewals = new Map();
    const alive = new Set<string>();
    for (const { node, expiresAtMs } of known) {
      const seen = before.get(node);
      // Only the first look has to trust clocks: it does not tell when the lease was renewed.
      const first = expiresAtMs > nowMs ? elapsedMs : Number.NEGATIVE_INFINITY;
      const changedAtMs =
        seen === undefined
          ? first
          : seen.expiresAtMs === expiresAtMs
            ? seen.changedAtMs
            : elapsedMs;
      this.#renewals.set(node, { expiresAtMs, changedAtMs });
      if (elapsedMs - changedAtMs < RENEWED_WITHIN_MS) alive.add(node);
    }
    return alive;
  }

  async #away(node: string, nowMs: number): Promise<void> {
    const elapsedMs = this.#elapsedMs();
    const since = this.#awaySince.get(node);
    if (since === undefined) {
      this.#awaySince.set(node, elapsedMs);
      await this.#markNotReady(node, nowMs);
      return;
    }
    if (elapsedMs - since < this.#graceMs) return;
    await this.#losePods(node, nowMs);
    if (!(await this.#removeNode(node))) return;
    // Without its Node it claims nothing more; these it claimed meanwhile.
    await this.#losePods(node, nowMs);
    await this.#forget(node);
  }

  async #markNotReady(name: string, nowMs: number): Promise<void> {
    const { store } = this.#context;
    const node = await store.get("nodes", name);
    if (node === null) return;
    const status = (node.value["status"] ?? {}) as { conditions?: { type?: string }[] };
    const ready = {
      type: "Ready",
      status: "Unknown",
      reason: "NodeStatusUnknown",
      message: "Worker stopped renewing its lease.",
      lastHeartbeatTime: rfc3339(nowMs),
      lastTransitionTime: rfc3339(nowMs),
    };
    const others = (status.conditions ?? []).filter((condition) => condition.type !== "Ready");
    const value: StoredObject = {
      ...node.value,
      status: { ...status, conditions: [...others, ready] },
    };
    const txn = new Txn();
    updateObject(txn, "nodes", node, value);
    await store.commit(txn);
  }

  async #losePods(node: string, nowMs: number): Promise<void> {
    const { store, log } = this.#context;
    const keys = await store.redis.smembers(store.key(suffix.nodePods(node)));
    const pods = await store.getMany("pods", keys);
    let lost = 0;
    await this.#handOver(pods.filter((pod) => pod?.value.portable === true));
    for (const pod of pods) {
      if (pod === null || pod.value.node !== node || pod.value.portable === true) continue;
      const txn = new Txn();
      writePod(txn, pod, lostPod(pod, nowMs));
      const { job, namespace } = pod.value;
      if (job !== undefined) txn.dirty(`jobs|${namespace}/${job.name}`);
      // A stale write means that the Pod changed: the next check looks at it again.
      if (!(await store.commit(txn)).ok) continue;
      lost += 1;
    }
    if (lost > 0) this.#context.metrics?.resync.repaired("lease_expired", lost);
    if (lost > 0) log.warn({ node, pods: lost }, "node is gone: its pods are lost");
  }

  /** What other workers can go on with is not lost: they find it on its queue. */
  async #handOver(pods: readonly (Stored<PodRecord> | null)[]): Promise<void> {
    const { queues, templates, now, log } = this.#context;
    const nowMs = now();
    for (const [uid, atMs] of this.#requeuedAt) {
      if (nowMs - atMs >= REQUEUE_EVERY_MS) this.#requeuedAt.delete(uid);
    }
    const due = pods.filter((pod) => pod !== null && !this.#requeuedAt.has(pod.value.uid));
    if (due.length === 0) return;
    const queued = await Promise.all(
      due.flatMap((pod) =>
        pod === null
          ? []
          : [templates.of(pod.value).then((found) => queuedPod(pod.value, specOf(pod, found)))],
      ),
    );
    await queues.requeuePods(queued);
    for (const { uid } of queued) this.#requeuedAt.set(uid, nowMs);
    log.info({ pods: queued.length }, "pods of a node that is gone wait for another worker");
  }

  /** Whether the Node's object is gone, and was not renewed meanwhile. */
  async #removeNode(name: string): Promise<boolean> {
    const { store } = this.#context;
    const node = await store.get("nodes", name);
    if (node === null) return true;
    const txn = new Txn().delete("nodes", name, node.rv);
    txn.side("ZADD", suffix.leases, "NX", 0, name);
    return (await store.commit(txn)).ok;
  }

  async #forget(name: string): Promise<void> {
    const { store } = this.#context;
    // A Pod that changed while it was to be lost: the next check looks again.
    if ((await store.redis.scard(store.key(suffix.nodePods(name)))) > 0) return;
    const txn = new Txn()
      .checkAbsent("nodes", name)
      .side("ZREM", suffix.leases, name)
      .side("HDEL", suffix.usage, name)
      .side("DEL", suffix.nodeInbox(name));
    if ((await store.commit(txn)).ok) this.#awaySince.delete(name);
  }
}

const specOf = (pod: Stored<PodRecord>, template: PodTemplate | undefined): PodSpec | undefined =>
  pod.value.spec ?? template?.spec;

const lostPod = (pod: Stored<PodRecord>, nowMs: number): PodRecord => ({
  ...pod.value,
  phase: "Failed",
  reason: "NodeLost",
  message: `Node ${pod.value.node ?? ""} which was running pod ${pod.value.name} is unresponsive`,
  ready: false,
  readyChangedAtMs: nowMs,
  conditions: [
    ...(pod.value.conditions ?? []),
    {
      type: "DisruptionTarget",
      status: "True",
      reason: "DeletionByPodGC",
      message: MESSAGE,
      lastTransitionTime: rfc3339(nowMs),
    },
  ],
  deletion: pod.value.deletion ?? { requestedAtMs: nowMs, graceSeconds: 0 },
});
