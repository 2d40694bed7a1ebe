import type { z } from "zod";
import {
  boolean,
  field,
  int32,
  int64,
  list,
  map,
  message,
  quantity,
  string,
  time,
  typeMeta,
} from "./message.ts";
import {
  appArmorProfile,
  container,
  containerExtendedResourceRequest,
  ephemeralContainer,
  hostIP,
  resourceRequirements,
  seLinuxOptions,
  seccompProfile,
  sysctl,
  windowsSecurityContextOptions,
} from "./container.ts";
import { containerStatus } from "./container-status.ts";
import { objectMeta } from "./meta.ts";
import { nodeAllocatableResourceClaimStatus } from "./node.ts";
import { affinity, hostAlias, toleration, topologySpreadConstraint } from "./placement.ts";
import { localObjectReference } from "./reference.ts";
import { volume } from "./volume.ts";

export const podDNSConfigOption = message("io.k8s.api.core.v1.PodDNSConfigOption", {
  name: field(1, string),
  value: field(2, string),
});

export const podDNSConfig = message("io.k8s.api.core.v1.PodDNSConfig", {
  nameservers: field(1, list(string)),
  searches: field(2, list(string)),
  options: field(3, list(podDNSConfigOption)),
});

export const podOS = message("io.k8s.api.core.v1.PodOS", {
  name: field(1, string),
});

export const podReadinessGate = message("io.k8s.api.core.v1.PodReadinessGate", {
  conditionType: field(1, string),
});

export const podResourceClaim = message("io.k8s.api.core.v1.PodResourceClaim", {
  name: field(1, string),
  resourceClaimName: field(3, string),
  resourceClaimTemplateName: field(4, string),
});

export const podSchedulingGate = message("io.k8s.api.core.v1.PodSchedulingGate", {
  name: field(1, string),
});
export type PodSchedulingGate = z.infer<typeof podSchedulingGate>;

export const podSchedulingGroup = message("io.k8s.api.core.v1.PodSchedulingGroup", {
  podGroupName: field(1, string),
});

export const podSecurityContext = message("io.k8s.api.core.v1.PodSecurityContext", {
  seLinuxOptions: field(1, seLinuxOptions),
  runAsUser: field(2, int64),
  runAsNonRoot: field(3, boolean),
  supplementalGroups: field(4, list(int64)),
  fsGroup: field(5, int64),
  runAsGroup: field(6, int64),
  sysctls: field(7, list(sysctl)),
  windowsOptions: field(8, windowsSecurityContextOptions),
  fsGroupChangePolicy: field(9, string),
  seccompProfile: field(10, seccompProfile),
  appArmorProfile: field(11, appArmorProfile),
  supplementalGroupsPolicy: field(12, string),
  seLinuxChangePolicy: field(13, string),
});
export type PodSecurityContext = z.infer<typeof podSecurityContext>;

export const podSpec = message("io.k8s.api.core.v1.PodSpec", {
  volumes: field(1, list(volume), { mergeKey: "name", listType: "map" }),
  containers: field(2, list(container), { mergeKey: "name", listType: "map" }),
  restartPolicy: field(3, string),
  terminationGracePeriodSeconds: field(4, int64),
  activeDeadlineSeconds: field(5, int64),
  dnsPolicy: field(6, string),
  nodeSelector: field(7, map(string)),
  serviceAccountName: field(8, string),
  serviceAccount: field(9, string),
  nodeName: field(10, string),
  hostNetwork: field(11, boolean),
  hostPID: field(12, boolean),
  hostIPC: field(13, boolean),
  securityContext: field(14, podSecurityContext),
  imagePullSecrets: field(15, list(localObjectReference), { mergeKey: "name", listType: "map" }),
  hostname: field(16, string),
  subdomain: field(17, string),
  affinity: field(18, affinity),
  schedulerName: field(19, string),
  initContainers: field(20, list(container), { mergeKey: "name", listType: "map" }),
  automountServiceAccountToken: field(21, boolean),
  tolerations: field(22, list(toleration)),
  hostAliases: field(23, list(hostAlias), { mergeKey: "ip", listType: "map" }),
  priorityClassName: field(24, string),
  priority: field(25, int32),
  dnsConfig: field(26, podDNSConfig),
  shareProcessNamespace: field(27, boolean),
  readinessGates: field(28, list(podReadinessGate)),
  runtimeClassName: field(29, string),
  enableServiceLinks: field(30, boolean),
  preemptionPolicy: field(31, string),
  overhead: field(32, map(quantity)),
  topologySpreadConstraints: field(33, list(topologySpreadConstraint), {
    mergeKey: ["topologyKey", "whenUnsatisfiable"],
    listType: "map",
  }),
  ephemeralContainers: field(34, list(ephemeralContainer), { mergeKey: "name", listType: "map" }),
  setHostnameAsFQDN: field(35, boolean),
  os: field(36, podOS),
  hostUsers: field(37, boolean),
  schedulingGates: field(38, list(podSchedulingGate), { mergeKey: "name", listType: "map" }),
  resourceClaims: field(39, list(podResourceClaim), { mergeKey: "name", listType: "map" }),
  resources: field(40, resourceRequirements),
  hostnameOverride: field(41, string),
  schedulingGroup: field(43, podSchedulingGroup),
});
export type PodSpec = z.infer<typeof podSpec>;

export const podTemplateSpec = message("io.k8s.api.core.v1.PodTemplateSpec", {
  metadata: field(1, objectMeta),
  spec: field(2, podSpec),
});
export type PodTemplateSpec = z.infer<typeof podTemplateSpec>;

export const podCondition = message("io.k8s.api.core.v1.PodCondition", {
  type: field(1, string),
  status: field(2, string),
  lastProbeTime: field(3, time),
  lastTransitionTime: field(4, time),
  reason: field(5, string),
  message: field(6, string),
  observedGeneration: field(7, int64),
});
export type PodCondition = z.infer<typeof podCondition>;

export const podExtendedResourceClaimStatus = message(
  "io.k8s.api.core.v1.PodExtendedResourceClaimStatus",
  {
    requestMappings: field(1, list(containerExtendedResourceRequest)),
    resourceClaimName: field(2, string),
  },
);

export const podIP = message("io.k8s.api.core.v1.PodIP", {
  ip: field(1, string),
});

export const podResourceClaimStatus = message("io.k8s.api.core.v1.PodResourceClaimStatus", {
  name: field(1, string),
  resourceClaimName: field(2, string),
});

export const podStatus = message("io.k8s.api.core.v1.PodStatus", {
  phase: field(1, string),
  conditions: field(2, list(podCondition), { mergeKey: "type", listType: "map" }),
  message: field(3, string),
  reason: field(4, string),
  hostIP: field(5, string),
  podIP: field(6, string),
  startTime: field(7, time),
  containerStatuses: field(8, list(containerStatus)),
  qosClass: field(9, string),
  initContainerStatuses: field(10, list(containerStatus)),
  nominatedNodeName: field(11, string),
  podIPs: field(12, list(podIP), { mergeKey: "ip", listType: "map" }),
  ephemeralContainerStatuses: field(13, list(containerStatus)),
  resize: field(14, string),
  resourceClaimStatuses: field(15, list(podResourceClaimStatus), {
    mergeKey: "name",
    listType: "map",
  }),
  hostIPs: field(16, list(hostIP), { mergeKey: "ip" }),
  observedGeneration: field(17, int64),
  extendedResourceClaimStatus: field(18, podExtendedResourceClaimStatus),
  allocatedResources: field(19, map(quantity)),
  resources: field(20, resourceRequirements),
  nodeAllocatableResourceClaimStatuses: field(21, list(nodeAllocatableResourceClaimStatus)),
});
export type PodStatus = z.infer<typeof podStatus>;

export const pod = message("io.k8s.api.core.v1.Pod", {
  ...typeMeta,
  metadata: field(1, objectMeta),
  spec: field(2, podSpec),
  status: field(3, podStatus),
});
export type Pod = z.infer<typeof pod>;
