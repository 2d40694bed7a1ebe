// The kinds that Gantry serves, with what discovery says about them.
import type { z } from "zod";
import { cronJob, job } from "../schema/batch.ts";
import { configMap, secret, serviceAccount } from "../schema/config.ts";
import { event, eventsV1Event } from "../schema/event.ts";
import { namespace } from "../schema/namespace.ts";
import { node } from "../schema/node.ts";
import { pod } from "../schema/pod.ts";
import { lease, service } from "../schema/service.ts";

export type Verb =
  | "create"
  | "delete"
  | "deletecollection"
  | "get"
  | "list"
  | "patch"
  | "update"
  | "watch";

export interface Subresource {
  readonly name: string;
  /** Kind of its body. */
  readonly responseKind: {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  };
  readonly verbs: readonly Verb[];
}

export interface KindInfo {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** `batch/v1`, `v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly subresources: readonly Subresource[];
  /** Fields that a field selector may name. */
  readonly selectableFields: readonly string[];
  /** metadata.generation counts changes of the spec (M5). */
  readonly hasGeneration: boolean;
  readonly schema: z.ZodObject;
}

const allVerbs: readonly Verb[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];
const statusVerbs: readonly Verb[] = ["get", "patch", "update"];

interface KindDefinition {
  readonly group?: string;
  readonly kind: string;
  readonly plural?: string;
  readonly shortNames?: readonly string[];
  readonly all?: boolean;
  readonly clusterScoped?: boolean;
  readonly verbs?: readonly Verb[];
  readonly status?: boolean;
  readonly subresources?: readonly Subresource[];
  /** Beside metadata.name and metadata.namespace. */
  readonly selectableFields?: readonly string[];
  readonly hasGeneration?: boolean;
  readonly schema: z.ZodObject;
}

const metadataFields = ["metadata.name", "metadata.namespace"];

function kindInfo(definition: KindDefinition): KindInfo {
  const { group = "", kind, schema } = definition;
  const version = "v1";
  const singular = kind.toLowerCase();
  const own = { group, version, kind };
  const status = definition.status
    ? [{ name: "status", responseKind: own, verbs: statusVerbs }]
    : [];
  return {
    ...own,
    apiVersion: group === "" ? version : `${group}/${version}`,
    plural: definition.plural ?? `${singular}s`,
    singular,
    shortNames: definition.shortNames ?? [],
    categories: definition.all ? ["all"] : [],
    namespaced: !definition.clusterScoped,
    verbs: definition.verbs ?? allVerbs,
    subresources: [...(definition.subresources ?? []), ...status],
    selectableFields: [
      ...(definition.clusterScoped ? metadataFields.slice(0, 1) : metadataFields),
      ...(definition.selectableFields ?? []),
    ],
    hasGeneration: definition.hasGeneration ?? false,
    schema,
  };
}

const eventFields = [
  "involvedObject.kind",
  "involvedObject.namespace",
  "involvedObject.name",
  "involvedObject.uid",
  "involvedObject.apiVersion",
  "involvedObject.resourceVersion",
  "involvedObject.fieldPath",
  "reason",
  "reportingComponent",
  "source",
  "type",
];

export const jobKind = kindInfo({
  group: "batch",
  kind: "Job",
  all: true,
  status: true,
  selectableFields: ["status.successful"],
  hasGeneration: true,
  schema: job,
});

export const cronJobKind = kindInfo({
  group: "batch",
  kind: "CronJob",
  shortNames: ["cj"],
  all: true,
  status: true,
  hasGeneration: true,
  schema: cronJob,
});

export const podKind = kindInfo({
  kind: "Pod",
  shortNames: ["po"],
  all: true,
  status: true,
  subresources: [
    {
      name: "attach",
      responseKind: { group: "", version: "v1", kind: "PodAttachOptions" },
      verbs: ["create", "get"],
    },
    {
      name: "eviction",
      responseKind: { group: "policy", version: "v1", kind: "Eviction" },
      verbs: ["create"],
    },
    {
      name: "exec",
      responseKind: { group: "", version: "v1", kind: "PodExecOptions" },
      verbs: ["create", "get"],
    },
    { name: "log", responseKind: { group: "", version: "v1", kind: "Pod" }, verbs: ["get"] },
  ],
  selectableFields: [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
  ],
  hasGeneration: true,
  schema: pod,
});

export const eventKind = kindInfo({
  kind: "Event",
  shortNames: ["ev"],
  selectableFields: eventFields,
  schema: event,
});

export const eventsV1EventKind = kindInfo({
  group: "events.k8s.io",
  kind: "Event",
  shortNames: ["ev"],
  selectableFields: [
    ...eventFields
      .filter((field) => field.startsWith("involvedObject."))
      .map((field) => field.replace("involvedObject.", "regarding.")),
    "reason",
    "reportingController",
    "type",
  ],
  schema: eventsV1Event,
});

export const namespaceKind = kindInfo({
  kind: "Namespace",
  shortNames: ["ns"],
  clusterScoped: true,
  verbs: allVerbs.filter((verb) => verb !== "deletecollection"),
  status: true,
  subresources: [
    {
      name: "finalize",
      responseKind: { group: "", version: "v1", kind: "Namespace" },
      verbs: ["update"],
    },
  ],
  selectableFields: ["status.phase"],
  schema: namespace,
});

export const nodeKind = kindInfo({
  kind: "Node",
  shortNames: ["no"],
  clusterScoped: true,
  // Workers register themselves; clients may mark them (cordon, labels, annotations).
  verbs: ["get", "list", "patch", "update", "watch"],
  status: true,
  selectableFields: ["spec.unschedulable"],
  schema: node,
});

export const configMapKind = kindInfo({ kind: "ConfigMap", shortNames: ["cm"], schema: configMap });

export const secretKind = kindInfo({
  kind: "Secret",
  selectableFields: ["type"],
  schema: secret,
});

export const serviceAccountKind = kindInfo({
  kind: "ServiceAccount",
  shortNames: ["sa"],
  schema: serviceAccount,
});

export const serviceKind = kindInfo({
  kind: "Service",
  shortNames: ["svc"],
  all: true,
  status: true,
  selectableFields: ["spec.clusterIP", "spec.type"],
  schema: service,
});

export const leaseKind = kindInfo({ group: "coordination.k8s.io", kind: "Lease", schema: lease });

/** In the order of discovery: core first, then by group; resources by plural. */
export const kinds: readonly KindInfo[] = [
  configMapKind,
  eventKind,
  namespaceKind,
  nodeKind,
  podKind,
  secretKind,
  serviceAccountKind,
  serviceKind,
  eventsV1EventKind,
  cronJobKind,
  jobKind,
  leaseKind,
];

const byResource = new Map(kinds.map((info) => [`${info.apiVersion}/${info.plural}`, info]));
const byKind = new Map(kinds.map((info) => [`${info.apiVersion}/${info.kind}`, info]));

/** By what stands in a URL: `batch/v1` and `jobs`. */
export const kindOfResource = (apiVersion: string, plural: string): KindInfo | undefined =>
  byResource.get(`${apiVersion}/${plural}`);

/** By what stands in an object. */
export const kindOfObject = (apiVersion: string, kind: string): KindInfo | undefined =>
  byKind.get(`${apiVersion}/${kind}`);
