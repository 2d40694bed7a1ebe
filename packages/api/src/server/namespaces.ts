// What every namespace has from the start: a ServiceAccount and the authority's certificate.
import { rfc3339 } from "@gantry/core";
import { createObject, type Store, type StoredObject, Txn } from "@gantry/store";
import { newUid } from "./context.ts";

/** Made at first start, as by Kubernetes; never deleted. */
export const permanentNamespaces = [
  "default",
  "kube-system",
  "kube-public",
  "kube-node-lease",
] as const;

export interface NamespaceContents {
  readonly serviceAccount: StoredObject;
  readonly configMap: StoredObject;
}

const DESCRIPTION =
  "Contains a CA bundle that can be used to verify the API of this installation when using " +
  "internal endpoints.";

const contents = (namespace: string, certificate: string, nowMs: number): NamespaceContents => {
  const creationTimestamp = rfc3339(nowMs);
  return {
    serviceAccount: {
      kind: "ServiceAccount",
      apiVersion: "v1",
      metadata: { name: "default", namespace, uid: newUid(), creationTimestamp },
    },
    configMap: {
      kind: "ConfigMap",
      apiVersion: "v1",
      metadata: {
        name: "kube-root-ca.crt",
        namespace,
        uid: newUid(),
        creationTimestamp,
        annotations: { "kubernetes.io/description": DESCRIPTION },
      },
      data: { "ca.crt": certificate },
    },
  };
};

export const createContents = (
  txn: Txn,
  namespace: string,
  certificate: string,
  nowMs: number,
): void => {
  const { serviceAccount, configMap } = contents(namespace, certificate, nowMs);
  createObject(txn, "serviceaccounts", serviceAccount, nowMs);
  createObject(txn, "configmaps", configMap, nowMs);
};

const namespaceObject = (name: string, nowMs: number): StoredObject => ({
  kind: "Namespace",
  apiVersion: "v1",
  metadata: {
    name,
    uid: newUid(),
    creationTimestamp: rfc3339(nowMs),
    labels: { "kubernetes.io/metadata.name": name },
  },
  spec: { finalizers: ["kubernetes"] },
  status: { phase: "Active" },
});

/** Makes the permanent namespaces and what they hold, where that is missing. */
export const ensureNamespaces = async (
  store: Store,
  certificate: string,
  nowMs: number,
): Promise<void> => {
  const commits: Promise<unknown>[] = [];
  for (const name of permanentNamespaces) {
    const { serviceAccount, configMap } = contents(name, certificate, nowMs);
    const namespace = new Txn();
    createObject(namespace, "namespaces", namespaceObject(name, nowMs), nowMs);
    const account = new Txn();
    createObject(account, "serviceaccounts", serviceAccount, nowMs);
    const bundle = new Txn();
    createObject(bundle, "configmaps", configMap, nowMs);
    // Each on its own: what exists already stays as it is.
    for (const txn of [namespace, account, bundle]) commits.push(store.commit(txn));
  }
  await Promise.all(commits);
};
