// What client-go and controller-runtime send: discovery, reflectors, metadata informers, leader
// election, Events, and server-side apply.
import {
  AGGREGATED,
  initialEventsEnd,
  job,
  JOBS,
  JSON_TYPE,
  type Replay,
  type Step,
  TYPED,
} from "./steps.ts";

const agent = { "user-agent": "manager/v0.0.0 (linux/amd64) kubernetes/$Format" };
const typed = { ...TYPED, ...agent };
const LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const list = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const single = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const watchList =
  "allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&sendInitialEvents=true" +
  "&timeout=7m40s&timeoutSeconds=460&watch=true";

const reflector: readonly Step[] = [
  {
    what: "the RESTMapper reads aggregated discovery",
    path: "/apis?timeout=32s",
    headers: { accept: AGGREGATED },
    type: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    check: ({ items }, memory) => {
      const names = items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
      memory["batch"] = String(names.includes("batch"));
    },
  },
  {
    what: "and of the core group",
    path: "/api?timeout=32s",
    headers: { accept: AGGREGATED },
    type: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
  },
  {
    what: "a Job is there",
    method: "POST",
    path: JOBS,
    headers: JSON_TYPE,
    body: job("one"),
    status: 201,
  },
  {
    what: "a reflector lists by a watch (WatchList, on by default since 1.35)",
    path: `/apis/batch/v1/jobs?${watchList}`,
    headers: typed,
    until: (events, memory) => {
      const end = events.find(initialEventsEnd);
      if (end === undefined) return false;
      memory["rv"] = end.object.metadata.resourceVersion;
      const added = events.filter(({ type }) => type === "ADDED").map(({ object }) => object);
      return added.some(({ metadata }) => metadata.name === "one");
    },
  },
  {
    what: "it resumes from its revision, with bookmarks",
    path: ({ rv }) =>
      `/apis/batch/v1/jobs?allowWatchBookmarks=true&resourceVersion=${rv}&timeoutSeconds=1&watch=true`,
    headers: typed,
    quiet: true,
  },
  {
    what: "an older reflector lists from the cache in pages",
    path: "/apis/batch/v1/jobs?limit=500&resourceVersion=0",
    headers: typed,
    check: ({ kind, metadata }, memory) => {
      if (kind !== "JobList") throw new Error(`a ${kind}`);
      memory["listed"] = metadata.resourceVersion;
    },
  },
  {
    what: "it lists anew at what it has seen",
    path: ({ listed }) => `/apis/batch/v1/jobs?resourceVersion=${listed}`,
    headers: typed,
  },
  {
    what: "a list of what nobody changes",
    path: "/api/v1/namespaces?limit=500&resourceVersion=0",
    headers: typed,
    check: ({ metadata }, memory) => void (memory["namespaces"] = metadata.resourceVersion),
  },
  {
    what: "and a consistent read of it at that revision",
    path: ({ namespaces }) =>
      `/api/v1/namespaces?resourceVersion=${namespaces}&resourceVersionMatch=Exact&limit=500`,
    headers: typed,
  },
  {
    what: "a revision long gone: the watch says Expired, and the reflector lists anew",
    path: "/apis/batch/v1/jobs?allowWatchBookmarks=true&resourceVersion=1&timeoutSeconds=1&watch=true",
    headers: typed,
    until: (events) => {
      const error = events.find(({ type }) => type === "ERROR");
      // A young installation may still have it all.
      return error === undefined || error.object.reason === "Expired";
    },
  },
  {
    what: "a metadata informer lists",
    path: "/api/v1/pods?limit=500&resourceVersion=0",
    headers: {
      ...agent,
      accept: `application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,${list}`,
    },
    check: ({ kind }) => {
      if (kind !== "PartialObjectMetadataList") throw new Error(`a ${kind}`);
    },
  },
  {
    what: "and watches",
    path: `/apis/batch/v1/jobs?${watchList}`,
    headers: {
      ...agent,
      accept: `application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,${single}`,
    },
    until: (events) =>
      events.some(initialEventsEnd) &&
      events.every(({ object }) => object.kind === "PartialObjectMetadata"),
  },
];

const lease = (holderIdentity: string, second: number, resourceVersion?: string): object => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name: "leader", namespace: "default", ...(resourceVersion && { resourceVersion }) },
  spec: {
    holderIdentity,
    leaseDurationSeconds: 15,
    acquireTime: "2026-01-01T00:00:00.000000Z",
    renewTime: `2026-01-01T00:00:0${second}.000000Z`,
    leaseTransitions: 0,
  },
});

const leader: readonly Step[] = [
  {
    what: "leader election: no Lease yet",
    path: `${LEASES}/leader?timeout=5s`,
    headers: typed,
    status: 404,
  },
  {
    what: "it makes one",
    method: "POST",
    path: `${LEASES}?timeout=5s`,
    headers: { ...typed, ...JSON_TYPE },
    body: lease("a", 0),
    status: 201,
    check: ({ metadata }, memory) => void (memory["lease"] = metadata.resourceVersion),
  },
  {
    what: "it renews it",
    method: "PUT",
    path: `${LEASES}/leader?timeout=5s`,
    headers: { ...typed, ...JSON_TYPE },
    body: ({ lease: rv }) => lease("a", 2, rv),
  },
  {
    what: "another one comes too late",
    method: "PUT",
    path: `${LEASES}/leader?timeout=5s`,
    headers: { ...typed, ...JSON_TYPE },
    body: ({ lease: rv }) => lease("b", 3, rv),
    status: 409,
  },
];

const event = {
  metadata: { name: "one.18a2", namespace: "default" },
  involvedObject: { kind: "Job", namespace: "default", name: "one", apiVersion: "batch/v1" },
  reason: "Reconciled",
  message: "done",
  source: { component: "manager" },
  firstTimestamp: "2026-01-01T00:00:00Z",
  lastTimestamp: "2026-01-01T00:00:00Z",
  count: 1,
  type: "Normal",
};

const EVENTS = "/api/v1/namespaces/default/events";

const writes: readonly Step[] = [
  {
    what: "the recorder makes an Event",
    method: "POST",
    path: EVENTS,
    headers: { ...typed, ...JSON_TYPE },
    body: event,
    status: 201,
  },
  {
    what: "and counts it up",
    method: "PATCH",
    path: `${EVENTS}/one.18a2`,
    headers: { ...typed, "content-type": "application/strategic-merge-patch+json" },
    body: { count: 2, lastTimestamp: "2026-01-01T00:01:00Z" },
    check: ({ count }) => {
      if (count !== 2) throw new Error(`count ${count}`);
    },
  },
  {
    what: "controller-runtime applies",
    method: "PATCH",
    path: `${JOBS}/applied?fieldManager=manager&force=true`,
    headers: { ...typed, "content-type": "application/apply-patch+yaml" },
    body: job("applied", { labels: { app: "x" } }),
    status: 201,
  },
  {
    what: "controllerutil.AddFinalizer patches with the version it has seen",
    method: "PATCH",
    path: `${JOBS}/applied`,
    headers: { ...typed, "content-type": "application/merge-patch+json" },
    body: { metadata: { finalizers: ["example.com/hold"], resourceVersion: "1" } },
    status: 409,
  },
  {
    what: "a status is patched, of a Job that it manages itself",
    method: "PATCH",
    path: `${JOBS}/applied/status?fieldManager=manager`,
    headers: { ...typed, "content-type": "application/merge-patch+json" },
    body: { metadata: { annotations: { seen: "true" } } },
  },
  {
    what: "deletion with preconditions",
    method: "DELETE",
    path: `${JOBS}/applied`,
    headers: { ...typed, ...JSON_TYPE },
    body: {
      kind: "DeleteOptions",
      apiVersion: "v1",
      propagationPolicy: "Background",
      preconditions: { uid: "other" },
    },
    status: 409,
  },
];

export const clientGo: Replay = {
  client: "client-go, controller-runtime",
  source: "kubernetes/client-go: tools/cache/reflector.go, tools/leaderelection, discovery",
  steps: [...reflector, ...leader, ...writes],
};
