// What Argo CD sends: its cluster cache over all that discovery lists, its comparison, and its sync.
import { AGGREGATED, cronJob, CRON_JOBS, type Replay, type Step } from "./steps.ts";

const agent = { "user-agent": "argocd-application-controller/v3.2.0" };
const json = { ...agent, accept: "application/json" };

/** All that can be listed and watched, as its first requests learn. */
const cache: readonly Step[] = [
  ...["/api", "/apis"].map((path): Step => ({
    what: `it learns what ${path} has`,
    path,
    headers: { ...agent, accept: AGGREGATED },
    type: "application/json;g=apidiscovery.k8s.io",
  })),
  { what: "the version", path: "/version", headers: agent },
  {
    what: "the schemas, for its comparison",
    path: "/openapi/v2",
    headers: { ...agent, accept: "application/com.github.proto-openapi.spec.v2@v1.0+protobuf" },
    type: "application/com.github.proto-openapi.spec.v2",
  },
  ...[
    ...["configmaps", "events", "namespaces", "nodes", "pods", "replicationcontrollers", "secrets"],
    ...["serviceaccounts", "services"],
  ].flatMap((resource) => listAndWatch(`/api/v1/${resource}`)),
  ...[
    "apps/v1/replicasets",
    "batch/v1/cronjobs",
    "batch/v1/jobs",
    "coordination.k8s.io/v1/leases",
  ].flatMap((resource) => listAndWatch(`/apis/${resource}`)),
];

function listAndWatch(path: string): Step[] {
  return [
    {
      what: `its pager lists ${path}`,
      path: `${path}?limit=1`,
      headers: json,
      check: ({ metadata }, memory) => {
        memory["continue"] = metadata.continue ?? "";
        memory[path] = metadata.resourceVersion;
      },
    },
    {
      what: `the next page of ${path}, where there is one`,
      path: (memory) => {
        const token = memory["continue"] ?? "";
        return `${path}?limit=1${token === "" ? "" : `&continue=${encodeURIComponent(token)}`}`;
      },
      headers: json,
      check: ({ metadata }, memory) => {
        if (memory["continue"] !== "" && metadata.resourceVersion !== memory[path])
          throw new Error("a page of another revision");
      },
    },
    {
      what: `its retrying watcher goes on with ${path}`,
      path: (memory) =>
        `${path}?allowWatchBookmarks=true&resourceVersion=${memory[path]}&timeoutSeconds=1&watch=true`,
      headers: json,
      quiet: true,
    },
  ];
}

const TRACKED = {
  annotations: { "argocd.argoproj.io/tracking-id": "app:batch/CronJob:default/argo" },
};
const desired = (schedule: string): object => {
  const object = cronJob("argo", schedule) as { metadata: object };
  return { ...object, metadata: { ...object.metadata, ...TRACKED } };
};
const APPLY = { ...json, "content-type": "application/apply-patch+yaml" };
const manager = "fieldManager=argocd-controller&force=true";

const sync: readonly Step[] = [
  {
    what: "may it?",
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    headers: { ...json, "content-type": "application/json" },
    body: {
      kind: "SelfSubjectAccessReview",
      apiVersion: "authorization.k8s.io/v1",
      spec: { resourceAttributes: { namespace: "*", verb: "list", resource: "jobs" } },
    },
    status: 201,
  },
  {
    what: "sync: a dry run of a server-side apply of what is not there",
    method: "PATCH",
    path: `${CRON_JOBS}/argo?dryRun=All&${manager}`,
    headers: APPLY,
    body: desired("0 1 * * *"),
    status: 201,
  },
  { what: "which changed nothing", path: `${CRON_JOBS}/argo`, headers: json, status: 404 },
  {
    what: "sync: the apply",
    method: "PATCH",
    path: `${CRON_JOBS}/argo?${manager}`,
    headers: APPLY,
    body: desired("0 1 * * *"),
    status: 201,
    check: ({ metadata }, memory) => void (memory["argo"] = metadata.resourceVersion),
  },
  {
    what: "server-side diff: a dry run that would change it",
    method: "PATCH",
    path: `${CRON_JOBS}/argo?dryRun=All&${manager}`,
    headers: APPLY,
    body: desired("0 2 * * *"),
    check: ({ spec }) => {
      if (spec.schedule !== "0 2 * * *") throw new Error(spec.schedule);
    },
  },
  {
    what: "which it did not",
    path: `${CRON_JOBS}/argo`,
    headers: json,
    check: ({ spec, metadata }, memory) => {
      if (spec.schedule !== "0 1 * * *" || metadata.resourceVersion !== memory["argo"])
        throw new Error("changed by a dry run");
    },
  },
  {
    what: "sync again without a change: the revision stays",
    method: "PATCH",
    path: `${CRON_JOBS}/argo?${manager}`,
    headers: APPLY,
    body: desired("0 1 * * *"),
    check: ({ metadata }, memory) => {
      if (metadata.resourceVersion !== memory["argo"]) throw new Error("written again");
    },
  },
  {
    what: "prune: with a policy",
    method: "DELETE",
    path: `${CRON_JOBS}/argo`,
    headers: { ...json, "content-type": "application/json" },
    body: { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Foreground" },
  },
];

export const argoCd: Replay = {
  client: "Argo CD",
  source: "argoproj/gitops-engine: pkg/cache/cluster.go, pkg/utils/kube",
  steps: [...cache, ...sync],
};
