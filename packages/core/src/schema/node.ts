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
import { objectMeta } from "./meta.ts";

export const attachedVolume = message("io.k8s.api.core.v1.AttachedVolume", {
  name: field(1, string),
  devicePath: field(2, string),
});

export const configMapNodeConfigSource = message("io.k8s.api.core.v1.ConfigMapNodeConfigSource", {
  namespace: field(1, string),
  name: field(2, string),
  uid: field(3, string),
  resourceVersion: field(4, string),
  kubeletConfigKey: field(5, string),
});

export const containerImage = message("io.k8s.api.core.v1.ContainerImage", {
  names: field(1, list(string)),
  sizeBytes: field(2, int64),
});

export const daemonEndpoint = message("io.k8s.api.core.v1.DaemonEndpoint", {
  Port: field(1, int32),
});

export const nodeConfigSource = message("io.k8s.api.core.v1.NodeConfigSource", {
  configMap: field(2, configMapNodeConfigSource),
});

export const taint = message("io.k8s.api.core.v1.Taint", {
  key: field(1, string),
  value: field(2, string),
  effect: field(3, string),
  timeAdded: field(4, time),
});

export const nodeSpec = message("io.k8s.api.core.v1.NodeSpec", {
  podCIDR: field(1, string),
  externalID: field(2, string),
  providerID: field(3, string),
  unschedulable: field(4, boolean),
  taints: field(5, list(taint)),
  configSource: field(6, nodeConfigSource),
  podCIDRs: field(7, list(string), { listType: "set" }),
});

export const nodeAddress = message("io.k8s.api.core.v1.NodeAddress", {
  type: field(1, string),
  address: field(2, string),
});

export const nodeCondition = message("io.k8s.api.core.v1.NodeCondition", {
  type: field(1, string),
  status: field(2, string),
  lastHeartbeatTime: field(3, time),
  lastTransitionTime: field(4, time),
  reason: field(5, string),
  message: field(6, string),
});

export const nodeConfigStatus = message("io.k8s.api.core.v1.NodeConfigStatus", {
  assigned: field(1, nodeConfigSource),
  active: field(2, nodeConfigSource),
  lastKnownGood: field(3, nodeConfigSource),
  error: field(4, string),
});

export const nodeDaemonEndpoints = message("io.k8s.api.core.v1.NodeDaemonEndpoints", {
  kubeletEndpoint: field(1, daemonEndpoint),
});

export const nodeFeatures = message("io.k8s.api.core.v1.NodeFeatures", {
  supplementalGroupsPolicy: field(1, boolean),
});

export const nodeRuntimeHandlerFeatures = message("io.k8s.api.core.v1.NodeRuntimeHandlerFeatures", {
  recursiveReadOnlyMounts: field(1, boolean),
  userNamespaces: field(2, boolean),
});

export const nodeRuntimeHandler = message("io.k8s.api.core.v1.NodeRuntimeHandler", {
  name: field(1, string),
  features: field(2, nodeRuntimeHandlerFeatures),
});

export const nodeSwapStatus = message("io.k8s.api.core.v1.NodeSwapStatus", {
  capacity: field(1, int64),
});

export const nodeSystemInfo = message("io.k8s.api.core.v1.NodeSystemInfo", {
  machineID: field(1, string),
  systemUUID: field(2, string),
  bootID: field(3, string),
  kernelVersion: field(4, string),
  osImage: field(5, string),
  containerRuntimeVersion: field(6, string),
  kubeletVersion: field(7, string),
  kubeProxyVersion: field(8, string),
  operatingSystem: field(9, string),
  architecture: field(10, string),
  swap: field(11, nodeSwapStatus),
});

export const nodeStatus = message("io.k8s.api.core.v1.NodeStatus", {
  capacity: field(1, map(quantity)),
  allocatable: field(2, map(quantity)),
  phase: field(3, string),
  conditions: field(4, list(nodeCondition), { mergeKey: "type", listType: "map" }),
  addresses: field(5, list(nodeAddress), { mergeKey: "type", listType: "map" }),
  daemonEndpoints: field(6, nodeDaemonEndpoints),
  nodeInfo: field(7, nodeSystemInfo),
  images: field(8, list(containerImage)),
  volumesInUse: field(9, list(string)),
  volumesAttached: field(10, list(attachedVolume)),
  config: field(11, nodeConfigStatus),
  runtimeHandlers: field(12, list(nodeRuntimeHandler)),
  features: field(13, nodeFeatures),
  declaredFeatures: field(14, list(string)),
});

export const node = message("io.k8s.api.core.v1.Node", {
  ...typeMeta,
  metadata: field(1, objectMeta),
  spec: field(2, nodeSpec),
  status: field(3, nodeStatus),
});
export type Node = z.infer<typeof node>;

export const nodeAllocatableResourceClaimStatus = message(
  "io.k8s.api.core.v1.NodeAllocatableResourceClaimStatus",
  {
    resourceClaimName: field(1, string),
    containers: field(2, list(string)),
    resources: field(3, map(quantity)),
  },
);
