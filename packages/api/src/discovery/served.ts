// Everything discovery lists, by group and version: stored kinds, reviews, and kinds that are always empty.
import { kinds, type KindInfo } from "@gantry/core";

export interface ResponseKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface ServedSubresource {
  readonly name: string;
  readonly responseKind: ResponseKind;
  readonly verbs: readonly string[];
}

export interface ServedResource extends ResponseKind {
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** By name. */
  readonly subresources: readonly ServedSubresource[];
  /** Under which the kind is stored; absent for reviews and for kinds that are always empty. */
  readonly stored?: ResponseKind;
}

export interface GroupVersion {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** `batch/v1`, `v1`. */
  readonly groupVersion: string;
  /** By plural. */
  readonly resources: readonly ServedResource[];
}

const stored = (info: KindInfo): ServedResource => ({
  group: info.group,
  version: info.version,
  kind: info.kind,
  plural: info.plural,
  singular: info.singular,
  namespaced: info.namespaced,
  verbs: info.verbs,
  shortNames: info.shortNames,
  categories: info.categories,
  subresources: info.subresources.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  // Events are kept once, and shown under two groups.
  stored: {
    group: info.kind === "Event" ? "" : info.group,
    version: info.version,
    kind: info.kind,
  },
});

const review = (group: string, kind: string): ServedResource => ({
  group,
  version: "v1",
  kind,
  plural: `${kind.toLowerCase()}s`,
  singular: kind.toLowerCase(),
  namespaced: false,
  verbs: ["create"],
  shortNames: [],
  categories: [],
  subresources: [],
});

interface EmptyKind {
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly plural?: string;
  readonly shortName: string;
  readonly clusterScoped?: true;
  /** Not part of `kubectl get all`. */
  readonly apart?: true;
}

const empty = (given: EmptyKind): ServedResource => ({
  group: given.group ?? "",
  version: given.version ?? "v1",
  kind: given.kind,
  plural: given.plural ?? `${given.kind.toLowerCase()}s`,
  singular: given.kind.toLowerCase(),
  namespaced: given.clusterScoped !== true,
  verbs: ["get", "list", "watch"],
  shortNames: [given.shortName],
  categories: given.apart === true ? [] : ["all"],
  subresources: [],
});

/**
 * Kinds that clients insist on listing, though Gantry has none: `kubectl get all`, `drain`,
 * `apply --prune`.
 */
export const emptyResources: readonly ServedResource[] = [
  empty({ kind: "Endpoints", plural: "endpoints", shortName: "ep", apart: true }),
  empty({ kind: "PersistentVolume", shortName: "pv", clusterScoped: true, apart: true }),
  empty({ kind: "PersistentVolumeClaim", shortName: "pvc", apart: true }),
  empty({ kind: "ReplicationController", shortName: "rc" }),
  empty({ group: "apps", kind: "DaemonSet", shortName: "ds" }),
  empty({ group: "apps", kind: "Deployment", shortName: "deploy" }),
  empty({ group: "apps", kind: "ReplicaSet", shortName: "rs" }),
  empty({ group: "apps", kind: "StatefulSet", shortName: "sts" }),
  empty({ group: "autoscaling", version: "v2", kind: "HorizontalPodAutoscaler", shortName: "hpa" }),
  empty({
    group: "networking.k8s.io",
    kind: "Ingress",
    plural: "ingresses",
    shortName: "ing",
    apart: true,
  }),
];

const reviews: readonly ServedResource[] = [
  review("authentication.k8s.io", "SelfSubjectReview"),
  review("authorization.k8s.io", "SelfSubjectAccessReview"),
  review("authorization.k8s.io", "SelfSubjectRulesReview"),
  review("authorization.k8s.io", "SubjectAccessReview"),
];

const all = [...kinds.map(stored), ...emptyResources, ...reviews];

/** In Kubernetes' order; `policy` has no resource of its own, but clients look for it before they evict. */
const groups: readonly (readonly [group: string, version: string])[] = [
  ["", "v1"],
  ["apps", "v1"],
  ["events.k8s.io", "v1"],
  ["authentication.k8s.io", "v1"],
  ["authorization.k8s.io", "v1"],
  ["autoscaling", "v2"],
  ["batch", "v1"],
  ["networking.k8s.io", "v1"],
  ["policy", "v1"],
  ["coordination.k8s.io", "v1"],
];

export const groupVersions: readonly GroupVersion[] = groups.map(([group, version]) => ({
  group,
  version,
  groupVersion: group === "" ? version : `${group}/${version}`,
  resources: all
    .filter((resource) => resource.group === group && resource.version === version)
    .toSorted((a, b) => (a.plural < b.plural ? -1 : 1)),
}));
