// A second opinion on the task definitions that the ecs runtime makes: the validator that comes with
// the CDK, which knows CloudFormation's schema of them and Fargate's sizes.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type EcsSettingsFile,
  parseEcsSettings,
  planTask,
  type PodSpec,
  type TaskPlan,
} from "@gantry/core";
import { App, CfnResource, Stack } from "aws-cdk-lib";
import { expect, test } from "vitest";

const file: EcsSettingsFile = {
  engineId: "test",
  region: "eu-central-1",
  lanes: [
    { name: "fargate", cluster: "jobs", launchType: "FARGATE" },
    { name: "arm", cluster: "jobs", capacityProvider: "FARGATE_SPOT", arch: "arm64" },
    { name: "ec2", cluster: "jobs", capacityProvider: "asg", gpu: true },
  ],
  network: { subnets: [{ id: "subnet-0" }], securityGroups: [] },
  executionRoleArn: "arn:aws:iam::123456789012:role/execution",
  taskRoles: { "ns/runner": "arn:aws:iam::123456789012:role/runner" },
  secrets: { "ns/db/password": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db" },
  imagePullSecrets: {
    "ns/registry": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:registry",
  },
  efs: {
    claims: {
      "ns/data": { fileSystemId: "fs-01234567", accessPointId: "fsap-01234567", iam: true },
    },
    servers: { files: { fileSystemId: "fs-01234567", rootDirectory: "/export" } },
  },
  waiter: { image: "busybox" },
  logs: { mode: "non-blocking", createGroup: true },
};
const settings = parseEcsSettings(file);

const main = { name: "main", image: "perl:5.34" };

const pods: Readonly<Record<string, PodSpec>> = {
  Smallest: { containers: [main] },
  Command: {
    containers: [{ ...main, command: ["perl", "-e", "1"], args: ["x"], workingDir: "/tmp" }],
  },
  Spilled: {
    containers: [
      { ...main, env: [{ name: "BIG", value: "x".repeat(9000) }], args: ["y".repeat(9000)] },
    ],
  },
  Init: {
    initContainers: [
      { name: "first", image: "busybox" },
      {
        name: "proxy",
        image: "envoy",
        restartPolicy: "Always",
        startupProbe: { exec: { command: ["true"] }, periodSeconds: 1, failureThreshold: 30 },
      },
    ],
    containers: [main],
  },
  Several: { containers: [main, { name: "other", image: "busybox" }] },
  Volumes: {
    volumes: [
      { name: "disk", emptyDir: {} },
      { name: "memory", emptyDir: { medium: "Memory", sizeLimit: "64Mi" } },
      { name: "claim", persistentVolumeClaim: { claimName: "data" } },
      { name: "share", nfs: { server: "files", path: "/a" } },
    ],
    containers: [
      {
        ...main,
        volumeMounts: ["disk", "memory", "claim", "share"].map((name) => ({
          name,
          mountPath: `/${name}`,
        })),
      },
    ],
  },
  Security: {
    shareProcessNamespace: true,
    terminationGracePeriodSeconds: 120,
    imagePullSecrets: [{ name: "registry" }],
    securityContext: { runAsUser: 1000, runAsGroup: 1000 },
    containers: [
      {
        ...main,
        tty: true,
        stdin: true,
        env: [{ name: "PASS", valueFrom: { secretKeyRef: { name: "db", key: "password" } } }],
        securityContext: {
          readOnlyRootFilesystem: true,
          capabilities: { add: ["SYS_PTRACE"], drop: ["ALL"] },
        },
      },
    ],
  },
  Large: {
    containers: [
      {
        ...main,
        resources: { limits: { cpu: "9", memory: "70Gi", "ephemeral-storage": "100Gi" } },
      },
    ],
  },
};

/** As one definition, so that the sizes of the task are looked at, too. */
const planned = (spec: PodSpec, laneName: string): TaskPlan => {
  const lane = settings.lanes.find(({ name }) => name === laneName);
  if (lane === undefined) throw new Error("no such lane");
  const pod = {
    namespace: "ns",
    name: "pod",
    uid: "00000000-0000-0000-0000-000000000000",
    labels: {},
    annotations: {},
    serviceAccountName: "runner",
    spec,
    configMaps: new Map(),
  };
  const plan = planTask({ pod, lane, settings, attempt: 1 });
  if (!plan.ok) throw new Error(plan.rejection.message);
  return plan;
};

/** Keys of these are data. */
const verbatim = new Set(["options"]);

const special: Readonly<Record<string, string>> = {
  efsVolumeConfiguration: "EFSVolumeConfiguration",
  fileSystemId: "FilesystemId",
  iam: "IAM",
  sizeInGiB: "SizeInGiB",
};

const pascal = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(pascal);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      special[key] ?? `${key.charAt(0).toUpperCase()}${key.slice(1)}`,
      verbatim.has(key) ? one : pascal(one),
    ]),
  );
};

const properties = ({ definition, overrides }: TaskPlan): Record<string, unknown> => {
  const { cpu, memory, taskRoleArn, ephemeralStorage } = overrides;
  const containerDefinitions = definition.containerDefinitions.map((container) => {
    const own = overrides.containerOverrides.find(({ name }) => name === container.name);
    return { ...container, ...own };
  });
  const task = { cpu, memory, taskRoleArn, ephemeralStorage };
  const whole = { ...definition, ...task, family: "gantry-x", containerDefinitions };
  return pascal(JSON.parse(JSON.stringify(whole))) as Record<string, unknown>;
};

interface Report {
  readonly pluginReports: readonly {
    readonly violations: readonly { readonly ruleName: string; readonly description: string }[];
  }[];
}

/** What the validator has to say. */
const findings = (all: Readonly<Record<string, Record<string, unknown>>>): string[] => {
  const outdir = mkdtempSync(join(tmpdir(), "gantry-definitions-"));
  try {
    const app = new App({ outdir, analyticsReporting: false });
    const stack = new Stack(app, "Definitions");
    for (const [id, given] of Object.entries(all)) {
      new CfnResource(stack, id, { type: "AWS::ECS::TaskDefinition", properties: given });
    }
    app.synth();
    const text = readFileSync(join(outdir, "validation-report.json"), "utf8");
    const { pluginReports } = JSON.parse(text) as Report;
    return pluginReports.flatMap(({ violations }) =>
      violations.map(({ ruleName, description }) => `${ruleName}: ${description}`),
    );
  } finally {
    rmSync(outdir, { recursive: true });
  }
};

test("every definition that the runtime makes is one that CloudFormation takes", () => {
  const all = Object.entries(pods).flatMap(([name, spec]) =>
    settings.lanes.map(
      ({ name: lane }) => [`${name}On${lane}`, properties(planned(spec, lane))] as const,
    ),
  );
  expect(findings(Object.fromEntries(all))).toEqual([]);
});

test("the validator sees what is wrong", () => {
  const good = properties(planned(pods["Smallest"] ?? {}, "fargate"));
  expect(findings({ Pair: { ...good, Memory: "9999" } }).join()).toContain("E3047");
  expect(findings({ Unknown: { ...good, Colour: "blue" } }).join()).toContain("F3002");
  expect(findings({ Mode: { ...good, NetworkMode: "host" } }).join()).toContain("E3048");
});
