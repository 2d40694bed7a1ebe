// What Helm sends: releases as Secrets, a chart of a Job and a CronJob, hooks that are Jobs, and waiting.
// Helm 3 creates and patches; Helm 4 applies.
import {
  cronJob,
  CRON_JOBS,
  job,
  JOBS,
  JSON_TYPE,
  type Replay,
  SECRETS,
  type Step,
  TYPED,
} from "./steps.ts";

const agent = { "user-agent": "Helm/3.19.0" };
const typed = { ...TYPED, ...agent };

const release = (version: number, status: string): object => ({
  kind: "Secret",
  apiVersion: "v1",
  metadata: {
    name: `sh.helm.release.v1.nightly.v${version}`,
    labels: { name: "nightly", owner: "helm", status, version: String(version), createdAt: "1" },
  },
  type: "helm.sh/release.v1",
  data: { release: Buffer.from("H4sIAAAAAAAC").toString("base64") },
});

const releases = (selector: string, count: number): Step => ({
  what: `releases by ${selector}`,
  path: `${SECRETS}?labelSelector=${encodeURIComponent(selector)}`,
  headers: typed,
  check: ({ items }) => {
    if (items.length !== count) throw new Error(`${items.length} releases`);
  },
});

const saveNew = (version: number, status: string): Step => ({
  what: `it makes release ${version}`,
  method: "POST",
  path: SECRETS,
  headers: { ...typed, ...JSON_TYPE },
  body: release(version, status),
  status: 201,
});

const save = (version: number, status: string): Step => ({
  what: `release ${version} is ${status}`,
  method: "PUT",
  path: `${SECRETS}/sh.helm.release.v1.nightly.v${version}`,
  headers: { ...typed, ...JSON_TYPE },
  body: release(version, status),
});

const untilComplete = (name: string): Step => ({
  what: `it waits for Job ${name}`,
  path: `${JOBS}?fieldSelector=metadata.name%3D${name}&resourceVersion=0&watch=true`,
  headers: { accept: "application/json" },
  until: (events) =>
    events.some(({ object }) =>
      object.status?.conditions?.some(
        ({ type, status }: { type: string; status: string }) =>
          type === "Complete" && status === "True",
      ),
    ),
});

const APPLY = {
  ...agent,
  accept: "application/json",
  "content-type": "application/apply-patch+yaml",
};

const install: readonly Step[] = [
  { what: "the version", path: "/version" },
  releases("name=nightly,owner=helm", 0),
  { what: "validation reads the schemas", path: "/openapi/v3", type: "text/plain" },
  saveNew(1, "pending-install"),
  {
    what: "a hook is not there yet",
    path: `${JOBS}/hook`,
    headers: { accept: "application/json" },
    status: 404,
  },
  {
    what: "Helm 3 makes it",
    method: "POST",
    path: `${JOBS}?fieldManager=helm`,
    headers: { ...agent, ...JSON_TYPE, accept: "application/json" },
    body: job("hook", { annotations: { "helm.sh/hook": "pre-install" } }),
    status: 201,
  },
  untilComplete("hook"),
  {
    what: "hook-succeeded: it deletes it",
    method: "DELETE",
    path: `${JOBS}/hook`,
    headers: { ...agent, ...JSON_TYPE },
    body: { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Background" },
  },
  ...[cronJob("nightly"), job("migrate")].map((body): Step => ({
    what: "Helm 3 makes what the chart has",
    method: "POST",
    path: `${"schedule" in (body as { spec: object }).spec ? CRON_JOBS : JOBS}?fieldManager=helm`,
    headers: { ...agent, ...JSON_TYPE, accept: "application/json" },
    body,
    status: 201,
  })),
  untilComplete("migrate"),
  save(1, "deployed"),
];

const upgrade: readonly Step[] = [
  releases("name=nightly,owner=helm,status=deployed", 1),
  saveNew(2, "pending-upgrade"),
  {
    what: "Helm 3 reads what is there",
    path: `${CRON_JOBS}/nightly`,
    headers: { accept: "application/json" },
  },
  {
    what: "and patches the difference of three",
    method: "PATCH",
    path: `${CRON_JOBS}/nightly?fieldManager=helm`,
    headers: { ...agent, "content-type": "application/strategic-merge-patch+json" },
    body: { spec: { schedule: "30 3 * * *" } },
    check: ({ spec, metadata }, memory) => {
      if (spec.schedule !== "30 3 * * *") throw new Error(spec.schedule);
      memory["fields"] = JSON.stringify(metadata.managedFields);
      memory["rv"] = metadata.resourceVersion;
    },
  },
  {
    what: "Helm 4 takes over from Helm 3's manager",
    method: "PATCH",
    path: `${CRON_JOBS}/nightly?fieldManager=helm&fieldValidation=Strict`,
    headers: { ...agent, "content-type": "application/json-patch+json" },
    // client-go's csaupgrade: its updates become applies.
    body: ({ fields = "[]", rv }) => [
      {
        op: "replace",
        path: "/metadata/managedFields",
        value: (JSON.parse(fields) as { manager: string }[]).map((entry) =>
          entry.manager === "helm" ? { ...entry, operation: "Apply" } : entry,
        ),
      },
      { op: "replace", path: "/metadata/resourceVersion", value: rv },
    ],
  },
  {
    what: "Helm 4 applies, after a dry run",
    method: "PATCH",
    path: `${CRON_JOBS}/nightly?dryRun=All&fieldManager=helm&fieldValidation=Strict&force=false`,
    headers: APPLY,
    body: cronJob("nightly", "45 3 * * *"),
  },
  {
    what: "Helm 4 applies",
    method: "PATCH",
    path: `${CRON_JOBS}/nightly?fieldManager=helm&fieldValidation=Strict&force=false`,
    headers: APPLY,
    body: cronJob("nightly", "45 3 * * *"),
    check: ({ spec, metadata }) => {
      if (spec.schedule !== "45 3 * * *") throw new Error(spec.schedule);
      const [owner] = metadata.managedFields;
      if (owner.operation !== "Apply" || owner.manager !== "helm") throw new Error("not its own");
    },
  },
  {
    what: "a mistake in the chart is refused (Strict)",
    method: "PATCH",
    path: `${CRON_JOBS}/nightly?fieldManager=helm&fieldValidation=Strict&force=false`,
    headers: APPLY,
    body: {
      ...cronJob("nightly"),
      spec: { ...(cronJob("nightly") as { spec: object }).spec, typo: 1 },
    },
    status: 400,
  },
  {
    what: "a Job's template is immutable: Helm says so and the release fails",
    method: "PATCH",
    path: `${JOBS}/migrate?fieldManager=helm`,
    headers: { ...agent, "content-type": "application/strategic-merge-patch+json" },
    body: { spec: { template: { spec: { containers: [{ name: "main", image: "other" }] } } } },
    status: 422,
  },
  save(1, "superseded"),
  save(2, "deployed"),
];

const uninstall: readonly Step[] = [
  ...[`${CRON_JOBS}/nightly`, `${JOBS}/migrate`].map((path): Step => ({
    what: "it deletes what the chart had",
    method: "DELETE",
    path,
    headers: { ...agent, ...JSON_TYPE },
    body: { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Background" },
  })),
  releases("name=nightly,owner=helm", 2),
  ...[1, 2].map((version): Step => ({
    what: "and its releases",
    method: "DELETE",
    path: `${SECRETS}/sh.helm.release.v1.nightly.v${version}`,
    headers: typed,
  })),
];

export const helm: Replay = {
  client: "Helm",
  source: "helm/helm: pkg/storage/driver/secrets.go, pkg/kube/client.go",
  steps: [...install, ...upgrade, ...uninstall],
};
