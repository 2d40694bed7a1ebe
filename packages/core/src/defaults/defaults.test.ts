// What defaulting writes into Jobs, CronJobs and Pods (job-spec 2 M9, 3, 4 S1, 5, 6).
import { describe, expect, test } from "vitest";
import { jobManifest, jobUid, podWith, storedPod, templateSpec } from "../../test/manifests.ts";
import type { JobSpec } from "../schema/batch.ts";
import type { Container } from "../schema/container.ts";
import type { Volume } from "../schema/volume.ts";
import { defaultNamespace } from "./config.ts";
import { defaultCronJob } from "./cron-job.ts";
import { generatedLabels, generateSelector } from "./generated-selector.ts";
import { defaultPullPolicy } from "./image-pull-policy.ts";
import { defaultJob } from "./job.ts";
import { admitPod, defaultPod, defaultPodTemplate } from "./pod.ts";

describe("3 Jobs", () => {
  const plain = {
    parallelism: 1,
    completions: 1,
    backoffLimit: 6,
    completionMode: "NonIndexed",
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: "TerminatingOrFailed",
  };
  type Case = readonly [string, JobSpec, JobSpec];
  const cases: readonly Case[] = [
    ["nothing given", {}, plain],
    ["parallelism alone leaves completions unset", { parallelism: 2 }, { parallelism: 2 }],
    ["completions alone", { completions: 3 }, { completions: 3, parallelism: 1 }],
    ["0 is a value", { parallelism: 0, backoffLimit: 0 }, { parallelism: 0, backoffLimit: 0 }],
    ["backoffLimitPerIndex", { backoffLimitPerIndex: 0 }, { backoffLimit: 2147483647 }],
    ["podFailurePolicy", { podFailurePolicy: { rules: [] } }, { podReplacementPolicy: "Failed" }],
    [
      "status of a condition",
      { podFailurePolicy: { rules: [{ action: "Ignore", onPodConditions: [{ type: "X" }] }] } },
      {
        podFailurePolicy: {
          rules: [{ action: "Ignore", onPodConditions: [{ type: "X", status: "True" }] }],
        },
      },
    ],
  ];
  test.each(cases)("%s", (_, given, expected) => {
    const { spec } = defaultJob(jobManifest(given));
    const { template: _template, ...rest } = spec;
    expect(rest).toMatchObject(expected);
    expect(defaultJob({ spec }).spec).toEqual(spec);
  });

  test("completions is 1 only if parallelism is absent too", () => {
    expect(defaultJob(jobManifest({ parallelism: 1 })).spec).not.toHaveProperty("completions");
  });

  test("the argument stays as it was", () => {
    const manifest = jobManifest();
    const before = structuredClone(manifest);
    generateSelector(defaultJob(manifest), jobUid);
    expect(manifest).toEqual(before);
  });
});

describe("4 generated labels", () => {
  const labelled = (labels: Record<string, string>, own?: Record<string, string>) => ({
    metadata: { name: "demo", ...(own && { labels: own }) },
    spec: { template: { metadata: { labels }, spec: templateSpec() } },
  });
  const generated = generatedLabels("demo", jobUid);

  test("S1: four labels, one in the selector", () => {
    const job = generateSelector(defaultJob(jobManifest()), jobUid);
    expect(job.spec.template.metadata?.labels).toEqual({
      "job-name": "demo",
      "batch.kubernetes.io/job-name": "demo",
      "controller-uid": jobUid,
      "batch.kubernetes.io/controller-uid": jobUid,
    });
    expect(job.spec.selector).toEqual({
      matchLabels: { "batch.kubernetes.io/controller-uid": jobUid },
    });
  });

  test("S1: what is there stays", () => {
    const job = generateSelector(defaultJob(labelled({ "job-name": "x" })), jobUid);
    expect(job.spec.template.metadata?.labels).toEqual({ ...generated, "job-name": "x" });
  });

  test("S3: manualSelector", () => {
    const job = defaultJob(jobManifest({ manualSelector: true }));
    expect(generateSelector(job, jobUid)).toBe(job);
  });

  test("M9: a Job without labels has its template's, generated ones included", () => {
    const job = generateSelector(defaultJob(labelled({ app: "x" })), jobUid);
    expect(job.metadata.labels).toEqual({ app: "x", ...generated });
  });

  test("M9: without labels of the template only from the next read on", () => {
    const job = generateSelector(defaultJob(jobManifest()), jobUid);
    expect(job.metadata.labels).toBeUndefined();
    expect(defaultJob(job).metadata.labels).toEqual(generated);
  });

  test("M9: labels of its own, though equal to the template's, stay its own", () => {
    const job = generateSelector(defaultJob(labelled({ app: "x" }, { app: "x" })), jobUid);
    expect(job.metadata.labels).toEqual({ app: "x" });
  });
});

test("5 CronJobs: no defaults of Jobs in the template", () => {
  const { spec } = defaultCronJob({ spec: { schedule: "@daily", jobTemplate: {} } });
  expect(spec).toEqual({
    schedule: "@daily",
    concurrencyPolicy: "Allow",
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
    jobTemplate: { metadata: {}, spec: { template: defaultPodTemplate(undefined) } },
  });
});

describe("6 containers", () => {
  const defaulted = (patch: Container): Container | undefined =>
    podWith(patch).spec?.containers?.[0];

  test("a bare one", () => {
    expect(defaulted({})).toEqual({
      name: "c",
      image: "busybox:1.36",
      resources: {},
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
      imagePullPolicy: "IfNotPresent",
    });
  });

  test("ports, env, probes, hooks", () => {
    const patch: Container = {
      ports: [{ containerPort: 80 }, { containerPort: 53, protocol: "UDP" }],
      env: [
        { name: "A", value: "x" },
        { name: "B", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "C", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
      ],
      livenessProbe: { httpGet: { port: 80 } },
      startupProbe: { grpc: { port: 1 }, periodSeconds: 5 },
      lifecycle: { preStop: { httpGet: { port: "web" } } },
    };
    const thresholds = { timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3 };
    const resourceFieldRef = { resource: "limits.cpu", divisor: "0" };
    expect(defaulted(patch)).toMatchObject({
      ports: [
        { containerPort: 80, protocol: "TCP" },
        { containerPort: 53, protocol: "UDP" },
      ],
      env: [
        { name: "A", value: "x" },
        { name: "B", valueFrom: { fieldRef: { fieldPath: "metadata.name", apiVersion: "v1" } } },
        { name: "C", valueFrom: { resourceFieldRef } },
      ],
      livenessProbe: {
        httpGet: { port: 80, path: "/", scheme: "HTTP" },
        periodSeconds: 10,
        ...thresholds,
      },
      startupProbe: { grpc: { port: 1, service: "" }, periodSeconds: 5, ...thresholds },
      lifecycle: { preStop: { httpGet: { port: "web", path: "/", scheme: "HTTP" } } },
    });
  });

  test("quantities are canonical, to a thousandth; a Pod requests what it is limited to", () => {
    const resources = { limits: { cpu: "0.5", memory: "1024Ki" }, requests: { cpu: "0.1239" } };
    expect(defaulted({ resources })?.resources).toEqual({
      limits: { cpu: "500m", memory: "1Mi" },
      requests: { cpu: "124m", memory: "1Mi" },
    });
    const template = defaultPodTemplate({ spec: { containers: [{ resources }] } });
    expect(template.spec?.containers?.[0]?.resources?.requests).toEqual({ cpu: "124m" });
  });

  test("on the host's network a port is the host's", () => {
    const { spec } = podWith(
      { ports: [{ containerPort: 80 }, { containerPort: 81, hostPort: 9 }] },
      { hostNetwork: true },
    );
    expect(spec?.containers?.[0]?.ports?.map(({ hostPort }) => hostPort)).toEqual([80, 9]);
  });

  test.each([
    ["x", "Always"],
    ["x:latest", "Always"],
    ["registry.example:5000/a/b", "Always"],
    ["x:1", "IfNotPresent"],
    ["registry.example:5000/a/b:1.2", "IfNotPresent"],
    [`x@sha256:${"a".repeat(64)}`, "IfNotPresent"],
    [`x:latest@sha256:${"a".repeat(64)}`, "Always"],
    ["Not A Reference", "IfNotPresent"],
    ["", "IfNotPresent"],
  ])("imagePullPolicy of %j is %s", (image, policy) => {
    expect(defaultPullPolicy(image)).toBe(policy);
  });
});

describe("6 volumes", () => {
  test.each<readonly [Omit<Volume, "name">, Omit<Volume, "name">]>([
    [{}, { emptyDir: {} }],
    [{ emptyDir: { sizeLimit: "1024Mi" } }, { emptyDir: { sizeLimit: "1Gi" } }],
    [{ secret: { secretName: "s" } }, { secret: { secretName: "s", defaultMode: 420 } }],
    [{ configMap: { defaultMode: 0 } }, { configMap: { defaultMode: 0 } }],
    [{ hostPath: { path: "/" } }, { hostPath: { path: "/", type: "" } }],
    [
      { downwardAPI: { items: [{ path: "l", fieldRef: { fieldPath: "metadata.labels" } }] } },
      {
        downwardAPI: {
          defaultMode: 420,
          items: [{ path: "l", fieldRef: { fieldPath: "metadata.labels", apiVersion: "v1" } }],
        },
      },
    ],
    [
      { projected: { sources: [{ serviceAccountToken: { path: "t" } }] } },
      {
        projected: {
          defaultMode: 420,
          sources: [{ serviceAccountToken: { path: "t", expirationSeconds: 3600 } }],
        },
      },
    ],
    [{ image: { reference: "x" } }, { image: { reference: "x", pullPolicy: "Always" } }],
    [{ nfs: { server: "s" } }, { nfs: { server: "s" } }],
  ])("%j becomes %j", (given, expected) => {
    const volumes = storedPod({ volumes: [{ name: "v", ...given }] }).spec?.volumes;
    expect(volumes).toEqual([{ name: "v", ...expected }]);
  });
});

describe("6 Pods", () => {
  test("a bare spec, in a template and in a Pod", () => {
    const template = {
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 30,
      dnsPolicy: "ClusterFirst",
      securityContext: {},
      schedulerName: "default-scheduler",
    };
    expect(defaultPodTemplate({}).spec).toEqual(template);
    expect(defaultPod({}).spec).toEqual({ ...template, enableServiceLinks: true });
    expect(defaultPod({ spec: { enableServiceLinks: false } }).spec?.enableServiceLinks).toBe(
      false,
    );
  });

  test("the deprecated serviceAccount mirrors serviceAccountName", () => {
    expect(defaultPodTemplate({ spec: { serviceAccount: "a" } }).spec).toMatchObject({
      serviceAccountName: "a",
      serviceAccount: "a",
    });
  });

  test("admission adds account, priority and tolerations of lost nodes once", () => {
    const admitted = admitPod(storedPod());
    expect(admitted.spec).toMatchObject({
      serviceAccountName: "default",
      priority: 0,
      preemptionPolicy: "PreemptLowerPriority",
    });
    expect(admitted.spec?.tolerations?.map(({ key }) => key)).toEqual([
      "node.kubernetes.io/not-ready",
      "node.kubernetes.io/unreachable",
    ]);
    expect(admitPod(admitted)).toEqual(admitted);
    const tolerant = storedPod({ tolerations: [{ operator: "Exists" }], serviceAccountName: "a" });
    expect(admitPod(tolerant).spec).toMatchObject({
      tolerations: [{ operator: "Exists" }],
      serviceAccountName: "a",
    });
  });
});

test("Namespaces name themselves in a label", () => {
  expect(defaultNamespace({ metadata: { name: "team-a" } })).toEqual({
    metadata: { name: "team-a", labels: { "kubernetes.io/metadata.name": "team-a" } },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  });
});
