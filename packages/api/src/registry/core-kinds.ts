// Strategies of core/v1 beside Pods, and of Leases.
import {
  configMapKind,
  defaultNamespace,
  defaultSecret,
  eventKind,
  eventsV1EventKind,
  fieldPath,
  leaseKind,
  namespaceKind,
  nodeKind,
  secretKind,
  serviceAccountKind,
  validateConfigMap,
  validateConfigMapUpdate,
  validateEvent,
  validateEventUpdate,
  validateLease,
  validateNamespace,
  validateNamespaceUpdate,
  validateObjectMetaUpdate,
  validateSecret,
  validateSecretUpdate,
  validateServiceAccount,
  validateServiceAccountUpdate,
} from "@gantry/core";
import { eventField, fromEventsV1, toEventsV1 } from "./events.ts";
import { nodeLease, nodeLeases } from "./node-leases.ts";
import type { ApiObject, Strategy } from "./strategy.ts";

const keep = (object: ApiObject): ApiObject => object;
const noWarnings = (): readonly string[] => [];
const metaUpdate: Strategy["validateUpdate"] = (next, old) =>
  validateObjectMetaUpdate(next.metadata, old.metadata, fieldPath("metadata"));

/** What kinds without rules of their own have in common. */
const plain = {
  empty: {},
  field: () => "",
  prepareCreate: keep,
  prepareUpdate: keep,
  warnings: noWarnings,
};

const at = (object: ApiObject, ...path: readonly string[]): unknown => {
  let value: unknown = object;
  for (const part of path) value = (value as Record<string, unknown> | undefined)?.[part];
  return value;
};

const fieldText = (object: ApiObject, name: string): string => {
  const value = at(object, ...name.split("."));
  return value === undefined || value === null ? "" : String(value as string);
};

export const configMaps: Strategy = {
  ...configMapKind,
  ...plain,
  resource: "configmaps",
  validateCreate: (object) => validateConfigMap(object),
  validateUpdate: (next, old) => validateConfigMapUpdate(next, old),
};

const encodeBase64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");

export const secrets: Strategy = {
  ...secretKind,
  ...plain,
  resource: "secrets",
  field: fieldText,
  prepareCreate: (object) => defaultSecret(object, encodeBase64),
  validateCreate: (object) => validateSecret(object),
  prepareUpdate: (next, old) =>
    defaultSecret({ ...next, type: (next["type"] ?? old["type"]) as string }, encodeBase64),
  validateUpdate: (next, old) => validateSecretUpdate(next, old),
};

export const serviceAccounts: Strategy = {
  ...serviceAccountKind,
  ...plain,
  resource: "serviceaccounts",
  validateCreate: (object) => validateServiceAccount(object),
  validateUpdate: (next, old) => validateServiceAccountUpdate(next, old),
};

export const namespaces: Strategy = {
  ...namespaceKind,
  ...plain,
  resource: "namespaces",
  empty: { spec: {}, status: {} },
  field: fieldText,
  prepareCreate: defaultNamespace,
  admitCreate: (object) => ({
    ...object,
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  }),
  validateCreate: (object) => validateNamespace(object),
  prepareUpdate: (next, old) => ({
    ...defaultNamespace(next),
    spec: old["spec"],
    status: old["status"],
  }),
  validateUpdate: (next, old) => validateNamespaceUpdate(next, old),
  status: {
    prepare: (next, old) => ({ ...next, spec: old["spec"] }),
    validate: (next, old) => validateNamespaceUpdate(next, old),
  },
  finalize: {
    prepare: (next, old) => ({ ...next, status: old["status"] }),
    validate: (next, old) => validateNamespaceUpdate(next, old),
  },
};

export const nodes: Strategy = {
  ...nodeKind,
  ...plain,
  resource: "nodes",
  empty: { spec: {}, status: {} },
  field: (object, name) => fieldText(object, name) || "false",
  validateCreate: () => [],
  prepareUpdate: (next, old) => ({ ...next, status: old["status"] }),
  validateUpdate: metaUpdate,
  status: {
    prepare: (next, old) => ({ ...next, spec: old["spec"] }),
    validate: metaUpdate,
  },
};

export const leases: Strategy = {
  ...leaseKind,
  ...plain,
  resource: "leases",
  derived: { get: nodeLease, list: nodeLeases },
  validateCreate: (object) => validateLease(object),
  validateUpdate: metaUpdate,
};

export const events: Strategy = {
  ...eventKind,
  ...plain,
  resource: "events",
  empty: { involvedObject: {}, source: {} },
  field: eventField,
  validateCreate: (object) => validateEvent(object),
  validateUpdate: (next, old) => validateEventUpdate(next, old),
};

/** The same Events by the names of events.k8s.io/v1. */
export const eventsV1: Strategy = {
  ...eventsV1EventKind,
  ...plain,
  resource: "events",
  field: (object, name) => eventField(fromEventsV1(object), name),
  show: toEventsV1,
  hide: fromEventsV1,
  validateCreate: (object) => validateEvent(fromEventsV1(object)),
  validateUpdate: (next, old) => validateEventUpdate(fromEventsV1(next), fromEventsV1(old)),
};
