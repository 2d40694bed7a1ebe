// Namespaces with what each has from the start, and those that are always there.
import { rfc3339 } from "@gantry/core";
import {
  createObject,
  namespaceContents,
  shareCertificate,
  type Store,
  type StoredObject,
  Txn,
} from "@gantry/store";
import { newUid } from "./context.ts";

/** Made at first start, as by Kubernetes; never deleted. */
export const permanentNamespaces = [
  "default",
  "kube-system",
  "kube-public",
  "kube-node-lease",
] as const;

export const createContents = (
  txn: Txn,
  namespace: string,
  certificate: string,
  nowMs: number,
): void => {
  const { serviceaccounts, configmaps } = namespaceContents(namespace, certificate, nowMs);
  createObject(txn, "serviceaccounts", serviceaccounts, nowMs);
  createObject(txn, "configmaps", configmaps, nowMs);
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

/** Makes the permanent namespaces and what they hold, where that is missing; shares the certificate. */
export const ensureNamespaces = async (
  store: Store,
  certificate: string,
  nowMs: number,
): Promise<void> => {
  const commits: Promise<unknown>[] = [shareCertificate(store, certificate)];
  for (const name of permanentNamespaces) {
    const { serviceaccounts, configmaps } = namespaceContents(name, certificate, nowMs);
    const namespace = new Txn();
    createObject(namespace, "namespaces", namespaceObject(name, nowMs), nowMs);
    const account = new Txn();
    createObject(account, "serviceaccounts", serviceaccounts, nowMs);
    const bundle = new Txn();
    createObject(bundle, "configmaps", configmaps, nowMs);
    // Each on its own: what exists already stays as it is.
    for (const txn of [namespace, account, bundle]) commits.push(store.commit(txn));
  }
  await Promise.all(commits);
};
