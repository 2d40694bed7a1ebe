import type { z } from "zod";
import {
  boolean,
  field,
  int32,
  int64,
  intOrString,
  list,
  map,
  message,
  quantity,
  string,
} from "./message.ts";
import { objectFieldSelector, resourceFieldSelector } from "./reference.ts";

export const containerPort = message("io.k8s.api.core.v1.ContainerPort", {
  name: field(1, string),
  hostPort: field(2, int32),
  containerPort: field(3, int32),
  protocol: field(4, string),
  hostIP: field(5, string),
});
export type ContainerPort = z.infer<typeof containerPort>;

export const containerResizePolicy = message("io.k8s.api.core.v1.ContainerResizePolicy", {
  resourceName: field(1, string),
  restartPolicy: field(2, string),
});

export const containerRestartRuleOnExitCodes = message(
  "io.k8s.api.core.v1.ContainerRestartRuleOnExitCodes",
  {
    operator: field(1, string),
    values: field(2, list(int32)),
  },
);

export const containerRestartRule = message("io.k8s.api.core.v1.ContainerRestartRule", {
  action: field(1, string),
  exitCodes: field(2, containerRestartRuleOnExitCodes),
});
export type ContainerRestartRule = z.infer<typeof containerRestartRule>;

export const configMapEnvSource = message("io.k8s.api.core.v1.ConfigMapEnvSource", {
  name: field([1, 1], string),
  optional: field(2, boolean),
});

export const secretEnvSource = message("io.k8s.api.core.v1.SecretEnvSource", {
  name: field([1, 1], string),
  optional: field(2, boolean),
});

export const envFromSource = message("io.k8s.api.core.v1.EnvFromSource", {
  prefix: field(1, string),
  configMapRef: field(2, configMapEnvSource),
  secretRef: field(3, secretEnvSource),
});
export type EnvFromSource = z.infer<typeof envFromSource>;

export const configMapKeySelector = message("io.k8s.api.core.v1.ConfigMapKeySelector", {
  name: field([1, 1], string),
  key: field(2, string),
  optional: field(3, boolean),
});

export const fileKeySelector = message("io.k8s.api.core.v1.FileKeySelector", {
  volumeName: field(1, string),
  path: field(2, string),
  key: field(3, string),
  optional: field(4, boolean),
});
export type FileKeySelector = z.infer<typeof fileKeySelector>;

export const secretKeySelector = message("io.k8s.api.core.v1.SecretKeySelector", {
  name: field([1, 1], string),
  key: field(2, string),
  optional: field(3, boolean),
});

export const envVarSource = message("io.k8s.api.core.v1.EnvVarSource", {
  fieldRef: field(1, objectFieldSelector),
  resourceFieldRef: field(2, resourceFieldSelector),
  configMapKeyRef: field(3, configMapKeySelector),
  secretKeyRef: field(4, secretKeySelector),
  fileKeyRef: field(5, fileKeySelector),
});
export type EnvVarSource = z.infer<typeof envVarSource>;

export const envVar = message("io.k8s.api.core.v1.EnvVar", {
  name: field(1, string),
  value: field(2, string),
  valueFrom: field(3, envVarSource),
});
export type EnvVar = z.infer<typeof envVar>;

export const execAction = message("io.k8s.api.core.v1.ExecAction", {
  command: field(1, list(string)),
});

export const httpHeader = message("io.k8s.api.core.v1.HTTPHeader", {
  name: field(1, string),
  value: field(2, string),
});

export const httpGetAction = message("io.k8s.api.core.v1.HTTPGetAction", {
  path: field(1, string),
  port: field(2, intOrString),
  host: field(3, string),
  scheme: field(4, string),
  httpHeaders: field(5, list(httpHeader)),
});
export type HTTPGetAction = z.infer<typeof httpGetAction>;

export const sleepAction = message("io.k8s.api.core.v1.SleepAction", {
  seconds: field(1, int64),
});

export const tcpSocketAction = message("io.k8s.api.core.v1.TCPSocketAction", {
  port: field(1, intOrString),
  host: field(2, string),
});

export const lifecycleHandler = message("io.k8s.api.core.v1.LifecycleHandler", {
  exec: field(1, execAction),
  httpGet: field(2, httpGetAction),
  tcpSocket: field(3, tcpSocketAction),
  sleep: field(4, sleepAction),
});
export type LifecycleHandler = z.infer<typeof lifecycleHandler>;

export const lifecycle = message("io.k8s.api.core.v1.Lifecycle", {
  postStart: field(1, lifecycleHandler),
  preStop: field(2, lifecycleHandler),
  stopSignal: field(3, string),
});
export type Lifecycle = z.infer<typeof lifecycle>;

export const grpcAction = message("io.k8s.api.core.v1.GRPCAction", {
  port: field(1, int32),
  service: field(2, string),
});

export const probe = message("io.k8s.api.core.v1.Probe", {
  exec: field([1, 1], execAction),
  httpGet: field([1, 2], httpGetAction),
  tcpSocket: field([1, 3], tcpSocketAction),
  grpc: field([1, 4], grpcAction),
  initialDelaySeconds: field(2, int32),
  timeoutSeconds: field(3, int32),
  periodSeconds: field(4, int32),
  successThreshold: field(5, int32),
  failureThreshold: field(6, int32),
  terminationGracePeriodSeconds: field(7, int64),
});
export type Probe = z.infer<typeof probe>;

export const resourceClaim = message("io.k8s.api.core.v1.ResourceClaim", {
  name: field(1, string),
  request: field(2, string),
});

export const resourceRequirements = message("io.k8s.api.core.v1.ResourceRequirements", {
  limits: field(1, map(quantity)),
  requests: field(2, map(quantity)),
  claims: field(3, list(resourceClaim), { mergeKey: "name", listType: "map", patchReplaces: true }),
});
export type ResourceRequirements = z.infer<typeof resourceRequirements>;

export const appArmorProfile = message("io.k8s.api.core.v1.AppArmorProfile", {
  type: field(1, string),
  localhostProfile: field(2, string),
});

export const capabilities = message("io.k8s.api.core.v1.Capabilities", {
  add: field(1, list(string)),
  drop: field(2, list(string)),
});

export const seLinuxOptions = message("io.k8s.api.core.v1.SELinuxOptions", {
  user: field(1, string),
  role: field(2, string),
  type: field(3, string),
  level: field(4, string),
});

export const seccompProfile = message("io.k8s.api.core.v1.SeccompProfile", {
  type: field(1, string),
  localhostProfile: field(2, string),
});

export const windowsSecurityContextOptions = message(
  "io.k8s.api.core.v1.WindowsSecurityContextOptions",
  {
    gmsaCredentialSpecName: field(1, string),
    gmsaCredentialSpec: field(2, string),
    runAsUserName: field(3, string),
    hostProcess: field(4, boolean),
  },
);

export const securityContext = message("io.k8s.api.core.v1.SecurityContext", {
  capabilities: field(1, capabilities),
  privileged: field(2, boolean),
  seLinuxOptions: field(3, seLinuxOptions),
  runAsUser: field(4, int64),
  runAsNonRoot: field(5, boolean),
  readOnlyRootFilesystem: field(6, boolean),
  allowPrivilegeEscalation: field(7, boolean),
  runAsGroup: field(8, int64),
  procMount: field(9, string),
  windowsOptions: field(10, windowsSecurityContextOptions),
  seccompProfile: field(11, seccompProfile),
  appArmorProfile: field(12, appArmorProfile),
});
export type SecurityContext = z.infer<typeof securityContext>;

export const volumeDevice = message("io.k8s.api.core.v1.VolumeDevice", {
  name: field(1, string),
  devicePath: field(2, string),
});
export type VolumeDevice = z.infer<typeof volumeDevice>;

export const volumeMount = message("io.k8s.api.core.v1.VolumeMount", {
  name: field(1, string),
  readOnly: field(2, boolean),
  mountPath: field(3, string),
  subPath: field(4, string),
  mountPropagation: field(5, string),
  subPathExpr: field(6, string),
  recursiveReadOnly: field(7, string),
});
export type VolumeMount = z.infer<typeof volumeMount>;

export const container = message("io.k8s.api.core.v1.Container", {
  name: field(1, string),
  image: field(2, string),
  command: field(3, list(string)),
  args: field(4, list(string)),
  workingDir: field(5, string),
  ports: field(6, list(containerPort), {
    mergeKey: ["containerPort", "protocol"],
    listType: "map",
  }),
  env: field(7, list(envVar), { mergeKey: "name", listType: "map" }),
  resources: field(8, resourceRequirements),
  volumeMounts: field(9, list(volumeMount), { mergeKey: "mountPath", listType: "map" }),
  livenessProbe: field(10, probe),
  readinessProbe: field(11, probe),
  lifecycle: field(12, lifecycle),
  terminationMessagePath: field(13, string),
  imagePullPolicy: field(14, string),
  securityContext: field(15, securityContext),
  stdin: field(16, boolean),
  stdinOnce: field(17, boolean),
  tty: field(18, boolean),
  envFrom: field(19, list(envFromSource)),
  terminationMessagePolicy: field(20, string),
  volumeDevices: field(21, list(volumeDevice), { mergeKey: "devicePath", listType: "map" }),
  startupProbe: field(22, probe),
  resizePolicy: field(23, list(containerResizePolicy)),
  restartPolicy: field(24, string),
  restartPolicyRules: field(25, list(containerRestartRule)),
});
export type Container = z.infer<typeof container>;

export const ephemeralContainer = message("io.k8s.api.core.v1.EphemeralContainer", {
  name: field([1, 1], string),
  image: field([1, 2], string),
  command: field([1, 3], list(string)),
  args: field([1, 4], list(string)),
  workingDir: field([1, 5], string),
  ports: field([1, 6], list(containerPort), {
    mergeKey: ["containerPort", "protocol"],
    listType: "map",
  }),
  env: field([1, 7], list(envVar), { mergeKey: "name", listType: "map" }),
  resources: field([1, 8], resourceRequirements),
  volumeMounts: field([1, 9], list(volumeMount), { mergeKey: "mountPath", listType: "map" }),
  livenessProbe: field([1, 10], probe),
  readinessProbe: field([1, 11], probe),
  lifecycle: field([1, 12], lifecycle),
  terminationMessagePath: field([1, 13], string),
  imagePullPolicy: field([1, 14], string),
  securityContext: field([1, 15], securityContext),
  stdin: field([1, 16], boolean),
  stdinOnce: field([1, 17], boolean),
  tty: field([1, 18], boolean),
  envFrom: field([1, 19], list(envFromSource)),
  terminationMessagePolicy: field([1, 20], string),
  volumeDevices: field([1, 21], list(volumeDevice), { mergeKey: "devicePath", listType: "map" }),
  startupProbe: field([1, 22], probe),
  resizePolicy: field([1, 23], list(containerResizePolicy)),
  restartPolicy: field([1, 24], string),
  restartPolicyRules: field([1, 25], list(containerRestartRule)),
  targetContainerName: field(2, string),
});

export const sysctl = message("io.k8s.api.core.v1.Sysctl", {
  name: field(1, string),
  value: field(2, string),
});

export const containerExtendedResourceRequest = message(
  "io.k8s.api.core.v1.ContainerExtendedResourceRequest",
  {
    containerName: field(1, string),
    resourceName: field(2, string),
    requestName: field(3, string),
  },
);

export const hostIP = message("io.k8s.api.core.v1.HostIP", {
  ip: field(1, string),
});
