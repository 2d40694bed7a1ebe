// The claim: the right to run a Pod. Whoever does not hold it runs nothing, whatever the queue says.
import { type Fit, isTerminal, type PodRecord } from "@gantry/core";
import { leaseExpiry, type PodPayload, type Stored, Txn, updatePod } from "@gantry/store";
import { claimedPod } from "./observed-pod.ts";
import type { WorkerContext } from "./worker-context.ts";

export type Misfit = Extract<Fit, { ok: false }>;

export type Claim =
  /** Ours to run. */
  | { readonly kind: "claimed"; readonly pod: Stored<PodRecord> }
  /**
   * Begun before: by this node (it restarted, or the queue delivered the Pod twice), or by one that
   * is gone and whose Pods others may go on with.
   */
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

/** `seen`: the Pod as it was a moment ago; it is read where that is `null`, or out of date. */
export const claimPod = async (
  context: WorkerContext,
  payload: PodPayload,
  seen: Stored<PodRecord> | null = null,
): Promise<Claim> => {
  const { store, node, now } = context;
  const key = `${payload.namespace}/${payload.name}`;
  for (let known = seen; ; known = null) {
    const pod = known ?? (await store.get("pods", key));
    if (pod === null || pod.value.uid !== payload.uid) return { kind: "over", why: "pod is gone" };
    if (isTerminal(pod.value)) return { kind: "over", why: "pod has ended" };
    if (pod.value.node === node) return { kind: "ours", pod };
    const elsewhere = await claimedElsewhere(context, pod.value);
    if (elsewhere !== null) return elsewhere;
    const isTakenOver = pod.value.node !== undefined;
    if (!isTakenOver && pod.value.deletion !== undefined) {
      return { kind: "over", why: "pod is being deleted" };
    }
    const fit = await context.placement?.take(pod.value);
    if (fit?.ok === false) return { kind: "unfit", pod, misfit: fit };
    const portable = runsPortables(context) && (await isPortable(context, pod.value));
    const next = claimedPod(pod.value, { ...context, portable }, now());
    const txn = new Txn();
    updatePod(txn, pod, next);
    txn.check("nodes", node, "any");
    const result = await store.commit(txn);
    if (result.ok) {
      const claimed = { key, rv: result.rvs[0] ?? "", value: next };
      return { kind: isTakenOver ? "ours" : "claimed", pod: claimed };
    }
    context.placement?.release(payload.uid);
    if (result.reason === "missing" && (await store.get("nodes", node)) === null) {
      // Given up while this worker stood still: what it claimed now, nobody would answer for.
      throw new UnregisteredNodeError(`node ${node} is not registered`);
    }
  }
};

const runsPortables = ({ runtimes }: WorkerContext): boolean => {
  for (const { portable } of runtimes.values()) if (portable === true) return true;
  return false;
};

/** Whether what runs of the Pod does not live on its worker. */
const isPortable = async (
  { runtimes, defaultRuntime, templates }: WorkerContext,
  pod: PodRecord,
): Promise<boolean> => {
  const spec = pod.spec ?? (await templates.of(pod))?.spec;
  return runtimes.get(spec?.runtimeClassName ?? defaultRuntime)?.portable === true;
};

/** `null`: nobody's, or of a node that is gone and whose Pod this worker can go on with. */
const claimedElsewhere = async (context: WorkerContext, pod: PodRecord): Promise<Claim | null> => {
  const { store, now } = context;
  const { node } = pod;
  if (node === undefined) return null;
  const expiresAtMs = await leaseExpiry(store, node);
  if (expiresAtMs !== null && expiresAtMs > now()) return { kind: "elsewhere", node };
  if (pod.portable !== true) {
    return { kind: "over", why: `node ${node} is gone; its pods are given up by the scheduler` };
  }
  return (await isPortable(context, pod)) ? null : { kind: "elsewhere", node };
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
