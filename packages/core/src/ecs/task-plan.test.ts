// ecs.md section 4: from a Pod to a task definition and its overrides.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { PodSpec } from "../schema/pod.ts";
import type { EcsPod } from "./ecs-pod.ts";
import { placesFor } from "./places.ts";
import { runTaskInput } from "./run-task-request.ts";
import { type EcsSettingsFile, parseEcsSettings } from "./settings.ts";
import {
  definitionText,
  familyName,
  MAX_OVERRIDES_BYTES,
  planTask,
  type TaskPlan,
} from "./task-plan.ts";

const file: EcsSettingsFile = {
  engineId: "test",
  region: "eu-west-1",
  lanes: [
    { name: "fargate", cluster: "jobs", launchType: "FARGATE" },
    { name: "arm", cluster: "jobs", capacityProvider: "FARGATE_SPOT", arch: "arm64" },
    {
      name: "metal",
      cluster: "jobs",
      capacityProvider: "asg",
      gpu: true,
      labels: { disk: "fast" },
    },
  ],
  network: {
    subnets: [
      { id: "subnet-a", zone: "eu-west-1a" },
      { id: "subnet-b", zone: "eu-west-1b" },
    ],
    securityGroups: ["sg-1"],
  },
  executionRoleArn: "arn:aws:iam::1:role/exec",
  taskRoles: { "ns/runner": "arn:aws:iam::1:role/runner" },
  annotationRoles: ["arn:aws:iam::1:role/team-*"],
  secrets: {
    "ns/db/password": "arn:aws:secretsmanager:r:1:secret:db:password::",
    "ns/db/user": "arn:aws:secretsmanager:r:1:secret:db:user::",
  },
  imagePullSecrets: { "ns/registry": "arn:aws:secretsmanager:r:1:secret:registry" },
  efs: {
    claims: { "ns/data": { fileSystemId: "fs-1", accessPointId: "fsap-1", iam: true } },
    servers: { "files.local": { fileSystemId: "fs-2", rootDirectory: "/export" } },
  },
  waiter: { image: "busybox" },
};
const settings = parseEcsSettings(file);
const [fargate, , metal] = settings.lanes;

const podOf = (spec: PodSpec, change: Partial<EcsPod> = {}): EcsPod => ({
  namespace: "ns",
  name: "job-abc",
  uid: "11111111-2222-3333-4444-555555555555",
  labels: { app: "x" },
  annotations: { "batch.kubernetes.io/job-completion-index": "7" },
  serviceAccountName: "runner",
  job: "job",
  spec,
  configMaps: new Map([
    [
      "conf",
      new Map([
        ["mode", "fast"],
        ["depth", "3"],
      ]),
    ],
  ]),
  ...change,
});

const plan = (spec: PodSpec, change: Partial<EcsPod> = {}, lane = fargate): TaskPlan => {
  if (lane === undefined) throw new Error("no lane");
  const result = planTask({ pod: podOf(spec, change), lane, settings, attempt: 1 });
  if (!result.ok) throw new Error(result.rejection.message);
  return result;
};

const main = { name: "main", image: "perl:5.34" };

const envOf = (result: TaskPlan, name = "main"): Record<string, string> =>
  Object.fromEntries(
    (result.overrides.containerOverrides.find((one) => one.name === name)?.environment ?? []).map(
      (one) => [one.name, one.value],
    ),
  );

test("the smallest Pod: one definition, the rest by overrides", () => {
  const result = plan({
    containers: [{ ...main, command: ["perl", "-e", "print 1"], args: ["a"] }],
  });
  expect(result.definition).toEqual({
    requiresCompatibilities: ["FARGATE"],
    networkMode: "awsvpc",
    cpu: "256",
    memory: "512",
    executionRoleArn: "arn:aws:iam::1:role/exec",
    runtimePlatform: { cpuArchitecture: "X86_64", operatingSystemFamily: "LINUX" },
    containerDefinitions: [
      {
        name: "main",
        image: "perl:5.34",
        essential: true,
        entryPoint: ["perl"],
        stopTimeout: 30,
        logConfiguration: {
          logDriver: "awslogs",
          options: {
            "awslogs-group": "/gantry/pods",
            "awslogs-region": "eu-west-1",
            "awslogs-stream-prefix": "gantry",
            mode: "blocking",
          },
        },
      },
    ],
  });
  expect(result.overrides).toMatchObject({
    cpu: "256",
    memory: "512",
    taskRoleArn: "arn:aws:iam::1:role/runner",
  });
  expect(result.overrides.containerOverrides[0]?.command).toEqual(["-e", "print 1", "a"]);
  expect(envOf(result)).toEqual({
    HOSTNAME: "job-abc",
    GANTRY_POD_UID: "11111111-2222-3333-4444-555555555555",
    GANTRY_ATTEMPT: "1",
    GANTRY_POD: "ns/job-abc",
    GANTRY_JOB: "ns/job",
  });
});

test("args alone keep the image's entrypoint; neither keeps its command, too", () => {
  const args = plan({ containers: [{ ...main, args: ["x"] }] });
  expect(args.definition.containerDefinitions[0]?.entryPoint).toBeUndefined();
  expect(args.overrides.containerOverrides[0]?.command).toEqual(["x"]);
  const none = plan({ containers: [main] });
  expect(none.overrides.containerOverrides[0]?.command).toBeUndefined();
});

test("Pods of one template share a definition, whatever their names, indexes, sizes and arguments", () => {
  const specOf = (args: string[], memory: string): PodSpec => ({
    containers: [
      {
        ...main,
        args,
        resources: { limits: { memory } },
        env: [{ name: "ME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
      },
    ],
  });
  const a = plan(specOf(["1"], "1Gi"));
  const b = plan(specOf(["2"], "2Gi"), { name: "other", uid: "u", serviceAccountName: "none" });
  expect(definitionText(a.definition)).toBe(definitionText(b.definition));
  expect(definitionText(a.definition)).not.toBe(
    definitionText(plan({ containers: [{ ...main, image: "perl:5.36" }] }).definition),
  );
  expect(familyName("ab".repeat(32))).toBe(`gantry-${"ab".repeat(20)}`);
});

test("the environment: envFrom, then env, expanded in order; secrets by ARN", () => {
  const result = plan({
    containers: [
      {
        ...main,
        resources: { limits: { cpu: "500m", memory: "256Mi" } },
        envFrom: [
          { prefix: "C_", configMapRef: { name: "conf" } },
          { prefix: "DB_", secretRef: { name: "db" } },
          { configMapRef: { name: "absent", optional: true } },
        ],
        env: [
          { name: "A", value: "1" },
          { name: "B", value: "$(A)-$(C_mode)-$(MISSING)-$$(A)" },
          { name: "C_depth", value: "4" },
          { name: "PASS", valueFrom: { secretKeyRef: { name: "db", key: "password" } } },
          { name: "MODE", valueFrom: { configMapKeyRef: { name: "conf", key: "mode" } } },
          { name: "NS", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
          {
            name: "INDEX",
            valueFrom: {
              fieldRef: {
                fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']",
              },
            },
          },
          {
            name: "CPU",
            valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1m" } },
          },
          {
            name: "MEM",
            valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } },
          },
          {
            name: "DISK",
            valueFrom: { resourceFieldRef: { resource: "limits.ephemeral-storage" } },
          },
        ],
        args: ["$(INDEX)", "$(B)"],
      },
    ],
  });
  expect(envOf(result)).toMatchObject({
    C_mode: "fast",
    C_depth: "4",
    A: "1",
    B: "1-fast-$(MISSING)-$(A)",
    MODE: "fast",
    NS: "ns",
    INDEX: "7",
    CPU: "500",
    MEM: "256",
    DISK: "0",
  });
  expect(result.definition.containerDefinitions[0]?.secrets).toEqual([
    { name: "DB_password", valueFrom: "arn:aws:secretsmanager:r:1:secret:db:password::" },
    { name: "DB_user", valueFrom: "arn:aws:secretsmanager:r:1:secret:db:user::" },
    { name: "PASS", valueFrom: "arn:aws:secretsmanager:r:1:secret:db:password::" },
  ]);
  expect(result.overrides.containerOverrides[0]?.command).toEqual(["7", "1-fast-$(MISSING)-$(A)"]);
});

test.each([
  // containers' requests/limits [cpu, memory], init's, cpu, memory
  [[["250m", "512Mi"]], [], "256", "512"],
  [
    [
      ["1", "2Gi"],
      ["500m", "1Gi"],
    ],
    [],
    "2048",
    "4096",
  ],
  [[["250m", "512Mi"]], [["2", "1Gi"]], "2048", "4096"],
  [[["250m", "512Mi"]], [["100m", "5Gi"]], "1024", "5120"],
] as const)("containers %j and init containers %j get %s and %s", (apps, inits, cpu, memory) => {
  const of = ([c, m]: readonly [string, string], n: number) => ({
    name: `c${n}`,
    image: "x",
    resources: { limits: { cpu: c, memory: m } },
  });
  const result = plan({
    containers: apps.map((one, n) => of(one, n)),
    initContainers: inits.map((one, n) => of(one, n + 10)),
  });
  expect(result.overrides).toMatchObject({ cpu, memory });
});

test("a sidecar counts with the containers, and with the init containers after it", () => {
  const resources = { limits: { cpu: "1", memory: "1Gi" } };
  const result = plan({
    initContainers: [
      { name: "proxy", image: "p", restartPolicy: "Always", resources },
      { name: "fill", image: "f", resources: { limits: { cpu: "3", memory: "1Gi" } } },
    ],
    containers: [{ ...main, resources }],
  });
  expect(result.overrides.cpu).toBe("4096");
});

test("limits, requests and shares of containers; init containers reserve next to nothing", () => {
  const resources = { limits: { memory: "1Gi" }, requests: { cpu: "250m", memory: "512Mi" } };
  const result = plan({
    initContainers: [{ name: "init", image: "x", resources }],
    containers: [{ ...main, resources }],
  });
  const [init, app] = result.overrides.containerOverrides;
  expect(app).toMatchObject({ cpu: 256, memory: 1024, memoryReservation: 512 });
  expect(init).toMatchObject({ memory: 1024, memoryReservation: 6 });
  expect(init?.cpu).toBeUndefined();
});

test("init containers one after the other, sidecars beside, the application last", () => {
  const exec = { exec: { command: ["ok"] } };
  const result = plan({
    initContainers: [
      { name: "one", image: "x" },
      { name: "proxy", image: "x", restartPolicy: "Always" },
      { name: "db", image: "x", restartPolicy: "Always", startupProbe: exec },
      { name: "two", image: "x" },
    ],
    containers: [main],
  });
  const order = result.definition.containerDefinitions.map(({ name, essential, dependsOn }) => [
    name,
    essential,
    dependsOn?.[0],
  ]);
  expect(order).toEqual([
    ["one", false, undefined],
    ["proxy", false, { containerName: "one", condition: "SUCCESS" }],
    ["db", false, { containerName: "proxy", condition: "START" }],
    ["two", false, { containerName: "db", condition: "HEALTHY" }],
    ["main", true, { containerName: "two", condition: "SUCCESS" }],
  ]);
});

test("several containers: none is essential but the waiter, which comes after all", () => {
  const result = plan({ containers: [main, { name: "other", image: "y" }] });
  expect(result.definition.containerDefinitions.map(({ essential }) => essential)).toEqual([
    false,
    false,
    true,
  ]);
  expect(result.definition.containerDefinitions[2]).toMatchObject({
    name: "gantry-waiter",
    image: "busybox",
    entryPoint: ["/bin/true"],
    dependsOn: [
      { containerName: "main", condition: "COMPLETE" },
      { containerName: "other", condition: "COMPLETE" },
    ],
  });
  expect(envOf(result)["GANTRY_POD_UID"]).toBeDefined();
  expect(envOf(result, "other")["GANTRY_POD_UID"]).toBeUndefined();
});

test("volumes: on disk, in memory, on EFS by claim and by server, of the host", () => {
  const result = plan(
    {
      volumes: [
        { name: "scratch", emptyDir: {} },
        { name: "fast", emptyDir: { medium: "Memory", sizeLimit: "64Mi" } },
        { name: "data", persistentVolumeClaim: { claimName: "data", readOnly: true } },
        { name: "files", nfs: { server: "files.local", path: "/team/" } },
        { name: "host", hostPath: { path: "/opt/x" } },
      ],
      containers: [
        {
          ...main,
          volumeMounts: [
            { name: "scratch", mountPath: "/tmp/s" },
            { name: "fast", mountPath: "/fast" },
            { name: "data", mountPath: "/data" },
            { name: "files", mountPath: "/files", readOnly: true },
          ],
        },
      ],
    },
    {},
    metal,
  );
  expect(result.definition.volumes).toEqual([
    { name: "scratch" },
    {
      name: "data",
      efsVolumeConfiguration: {
        fileSystemId: "fs-1",
        transitEncryption: "ENABLED",
        authorizationConfig: { accessPointId: "fsap-1", iam: "ENABLED" },
      },
    },
    {
      name: "files",
      efsVolumeConfiguration: {
        fileSystemId: "fs-2",
        rootDirectory: "/export/team",
        transitEncryption: "ENABLED",
      },
    },
    { name: "host", host: { sourcePath: "/opt/x" } },
  ]);
  const [container] = result.definition.containerDefinitions;
  expect(container?.mountPoints).toEqual([
    { sourceVolume: "scratch", containerPath: "/tmp/s", readOnly: false },
    { sourceVolume: "data", containerPath: "/data", readOnly: true },
    { sourceVolume: "files", containerPath: "/files", readOnly: true },
  ]);
  expect(container?.linuxParameters?.tmpfs).toEqual([{ containerPath: "/fast", size: 64 }]);
});

test("user, root file system, terminal, capabilities, credentials, probe, shared processes, GPU", () => {
  const result = plan(
    {
      shareProcessNamespace: true,
      terminationGracePeriodSeconds: 0,
      imagePullSecrets: [{ name: "registry" }],
      securityContext: { runAsUser: 1000, runAsGroup: 2000 },
      containers: [
        {
          ...main,
          workingDir: "/work",
          tty: true,
          stdin: true,
          resources: { limits: { "nvidia.com/gpu": "2" } },
          livenessProbe: { exec: { command: ["ok"] }, periodSeconds: 1, initialDelaySeconds: 9 },
          securityContext: {
            readOnlyRootFilesystem: true,
            capabilities: { add: ["CAP_SYS_PTRACE"], drop: ["ALL"] },
          },
        },
      ],
    },
    {},
    metal,
  );
  expect(result.definition.pidMode).toBe("task");
  expect(result.definition.requiresCompatibilities).toEqual(["EC2"]);
  expect(result.definition.containerDefinitions[0]).toMatchObject({
    workingDirectory: "/work",
    user: "1000:2000",
    readonlyRootFilesystem: true,
    pseudoTerminal: true,
    interactive: true,
    repositoryCredentials: { credentialsParameter: "arn:aws:secretsmanager:r:1:secret:registry" },
    linuxParameters: { capabilities: { add: ["SYS_PTRACE"], drop: ["ALL"] } },
    healthCheck: { command: ["CMD", "ok"], interval: 5, timeout: 2, retries: 3, startPeriod: 9 },
    resourceRequirements: [{ type: "GPU", value: "2" }],
    stopTimeout: 2,
  });
});

test("ephemeral storage beyond what each task has is asked for, on Fargate", () => {
  const spec: PodSpec = {
    volumes: [{ name: "v", emptyDir: { sizeLimit: "20Gi" } }],
    containers: [{ ...main, resources: { requests: { "ephemeral-storage": "10Gi" } } }],
  };
  expect(plan(spec).overrides.ephemeralStorage).toEqual({ sizeInGiB: 30 });
  expect(plan(spec, {}, metal).overrides.ephemeralStorage).toBeUndefined();
  const just: PodSpec = {
    containers: [{ ...main, resources: { limits: { "ephemeral-storage": "20.5Gi" } } }],
  };
  expect(plan(just).overrides.ephemeralStorage).toEqual({ sizeInGiB: 21 });
  expect(plan({ containers: [main] }).overrides.ephemeralStorage).toBeUndefined();
});

test("a role by annotation only where it is allowed", () => {
  const asked = (arn: string) =>
    plan({ containers: [main] }, { annotations: { "eks.amazonaws.com/role-arn": arn } }).overrides
      .taskRoleArn;
  expect(asked("arn:aws:iam::1:role/team-a")).toBe("arn:aws:iam::1:role/team-a");
  expect(asked("arn:aws:iam::1:role/admin")).toBe("arn:aws:iam::1:role/runner");
});

const long = (bytes: number): string => "x".repeat(bytes);

test("overrides too large: first the shared environment moves to the definition, then the command", () => {
  const env = [
    { name: "BIG", value: long(5000) },
    { name: "ME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "HELLO", value: "I am $(ME)" },
  ];
  const spilled = plan({ containers: [{ ...main, env, args: [long(5000)] }] });
  const [definition] = spilled.definition.containerDefinitions;
  expect(definition?.environment?.map(({ name }) => name)).toEqual(["BIG"]);
  expect(definition?.command).toBeUndefined();
  expect(envOf(spilled)).toMatchObject({ ME: "job-abc", HELLO: "I am job-abc" });
  expect(spilled.overridesBytes).toBeLessThanOrEqual(MAX_OVERRIDES_BYTES);

  const both = plan({ containers: [{ ...main, env, args: [long(9000)] }] });
  expect(both.definition.containerDefinitions[0]?.command).toEqual([long(9000)]);
  expect(both.overrides.containerOverrides[0]?.command).toBeUndefined();
});

test("what is too large even then is refused, with its bytes and its biggest field", () => {
  const env = [
    { name: "ME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "BIG", value: `$(ME)${long(9000)}` },
  ];
  if (fargate === undefined) throw new Error("no lane");
  const result = planTask({
    pod: podOf({ containers: [{ ...main, env }] }),
    lane: fargate,
    settings,
    attempt: 1,
  });
  expect(result).toMatchObject({ ok: false, rejection: { path: "containers[0].env[1].value" } });
  expect(!result.ok && result.rejection.message).toMatch(
    /^its overrides have 9\d{3} bytes, and ECS takes 8192; the biggest field has 9007$/,
  );
  const definition = planTask({
    pod: podOf({ containers: [{ ...main, args: [long(66_000)] }] }),
    lane: fargate,
    settings,
    attempt: 1,
  });
  expect(!definition.ok && definition.rejection).toMatchObject({ path: "containers[0].args" });
  expect(!definition.ok && definition.rejection.message).toMatch(
    /task definition has 66\d{3} bytes/,
  );
});

test("the limit counts bytes, not characters", () => {
  const env = [{ name: "BIG", value: "ü".repeat(4200) }];
  expect(
    plan({ containers: [{ ...main, env }] }).definition.containerDefinitions[0]?.environment,
  ).toBeDefined();
});

test("RunTask: one provider with a weight, or a launch type; the token, owner and tags", () => {
  const spec: PodSpec = { containers: [main] };
  const { overrides } = plan(spec);
  const [onDemand, spot, ec2] = placesFor(spec, settings);
  const input = (place: typeof onDemand) => {
    if (place === undefined) throw new Error("no place");
    const choice = { lane: place.lane, subnets: ["subnet-a"], notBeforeMs: 0 };
    return runTaskInput({
      pod: podOf(spec),
      choice,
      attempt: 3,
      settings,
      taskDefinition: "f:1",
      overrides,
    });
  };
  expect(input(onDemand)).toEqual({
    cluster: "jobs",
    taskDefinition: "f:1",
    count: 1,
    clientToken: "11111111-2222-3333-4444-555555555555.3",
    startedBy: "gantry/test",
    launchType: "FARGATE",
    platformVersion: "LATEST",
    networkConfiguration: {
      awsvpcConfiguration: {
        subnets: ["subnet-a"],
        securityGroups: ["sg-1"],
        assignPublicIp: "DISABLED",
      },
    },
    overrides,
    enableECSManagedTags: true,
    tags: [
      { key: "gantry.dev/namespace", value: "ns" },
      { key: "gantry.dev/pod", value: "job-abc" },
      { key: "gantry.dev/pod-uid", value: "11111111-2222-3333-4444-555555555555" },
      { key: "gantry.dev/job", value: "job" },
    ],
  });
  expect(input(spot).launchType).toBeUndefined();
  expect(input(spot).capacityProviderStrategy).toEqual([
    { capacityProvider: "FARGATE_SPOT", weight: 1 },
  ]);
  expect(input(ec2).platformVersion).toBeUndefined();
  expect(input(ec2).networkConfiguration.awsvpcConfiguration.assignPublicIp).toBeUndefined();
});

const name = fc.constantFrom("A", "B", "C", "D");
const source = fc.constantFrom(
  "metadata.name",
  "metadata.uid",
  "metadata.namespace",
  "metadata.labels['app']",
  "metadata.annotations['x']",
);
const text = fc
  .array(
    fc.oneof(
      name.map((one) => `$(${one})`),
      fc.constantFrom("x", "$$", "y".repeat(1500)),
    ),
    {
      maxLength: 4,
    },
  )
  .map((parts) => parts.join(""));
const variable = fc.oneof(
  fc.record({ name, value: text }),
  fc.record({ name, valueFrom: source.map((fieldPath) => ({ fieldRef: { fieldPath } })) }),
);

test("whatever a template refers to, its Pods share a definition, and overrides are within the limit", () => {
  fc.assert(
    fc.property(
      fc.array(variable, { maxLength: 6 }),
      fc.array(text, { maxLength: 3 }),
      (env, args) => {
        const spec: PodSpec = { containers: [{ ...main, env, args }] };
        if (fargate === undefined) throw new Error("no lane");
        const of = (pod: EcsPod) => planTask({ pod, lane: fargate, settings, attempt: 1 });
        const a = of(podOf(spec, { annotations: { x: "1" } }));
        const b = of(
          podOf(spec, {
            name: "job-xyz",
            uid: "9".repeat(36),
            labels: { app: "y" },
            annotations: { x: "2" },
          }),
        );
        expect(a.ok).toBe(b.ok);
        if (!a.ok || !b.ok) return;
        expect(definitionText(a.definition)).toBe(definitionText(b.definition));
        expect(a.overridesBytes).toBeLessThanOrEqual(MAX_OVERRIDES_BYTES);
      },
    ),
  );
});
