// Service and Lease: kinds that Gantry keeps for its clients and gives no meaning of its own.
import {
  boolean,
  field,
  int32,
  int64,
  intOrString,
  list,
  map,
  message,
  microTime,
  string,
  time,
  typeMeta,
} from "./message.ts";
import { objectMeta } from "./meta.ts";

export const servicePort = message("io.k8s.api.core.v1.ServicePort", {
  name: field(1, string),
  protocol: field(2, string),
  port: field(3, int32),
  targetPort: field(4, intOrString),
  nodePort: field(5, int32),
  appProtocol: field(6, string),
});

export const clientIPConfig = message("io.k8s.api.core.v1.ClientIPConfig", {
  timeoutSeconds: field(1, int32),
});

export const sessionAffinityConfig = message("io.k8s.api.core.v1.SessionAffinityConfig", {
  clientIP: field(1, clientIPConfig),
});

export const serviceSpec = message("io.k8s.api.core.v1.ServiceSpec", {
  ports: field(1, list(servicePort), { mergeKey: ["port", "protocol"], listType: "map" }),
  selector: field(2, map(string)),
  clusterIP: field(3, string),
  type: field(4, string),
  externalIPs: field(5, list(string)),
  sessionAffinity: field(7, string),
  loadBalancerIP: field(8, string),
  loadBalancerSourceRanges: field(9, list(string)),
  externalName: field(10, string),
  externalTrafficPolicy: field(11, string),
  healthCheckNodePort: field(12, int32),
  publishNotReadyAddresses: field(13, boolean),
  sessionAffinityConfig: field(14, sessionAffinityConfig),
  ipFamilyPolicy: field(17, string),
  clusterIPs: field(18, list(string)),
  ipFamilies: field(19, list(string)),
  allocateLoadBalancerNodePorts: field(20, boolean),
  loadBalancerClass: field(21, string),
  internalTrafficPolicy: field(22, string),
  trafficDistribution: field(23, string),
});

export const portStatus = message("io.k8s.api.core.v1.PortStatus", {
  port: field(1, int32),
  protocol: field(2, string),
  error: field(3, string),
});

export const loadBalancerIngress = message("io.k8s.api.core.v1.LoadBalancerIngress", {
  ip: field(1, string),
  hostname: field(2, string),
  ipMode: field(3, string),
  ports: field(4, list(portStatus)),
});

export const loadBalancerStatus = message("io.k8s.api.core.v1.LoadBalancerStatus", {
  ingress: field(1, list(loadBalancerIngress)),
});

export const condition = message("io.k8s.apimachinery.pkg.apis.meta.v1.Condition", {
  type: field(1, string),
  status: field(2, string),
  observedGeneration: field(3, int64),
  lastTransitionTime: field(4, time),
  reason: field(5, string),
  message: field(6, string),
});

export const serviceStatus = message("io.k8s.api.core.v1.ServiceStatus", {
  loadBalancer: field(1, loadBalancerStatus),
  conditions: field(2, list(condition), { mergeKey: "type", listType: "map" }),
});

export const service = message("io.k8s.api.core.v1.Service", {
  ...typeMeta,
  metadata: field(1, objectMeta),
  spec: field(2, serviceSpec),
  status: field(3, serviceStatus),
});

export const leaseSpec = message("io.k8s.api.coordination.v1.LeaseSpec", {
  holderIdentity: field(1, string),
  leaseDurationSeconds: field(2, int32),
  acquireTime: field(3, microTime),
  renewTime: field(4, microTime),
  leaseTransitions: field(5, int32),
  strategy: field(6, string),
  preferredHolder: field(7, string),
});

export const lease = message("io.k8s.api.coordination.v1.Lease", {
  ...typeMeta,
  metadata: field(1, objectMeta),
  spec: field(2, leaseSpec),
});
