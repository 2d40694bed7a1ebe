// What kube-state-metrics sends: a reflector for each of its default resources, served here or not.
import { type Replay, type Step, TYPED } from "./steps.ts";

const headers = {
  ...TYPED,
  "user-agent": "kube-state-metrics/v2.17.0 (linux/amd64) kube-state-metrics/v2.17.0",
};

const served = [
  ...["configmaps", "endpoints", "namespaces", "nodes", "persistentvolumeclaims"],
  ...["persistentvolumes", "pods", "replicationcontrollers", "secrets", "serviceaccounts"],
  "services",
].map((resource) => `/api/v1/${resource}`);

const servedGroups = [
  ...["cronjobs", "jobs"].map((resource) => `batch/v1/${resource}`),
  ...["daemonsets", "deployments", "replicasets", "statefulsets"].map((one) => `apps/v1/${one}`),
  "autoscaling/v2/horizontalpodautoscalers",
  "coordination.k8s.io/v1/leases",
  "networking.k8s.io/v1/ingresses",
].map((resource) => `/apis/${resource}`);

/** Of groups that are served, and of others: only the former are answered with a Status. */
const missing = [
  ...["limitranges", "resourcequotas"].map((resource) => ({
    path: `/api/v1/${resource}`,
    type: "application/json",
  })),
  { path: "/apis/policy/v1/poddisruptionbudgets", type: "application/json" },
  { path: "/apis/networking.k8s.io/v1/networkpolicies", type: "application/json" },
  ...[
    "admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    "certificates.k8s.io/v1/certificatesigningrequests",
    "storage.k8s.io/v1/storageclasses",
    "storage.k8s.io/v1/volumeattachments",
  ].map((resource) => ({ path: `/apis/${resource}`, type: "text/plain" })),
];

const reflector = (path: string): Step[] => [
  {
    what: `it lists ${path} from the cache`,
    path: `${path}?limit=500&resourceVersion=0`,
    headers,
    check: ({ kind, metadata, items }, memory) => {
      if (!String(kind).endsWith("List") || !Array.isArray(items)) throw new Error(`a ${kind}`);
      memory[path] = metadata.resourceVersion;
    },
  },
  {
    what: `and watches ${path}`,
    path: (memory) =>
      `${path}?allowWatchBookmarks=true&resourceVersion=${memory[path]}&timeoutSeconds=1&watch=true`,
    headers,
    quiet: true,
  },
];

export const kubeStateMetrics: Replay = {
  client: "kube-state-metrics",
  source: "kubernetes/kube-state-metrics: internal/store/builder.go, pkg/options/resource.go",
  steps: [
    { what: "the version, before it starts", path: "/version", headers },
    ...[...served, ...servedGroups].flatMap(reflector),
    ...missing.map(({ path, type }): Step => ({
      what: `${path} is not there: its reflector tries again later, the others go on`,
      path: `${path}?limit=500&resourceVersion=0`,
      headers,
      status: 404,
      type,
    })),
  ],
};
