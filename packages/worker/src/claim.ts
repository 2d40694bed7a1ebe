// The claim: the right to run a Pod. Whoever does not hold it runs nothing, whatever the queue says.
import { type Fit, isTerminal, type PodRecord } from "@gantry/core";
import { leaseExpiry, type PodPayload, type Stored, Txn, updatePod } from "@gantry/store";
import { claimedPod } from "./observed-pod.ts";
import type { WorkerContext } from "./worker-context.ts";

export type Misfit = Extract<Fit, { ok: false }>;

export type Claim =
  /** Ours to run. */
  | { readonly kind: "claimed"; readonly pod: Stored<PodRecord> }
  /** Claimed by this node before (it restarted, or the queue delivered the Pod twice). */
  | { readonly kind: "ours"; readonly pod: Stored<PodRecord> }
  /** Another node holds it, and lives. */
  | { readonly kind: "elsewhere"; readonly node: string }
  /** It does not suit this node, or there is no room for it now. */
  | { readonly kind: "unfit"; readonly pod: Stored<PodRecord>; readonly misfit: Misfit }
  /** Nothing to run: ended, deleted, or held by a node whose Pods are being given up. */
  | { readonly kind: "over"; readonly why: string };

/** This worker's Node was removed; it claims nothing until it has registered again. */
export class UnregisteredNodeError extends Error {
  override name = "UnregisteredNodeError";
}

export const claimPod = async (context: WorkerContext, payload: PodPayload): Promise<Claim> => {
  const { store, node, now } = context;
  const key = `${payload.namespace}/${payload.name}`;
  for (;;) {
    const pod = await store.get("pods", key);
    if (pod === null || pod.value.uid !== payload.uid) return { kind: "over", why: "pod is gone" };
    if (isTerminal(pod.value)) return { kind: "over", why: "pod has ended" };
    if (pod.value.node === node) return { kind: "ours", pod };
    if (pod.value.node !== undefined) return claimedElsewhere(context, pod.value.node);
    if (pod.value.deletion !== undefined) return { kind: "over", why: "pod is being deleted" };
    const fit = await context.placement?.take(pod.value);
    if (fit?.ok === false) return { kind: "unfit", pod, misfit: fit };
    const next = claimedPod(pod.value, context, now());
    const txn = new Txn();
    updatePod(txn, pod, next);
    txn.check("nodes", node, "any");
    const result = await store.commit(txn);
    if (result.ok) return { kind: "claimed", pod: { key, rv: result.rvs[0] ?? "", value: next } };
    context.placement?.release(payload.uid);
    if (result.reason === "missing" && (await store.get("nodes", node)) === null) {
      // Given up while this worker stood still: what it claimed now, nobody would answer for.
      throw new UnregisteredNodeError(`node ${node} is not registered`);
    }
  }
};

const claimedElsewhere = async ({ store, now }: WorkerContext, node: string): Promise<Claim> => {
  const expiresAtMs = await leaseExpiry(store, node);
  return expiresAtMs !== null && expiresAtMs > now()
    ? { kind: "elsewhere", node }
    : { kind: "over", why: `node ${node} is gone; its pods are given up by the scheduler` };
};

/** After a restart: the same node goes on under a new fencing number; `null` when the Pod is gone. */
export const reclaimPod = async (
  context: WorkerContext,
  pod: Stored<PodRecord>,
): Promise<Stored<PodRecord> | null> => {
  let stored = pod;
  for (;;) {
    const next = { ...stored.value, claim: context.fence };
    const txn = new Txn();
    updatePod(txn, stored, next);
    const result = await context.store.commit(txn);
    if (result.ok) return { key: stored.key, rv: result.rvs[0] ?? "", value: next };
    const found = await context.store.get("pods", stored.key);
    if (found === null || found.value.uid !== pod.value.uid) return null;
    if (found.value.node !== context.node || isTerminal(found.value)) return null;
    stored = found;
  }
};
