// ecs.md section 4: what of a Pod the ecs runtime refuses, and what it ignores.
import { expect, test } from "vitest";
import type { PodSpec } from "../../schema/pod.ts";
import { type EcsSettingsFile, parseEcsSettings } from "../settings.ts";
import { admitOnEcs, suitablePlaces } from "./admit-on-ecs.ts";

const fargate = { name: "fargate", cluster: "jobs", launchType: "FARGATE" } as const;
const spot = {
  name: "spot",
  cluster: "jobs",
  capacityProvider: "FARGATE_SPOT",
  arch: "arm64",
} as const;
const ec2 = { name: "metal", cluster: "jobs", capacityProvider: "asg" } as const;

const file: EcsSettingsFile = {
  engineId: "test",
  region: "eu-west-1",
  lanes: [fargate],
  network: { subnets: [{ id: "subnet-a", zone: "eu-west-1a" }], securityGroups: [] },
  executionRoleArn: "arn:aws:iam::1:role/exec",
  secrets: { "ns/db/password": "arn:aws:ssm:r:1:parameter/p" },
  imagePullSecrets: { "ns/reg": "arn:aws:ssm:r:1:parameter/r" },
  efs: {
    claims: { "ns/data": { fileSystemId: "fs-1" } },
    servers: { files: { fileSystemId: "fs-2", accessPointId: "fsap-1" } },
  },
  allowedHostPaths: ["/opt"],
};

const main = { name: "main", image: "perl" };

const admit = (spec: PodSpec, change: Partial<EcsSettingsFile> = {}, annotations = {}) =>
  admitOnEcs({ namespace: "ns", annotations, spec }, parseEcsSettings({ ...file, ...change }));

const paths = (spec: PodSpec, change: Partial<EcsSettingsFile> = {}): string[] =>
  admit(spec, change).rejections.map(({ path }) => path);

const withMain = (fields: object): PodSpec => ({ containers: [{ ...main, ...fields }] });
const withPod = (fields: object): PodSpec => ({ containers: [main], ...fields });

test("a plain Pod, and all that a defaulted one has, is admitted without a word", () => {
  const spec: PodSpec = {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
    runtimeClassName: "ecs",
    enableServiceLinks: true,
    activeDeadlineSeconds: 60,
    tolerations: [
      { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
      { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
    ],
    containers: [
      {
        ...main,
        command: ["perl"],
        imagePullPolicy: "IfNotPresent",
        terminationMessagePath: "/dev/termination-log",
        ports: [{ containerPort: 80 }],
        securityContext: {
          seccompProfile: { type: "RuntimeDefault" },
          capabilities: { drop: ["ALL"] },
        },
      },
    ],
  };
  expect(admit(spec)).toEqual({
    runtime: "ecs-fargate",
    rejections: [],
    warnings: [],
    lanes: ["fargate"],
  });
});

test.each<[string, PodSpec]>([
  ["hostNetwork", withPod({ hostNetwork: true })],
  ["hostPID", withPod({ hostPID: true })],
  ["hostIPC", withPod({ hostIPC: true })],
  ["hostUsers", withPod({ hostUsers: false })],
  ["hostAliases", withPod({ hostAliases: [{ ip: "1.2.3.4" }] })],
  ["dnsConfig", withPod({ dnsConfig: {} })],
  ["dnsPolicy", withPod({ dnsPolicy: "None" })],
  ["dnsPolicy", withPod({ dnsPolicy: "ClusterFirstWithHostNet" })],
  ["os.name", withPod({ os: { name: "windows" } })],
  ["ephemeralContainers", withPod({ ephemeralContainers: [{ name: "x" }] })],
  ["resourceClaims", withPod({ resourceClaims: [{ name: "x" }] })],
  ["affinity.podAffinity", withPod({ affinity: { podAffinity: {} } })],
  ["affinity.podAntiAffinity", withPod({ affinity: { podAntiAffinity: {} } })],
  ["terminationGracePeriodSeconds", withPod({ terminationGracePeriodSeconds: 121 })],
  ["imagePullSecrets[0]", withPod({ imagePullSecrets: [{ name: "other" }] })],
  ["imagePullSecrets", withPod({ imagePullSecrets: [{ name: "reg" }, { name: "reg" }] })],
  [
    "securityContext.sysctls",
    withPod({ securityContext: { sysctls: [{ name: "a", value: "b" }] } }),
  ],
  ["securityContext.fsGroup", withPod({ securityContext: { fsGroup: 1 } })],
  ["securityContext.supplementalGroups", withPod({ securityContext: { supplementalGroups: [1] } })],
  ["securityContext.seLinuxOptions", withPod({ securityContext: { seLinuxOptions: {} } })],
  [
    "securityContext.seccompProfile",
    withPod({ securityContext: { seccompProfile: { type: "Unconfined" } } }),
  ],
  [
    "securityContext.appArmorProfile",
    withPod({ securityContext: { appArmorProfile: { type: "Localhost" } } }),
  ],
  ["nodeSelector", withPod({ nodeSelector: { "kubernetes.io/arch": "arm64" } })],
  ["nodeSelector", withPod({ nodeSelector: { "topology.kubernetes.io/zone": "eu-west-1c" } })],
  ["containers", withPod({ containers: [main, { name: "other", image: "x" }] })],
  [
    "containers",
    withPod({ initContainers: Array.from({ length: 10 }, (_, n) => ({ name: `i${n}` })) }),
  ],
])("refuses a Pod's %s", (path, spec) => {
  expect(paths(spec)).toEqual([path]);
});

const exec = { exec: { command: ["ok"] } };

test.each<[string, object]>([
  ["securityContext.privileged", { securityContext: { privileged: true } }],
  ["securityContext.procMount", { securityContext: { procMount: "Unmasked" } }],
  [
    "securityContext.capabilities.add[1]",
    { securityContext: { capabilities: { add: ["SYS_PTRACE", "NET_ADMIN"] } } },
  ],
  ["securityContext.runAsGroup", { securityContext: { runAsGroup: 5 } }],
  ["securityContext.runAsNonRoot", { securityContext: { runAsNonRoot: true } }],
  ["securityContext.runAsNonRoot", { securityContext: { runAsNonRoot: true, runAsUser: 0 } }],
  [
    "securityContext.seccompProfile",
    { securityContext: { seccompProfile: { type: "Localhost" } } },
  ],
  ["ports[0].hostPort", { ports: [{ containerPort: 80, hostPort: 80 }] }],
  ["lifecycle.preStop", { lifecycle: { preStop: exec } }],
  ["lifecycle.postStart", { lifecycle: { postStart: exec } }],
  ["lifecycle.stopSignal", { lifecycle: { stopSignal: "SIGINT" } }],
  ["livenessProbe.httpGet", { livenessProbe: { httpGet: { port: 80 } } }],
  ["readinessProbe.tcpSocket", { readinessProbe: { tcpSocket: { port: 80 } } }],
  ["startupProbe.grpc", { startupProbe: { grpc: { port: 80 } } }],
  ["readinessProbe", { livenessProbe: exec, readinessProbe: exec }],
  ["restartPolicy", { restartPolicy: "OnFailure" }],
  ["restartPolicyRules", { restartPolicyRules: [{ action: "Restart" }] }],
  ["volumeDevices", { volumeDevices: [{ name: "v", devicePath: "/dev/x" }] }],
  [
    "env[0].valueFrom.fieldRef",
    { env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }] },
  ],
  [
    "env[0].valueFrom.fieldRef",
    { env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "status.hostIP" } } }] },
  ],
  [
    "env[0].valueFrom.fieldRef",
    { env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }] },
  ],
  [
    "env[0].valueFrom.fileKeyRef",
    { env: [{ name: "A", valueFrom: { fileKeyRef: { key: "x" } } }] },
  ],
  [
    "env[0].valueFrom.secretKeyRef",
    { env: [{ name: "A", valueFrom: { secretKeyRef: { name: "db", key: "other" } } }] },
  ],
  ["env[0].name", { env: [{ name: "GANTRY_POD_UID", value: "x" }] }],
  ["envFrom[0].secretRef", { envFrom: [{ secretRef: { name: "other" } }] }],
  [
    "args[0]",
    {
      env: [{ name: "PASS", valueFrom: { secretKeyRef: { name: "db", key: "password" } } }],
      args: ["--password=$(PASS)"],
    },
  ],
  ["resources.limits[nvidia.com/gpu]", { resources: { limits: { "nvidia.com/gpu": "1" } } }],
  ["resources.limits[example.com/x]", { resources: { limits: { "example.com/x": "1" } } }],
  ["resources.limits[memory]", { resources: { limits: { memory: "1Mi" } } }],
  ["resources.claims", { resources: { claims: [{ name: "x" }] } }],
])("refuses a container's %s: %j", (path, fields) => {
  expect(paths(withMain(fields))).toEqual([`containers[0].${path}`]);
});

test("refuses what is too large for Fargate, and says how large that is", () => {
  const asked = (limits: object) => admit(withMain({ resources: { limits } })).rejections;
  expect(asked({ cpu: "17" })[0]).toEqual({
    path: "containers",
    message:
      "its containers ask for 17 vCPU and 0 MiB together, and the largest Fargate task has 16 vCPU and 122880 MiB",
  });
  expect(asked({ memory: "121Gi" })).toHaveLength(1);
  expect(asked({ "ephemeral-storage": "201Gi" })[0]?.message).toContain("201 GiB of disk");
});

const withVolume = (source: object, mount: object = {}): PodSpec => ({
  volumes: [{ name: "v", ...source }],
  containers: [{ ...main, volumeMounts: [{ name: "v", mountPath: "/v", ...mount }] }],
});

test.each<[string, PodSpec]>([
  ["volumes[0].configMap", withVolume({ configMap: { name: "x" } })],
  ["volumes[0].secret", withVolume({ secret: { secretName: "x" } })],
  ["volumes[0].projected", withVolume({ projected: { sources: [] } })],
  ["volumes[0].downwardAPI", withVolume({ downwardAPI: { items: [] } })],
  ["volumes[0].csi", withVolume({ csi: { driver: "x" } })],
  ["volumes[0].ephemeral", withVolume({ ephemeral: {} })],
  ["volumes[0].hostPath", withVolume({ hostPath: { path: "/opt/x" } })],
  ["volumes[0].persistentVolumeClaim", withVolume({ persistentVolumeClaim: { claimName: "x" } })],
  ["volumes[0].nfs.server", withVolume({ nfs: { server: "x", path: "/" } })],
  ["volumes[0].nfs.path", withVolume({ nfs: { server: "files", path: "/sub" } })],
  ["containers[0].volumeMounts[0].subPath", withVolume({ emptyDir: {} }, { subPath: "a" })],
  [
    "containers[0].volumeMounts[0].subPathExpr",
    withVolume({ emptyDir: {} }, { subPathExpr: "$(A)" }),
  ],
  [
    "containers[0].volumeMounts[0].mountPropagation",
    withVolume({ emptyDir: {} }, { mountPropagation: "HostToContainer" }),
  ],
])("refuses %s", (path, spec) => {
  expect(paths(spec)).toEqual([path]);
});

test("volumes that there are: emptyDir, in memory for one container, claims and NFS on EFS", () => {
  expect(paths(withVolume({ emptyDir: {} }))).toEqual([]);
  expect(paths(withVolume({ emptyDir: { medium: "Memory" } }))).toEqual([]);
  expect(paths(withVolume({ persistentVolumeClaim: { claimName: "data" } }))).toEqual([]);
  expect(paths(withVolume({ nfs: { server: "files", path: "/" } }))).toEqual([]);
  const shared = withVolume({ emptyDir: { medium: "Memory" } });
  const init = { name: "i", image: "x", volumeMounts: [{ name: "v", mountPath: "/i" }] };
  expect(paths({ ...shared, initContainers: [init] })).toEqual(["volumes[0].emptyDir.medium"]);
});

test("on EC2 a longer grace, host paths that are allowed, capabilities and GPUs are possible", () => {
  const lanes = [{ ...ec2, gpu: true }];
  const spec: PodSpec = {
    terminationGracePeriodSeconds: 600,
    volumes: [{ name: "v", hostPath: { path: "/opt/x" } }],
    containers: [
      {
        ...main,
        resources: { limits: { "nvidia.com/gpu": "1", cpu: "40" } },
        securityContext: { capabilities: { add: ["NET_ADMIN"] } },
      },
    ],
  };
  expect(admit(spec, { lanes })).toMatchObject({
    runtime: "ecs-ec2",
    rejections: [],
    lanes: ["metal"],
  });
  expect(paths(withVolume({ hostPath: { path: "/etc" } }), { lanes })).toEqual([
    "volumes[0].hostPath.path",
  ]);
  expect(paths(withVolume({ hostPath: { path: "/opt/../etc" } }), { lanes })).toEqual([
    "volumes[0].hostPath.path",
  ]);
  expect(
    paths(withMain({ resources: { limits: { "nvidia.com/gpu": "1" } } }), { lanes: [ec2] }),
  ).toEqual(["containers[0].resources.limits[nvidia.com/gpu]"]);
});

test("a Pod runs where it can: one lane that takes it is enough, and refusals are those of the nearest", () => {
  const lanes = [fargate, spot, ec2];
  const grace = withPod({ terminationGracePeriodSeconds: 600 });
  expect(admit(grace, { lanes })).toMatchObject({ rejections: [], lanes: ["metal"] });
  const settings = parseEcsSettings({ ...file, lanes });
  const places = suitablePlaces({ namespace: "ns", annotations: {}, spec: grace }, settings);
  expect(places.map(({ lane }) => lane.name)).toEqual(["metal"]);
  const arm = withPod({ nodeSelector: { "kubernetes.io/arch": "arm64" } });
  expect(admit(arm, { lanes }).lanes).toEqual(["spot"]);
  const both = { ...arm, terminationGracePeriodSeconds: 600 };
  expect(admit(both, { lanes })).toMatchObject({
    runtime: "ecs-fargate",
    rejections: [{ path: "terminationGracePeriodSeconds" }],
    lanes: [],
  });
  const byLane = withPod({ nodeSelector: { "gantry.dev/lane": "metal" } });
  expect(admit(byLane, { lanes }).lanes).toEqual(["metal"]);
  const byCapacity = withPod({ nodeSelector: { "gantry.dev/capacity-type": "spot" } });
  expect(admit(byCapacity, { lanes }).lanes).toEqual(["spot"]);
});

test("required node affinity is heeded as a node selector is", () => {
  const affinityTo = (zone: string): PodSpec => {
    const matchExpressions = [
      { key: "topology.kubernetes.io/zone", operator: "In", values: [zone] },
    ];
    const required = { nodeSelectorTerms: [{ matchExpressions }] };
    return withPod({
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } },
    });
  };
  expect(paths(affinityTo("eu-west-1a"))).toEqual([]);
  expect(paths(affinityTo("eu-west-1b"))).toEqual(["affinity.nodeAffinity"]);
});

test("a Pod that fits nowhere is told what there is", () => {
  const spec = withPod({ nodeSelector: { "kubernetes.io/arch": "arm64" } });
  expect(admit(spec).rejections[0]?.message).toBe(
    "no lane has these labels; there are fargate (amd64), in zones eu-west-1a",
  );
});

test("a role that is not allowed is refused; one that is, is not", () => {
  const annotations = { "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/team-x" };
  expect(admit(withPod({}), {}, annotations).rejections[0]?.path).toBe("serviceAccountName");
  const change = { annotationRoles: ["arn:aws:iam::1:role/team-*"] };
  expect(admit(withPod({}), change, annotations).rejections).toEqual([]);
});

test("a waiter image lets several containers in; the grace may be clamped with a warning", () => {
  const two = withPod({ containers: [main, { name: "other", image: "x" }] });
  expect(paths(two, { waiter: { image: "busybox" } })).toEqual([]);
  const grace = admit(withPod({ terminationGracePeriodSeconds: 300 }), {
    stopTimeoutPolicy: "clamp",
  });
  expect(grace.rejections).toEqual([]);
  expect(grace.warnings.map(({ path }) => path)).toEqual(["terminationGracePeriodSeconds"]);
});

test("optional Secrets may be missing; those that are mapped are there", () => {
  const fromKey = (name: string, optional?: boolean) =>
    withMain({
      env: [{ name: "A", valueFrom: { secretKeyRef: { name, key: "password", optional } } }],
    });
  expect(paths(fromKey("db"))).toEqual([]);
  expect(paths(fromKey("other", true))).toEqual([]);
  expect(paths(withMain({ envFrom: [{ secretRef: { name: "db" } }] }))).toEqual([]);
  expect(paths(withMain({ envFrom: [{ secretRef: { name: "x", optional: true } }] }))).toEqual([]);
});

test("overrides that are too large with the longest names are refused at once", () => {
  const field = { fieldRef: { fieldPath: "metadata.name" } };
  const env = [
    { name: "ME", valueFrom: field },
    { name: "BIG", value: `$(ME)${"x".repeat(9000)}` },
  ];
  expect(admit(withMain({ env })).rejections[0]).toMatchObject({
    path: "containers[0].env[1].value",
  });
});

test.each<[string, PodSpec]>([
  ["tolerations", withPod({ tolerations: [{ key: "dedicated", operator: "Exists" }] })],
  ["topologySpreadConstraints", withPod({ topologySpreadConstraints: [{ maxSkew: 1 }] })],
  ["schedulerName", withPod({ schedulerName: "mine" })],
  ["priorityClassName", withPod({ priorityClassName: "high" })],
  ["hostname", withPod({ hostname: "box" })],
  ["subdomain", withPod({ subdomain: "svc" })],
  ["readinessGates", withPod({ readinessGates: [{ conditionType: "x" }] })],
  ["containers[0].imagePullPolicy", withMain({ imagePullPolicy: "Never" })],
  ["containers[0].terminationMessagePath", withMain({ terminationMessagePath: "/out" })],
  [
    "containers[0].securityContext.allowPrivilegeEscalation",
    withMain({ securityContext: { allowPrivilegeEscalation: false } }),
  ],
])("accepts and ignores %s, with a warning", (path, spec) => {
  const { rejections, warnings } = admit(spec);
  expect(rejections).toEqual([]);
  expect(warnings.map((one) => one.path)).toEqual([path]);
});
