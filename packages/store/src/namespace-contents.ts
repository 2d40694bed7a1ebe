// What every namespace has from the start, and gets back when it is deleted: a ServiceAccount and the authority's certificate.
import { randomUUID } from "node:crypto";
import { rfc3339 } from "@gantry/core";
import { type Resource, suffix } from "./keys.ts";
import type { StoredObject } from "./objects.ts";
import type { Store } from "./store.ts";

const SERVICE_ACCOUNT = "default";
const ROOT_CERTIFICATE = "kube-root-ca.crt";

const DESCRIPTION =
  "Contains a CA bundle that can be used to verify the API of this installation when using " +
  "internal endpoints.";

export interface NamespaceContents {
  readonly serviceaccounts: StoredObject;
  readonly configmaps: StoredObject;
}

/** `certificate`: PEM text by which clients trust the API; empty without TLS. */
export const namespaceContents = (
  namespace: string,
  certificate: string,
  nowMs: number,
): NamespaceContents => {
  const made = { namespace, creationTimestamp: rfc3339(nowMs) };
  return {
    serviceaccounts: {
      kind: "ServiceAccount",
      apiVersion: "v1",
      metadata: { name: SERVICE_ACCOUNT, uid: randomUUID(), ...made },
    },
    configmaps: {
      kind: "ConfigMap",
      apiVersion: "v1",
      metadata: {
        name: ROOT_CERTIFICATE,
        uid: randomUUID(),
        ...made,
        annotations: { "kubernetes.io/description": DESCRIPTION },
      },
      data: { "ca.crt": certificate },
    },
  };
};

export const isNamespaceContent = (resource: Resource, name: string): boolean =>
  (resource === "serviceaccounts" && name === SERVICE_ACCOUNT) ||
  (resource === "configmaps" && name === ROOT_CERTIFICATE);

const AUTHORITY = "authority";

/** Tells the controllers which certificate the namespaces are to have. */
export const shareCertificate = async (store: Store, certificate: string): Promise<void> => {
  await store.redis.hset(store.key(suffix.shared), AUTHORITY, certificate);
};

/** `null` while no API has been started. */
export const sharedCertificate = (store: Store): Promise<string | null> =>
  store.redis.hget(store.key(suffix.shared), AUTHORITY);
