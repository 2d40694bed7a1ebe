// The bodies of discovery: APIVersions, APIGroupList, APIResourceList, and the aggregated form.
import { createHash } from "node:crypto";
import type { GroupVersion, ResponseKind, ServedResource } from "./served.ts";

const names = (resource: ServedResource): object => ({
  ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
  ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
});

/** Kubernetes' fingerprint of the form a kind is stored in. */
const storageVersionHash = ({ group, version, kind }: ResponseKind): string =>
  createHash("sha256")
    .update(`${group}/${version}/${kind}`)
    .digest()
    .subarray(0, 8)
    .toString("base64");

const sameGroup = (a: ResponseKind, b: ResponseKind): boolean =>
  a.group === b.group && a.version === b.version;

function resourceEntries(resource: ServedResource): object[] {
  const { plural, singular, namespaced, kind, verbs } = resource;
  const own = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs,
    ...names(resource),
    ...(resource.stored === undefined
      ? {}
      : { storageVersionHash: storageVersionHash(resource.stored) }),
  };
  const below = resource.subresources.map((subresource) => ({
    name: `${plural}/${subresource.name}`,
    singularName: "",
    namespaced,
    ...(sameGroup(subresource.responseKind, resource)
      ? {}
      : { group: subresource.responseKind.group, version: subresource.responseKind.version }),
    kind: subresource.responseKind.kind,
    verbs: subresource.verbs,
  }));
  return [own, ...below];
}

export const resourceList = (served: GroupVersion): object => ({
  kind: "APIResourceList",
  ...(served.group === "" ? {} : { apiVersion: "v1" }),
  groupVersion: served.groupVersion,
  resources: served.resources.flatMap(resourceEntries),
});

const groupBody = (served: GroupVersion): object => {
  const version = { groupVersion: served.groupVersion, version: served.version };
  return { name: served.group, versions: [version], preferredVersion: version };
};

export const group = (served: GroupVersion): object => ({
  kind: "APIGroup",
  apiVersion: "v1",
  ...groupBody(served),
});

export const groupList = (served: readonly GroupVersion[]): object => ({
  kind: "APIGroupList",
  apiVersion: "v1",
  groups: served.map(groupBody),
});

/** `serverAddress` is what the client called us: `127.0.0.1:6443`. */
export const apiVersions = (serverAddress: string): object => ({
  kind: "APIVersions",
  versions: ["v1"],
  serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
});

const responseKind = (of: ResponseKind, within: ResponseKind): ResponseKind =>
  sameGroup(of, within) ? { group: "", version: "", kind: of.kind } : of;

const aggregatedResource = (resource: ServedResource): object => ({
  resource: resource.plural,
  responseKind: { group: "", version: "", kind: resource.kind },
  scope: resource.namespaced ? "Namespaced" : "Cluster",
  singularResource: resource.singular,
  verbs: resource.verbs,
  ...names(resource),
  ...(resource.subresources.length === 0
    ? {}
    : {
        subresources: resource.subresources.map((subresource) => {
          const { group: ofGroup, version, kind } = subresource.responseKind;
          return {
            subresource: subresource.name,
            responseKind: responseKind({ group: ofGroup, version, kind }, resource),
            verbs: subresource.verbs,
          };
        }),
      }),
});

/** All of one root (`/api` or `/apis`) in one document. */
export const aggregated = (served: readonly GroupVersion[]): object => ({
  kind: "APIGroupDiscoveryList",
  apiVersion: "apidiscovery.k8s.io/v2",
  metadata: {},
  items: served.map((groupVersion) => ({
    metadata: groupVersion.group === "" ? {} : { name: groupVersion.group },
    versions: [
      {
        version: groupVersion.version,
        ...(groupVersion.resources.length === 0
          ? {}
          : { resources: groupVersion.resources.map(aggregatedResource) }),
        freshness: "Current",
      },
    ],
  })),
});
