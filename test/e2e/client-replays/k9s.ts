// What k9s sends: its start, its views as Tables and informers, and its keys on Jobs and CronJobs.
import { CRON_JOBS, cronJob, JOBS, job, JSON_TYPE, type Replay, type Step } from "./steps.ts";

const table = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io, application/json" };
const REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

const mayI = (verb: string, group: string, resource: string): Step => ({
  what: `may it ${verb} ${resource}?`,
  method: "POST",
  path: REVIEWS,
  headers: JSON_TYPE,
  body: {
    kind: "SelfSubjectAccessReview",
    apiVersion: "authorization.k8s.io/v1",
    metadata: {},
    spec: { resourceAttributes: { namespace: "", verb, group, resource } },
    status: { allowed: false },
  },
  status: 201,
  check: ({ status }) => {
    if (status.allowed !== true) throw new Error("not allowed");
  },
});

const view = (path: string): Step => ({
  what: `the view of ${path}`,
  path,
  headers: table,
  check: ({ kind, columnDefinitions, rows }) => {
    if (kind !== "Table" || columnDefinitions.length === 0) throw new Error(`a ${kind}`);
    if (
      rows?.some(
        ({ object }: { object: { kind: string } }) => object.kind !== "PartialObjectMetadata",
      )
    )
      throw new Error("a row without metadata");
  },
});

const informer = (path: string): Step[] => [
  {
    what: `an informer lists ${path}`,
    path: `${path}?limit=500&resourceVersion=0`,
    headers: { accept: "application/json" },
    check: ({ metadata }, memory) => void (memory[path] = metadata.resourceVersion),
  },
  {
    what: `and watches ${path}`,
    path: (memory) =>
      `${path}?allowWatchBookmarks=true&resourceVersion=${memory[path]}&timeoutSeconds=1&watch=true`,
    headers: { accept: "application/json" },
    quiet: true,
  },
];

export const k9s: Replay = {
  client: "k9s",
  source: "derailed/k9s: internal/client/client.go, internal/dao/table.go, internal/dao/cronjob.go",
  steps: [
    { what: "the version, to see whether the server is there", path: "/version?timeout=15s" },
    {
      what: "the groups, for metrics.k8s.io",
      path: "/apis",
      headers: { accept: "application/json" },
      check: ({ groups }) => {
        const names = groups.map(({ name }: { name: string }) => name);
        if (names.includes("metrics.k8s.io")) throw new Error("no metrics are served");
      },
    },
    {
      what: "the resources of a group",
      path: "/apis/batch/v1",
      headers: { accept: "application/json" },
    },
    { what: "the namespaces", path: "/api/v1/namespaces" },
    ...["list", "watch", "get", "delete", "patch", "update"].map((verb) =>
      mayI(verb, "batch", "jobs"),
    ),
    ...["list", "watch"].map((verb) => mayI(verb, "", "pods")),
    {
      what: "a Job is there",
      method: "POST",
      path: JOBS,
      headers: JSON_TYPE,
      body: job("seen"),
      status: 201,
    },
    ...["/apis/batch/v1/jobs", "/apis/batch/v1/cronjobs", "/api/v1/pods", "/api/v1/nodes"].map(
      view,
    ),
    ...["/api/v1/events", "/api/v1/namespaces", "/api/v1/configmaps", "/api/v1/secrets"].map(view),
    ...["/apis/apps/v1/deployments", "/apis/apps/v1/replicasets"].map(view),
    {
      ...view(`${JOBS}?includeObject=Object`),
      headers: { accept: "application/json" },
      check: () => {},
    },
    {
      what: "a Table watch with whole objects",
      path: `${JOBS}?includeObject=Object&resourceVersion=0&watch=true&timeoutSeconds=5`,
      headers: table,
      until: (events) => {
        const rows = events.flatMap(({ object }) => (object.kind === "Table" ? object.rows : []));
        return rows.some(({ object }) => object.kind === "Job" && object.metadata.name === "seen");
      },
    },
    ...informer("/apis/batch/v1/jobs"),
    ...informer("/api/v1/pods"),
    {
      what: "a CronJob is there",
      method: "POST",
      path: CRON_JOBS,
      headers: JSON_TYPE,
      body: cronJob("tick"),
      status: 201,
    },
    {
      what: "key s: it suspends a CronJob",
      method: "PATCH",
      path: `${CRON_JOBS}/tick`,
      headers: { "content-type": "application/merge-patch+json" },
      body: { spec: { suspend: true } },
    },
    {
      what: "key t: it triggers it: a Job from its template",
      method: "POST",
      path: JOBS,
      headers: JSON_TYPE,
      body: {
        ...job("tick-manual-abc"),
        metadata: {
          name: "tick-manual-abc",
          annotations: { "cronjob.kubernetes.io/instantiate": "manual" },
          ownerReferences: [],
        },
      },
      status: 201,
    },
    {
      what: "key ctrl-d: it deletes with a policy",
      method: "DELETE",
      path: `${JOBS}/tick-manual-abc`,
      headers: JSON_TYPE,
      body: { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Background" },
    },
    {
      what: "pulses: metrics that are not there",
      path: "/apis/metrics.k8s.io/v1beta1/nodes",
      status: 404,
      type: "text/plain",
    },
  ],
};
