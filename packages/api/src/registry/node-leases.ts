// Leases of workers as Kubernetes shows them: made from what Redis has, so that a renewal stays one small write.
import { createHash } from "node:crypto";
import { rfc3339Micro } from "@gantry/core";
import {
  leaseExpiry,
  leases,
  NODE_LEASE_MS,
  type NodeLease,
  type Store,
  type Stored,
  type StoredObject,
} from "@gantry/store";

export const NODE_LEASES = "kube-node-lease";

/** The same at every read, and another than its Node's. */
const uidOf = (nodeUid: string): string => {
  const hex = createHash("sha256").update(`lease ${nodeUid}`).digest("hex");
  // Version 8 of RFC 9562: a digest of our own choice.
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
};

const leaseOf = (node: Stored<StoredObject>, expiresAtMs: number): Stored<StoredObject> => {
  const { key: name, rv } = node;
  const { uid, creationTimestamp } = node.value.metadata;
  return {
    key: `${NODE_LEASES}/${name}`,
    rv,
    value: {
      metadata: {
        name,
        namespace: NODE_LEASES,
        uid: uidOf(uid),
        creationTimestamp,
        ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid }],
      },
      spec: {
        holderIdentity: name,
        leaseDurationSeconds: NODE_LEASE_MS / 1000,
        renewTime: rfc3339Micro(expiresAtMs - NODE_LEASE_MS),
      },
    },
  };
};

/** A node whose worker was never there has an end without a beginning. */
const wasRenewed = ({ expiresAtMs }: NodeLease): boolean => expiresAtMs > NODE_LEASE_MS;

const of = async (store: Store, held: readonly NodeLease[]): Promise<Stored<StoredObject>[]> => {
  const renewed = held.filter(wasRenewed);
  const nodes = await store.getMany(
    "nodes",
    renewed.map(({ node }) => node),
  );
  return renewed.flatMap(({ expiresAtMs }, n) => {
    const node = nodes[n];
    return node === null || node === undefined ? [] : [leaseOf(node, expiresAtMs)];
  });
};

/** By the key of a Lease. */
export const nodeLease = async (
  store: Store,
  key: string,
): Promise<Stored<StoredObject> | null> => {
  if (!key.startsWith(`${NODE_LEASES}/`)) return null;
  const node = key.slice(NODE_LEASES.length + 1);
  const expiresAtMs = await leaseExpiry(store, node);
  if (expiresAtMs === null) return null;
  return (await of(store, [{ node, expiresAtMs }]))[0] ?? null;
};

/** Those in a namespace, or all. */
export const nodeLeases = async (
  store: Store,
  namespace: string | undefined,
): Promise<readonly Stored<StoredObject>[]> =>
  namespace === undefined || namespace === NODE_LEASES ? of(store, await leases(store)) : [];
