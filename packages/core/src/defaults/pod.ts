// Defaults of Pods and Pod templates (job-spec 6).
import { blank } from "../apimachinery/blank.ts";
import type { Pod, PodSpec, PodTemplateSpec } from "../schema/pod.ts";
import type { Container } from "../schema/container.ts";
import type { Toleration } from "../schema/placement.ts";
import {
  defaultContainer,
  defaultQuantities,
  defaultResources,
  requestsFromLimits,
  withHostPorts,
} from "./container.ts";
import { defaultVolume } from "./volume.ts";

const defaultGraceSeconds = 30;

/** Defaults that templates and Pods share. Throws QuantityError on text that is no quantity. */
function defaultPodSpec(spec: PodSpec | undefined): PodSpec {
  const source = spec ?? {};
  const { containers, initContainers, ephemeralContainers, volumes, overhead, resources } = source;
  const container = (one: Container): Container =>
    source.hostNetwork === true ? withHostPorts(defaultContainer(one)) : defaultContainer(one);
  const account = source.serviceAccountName || source.serviceAccount;
  return {
    ...blank,
    ...source,
    ...(volumes && { volumes: volumes.map(defaultVolume) }),
    ...(initContainers && { initContainers: initContainers.map(container) }),
    ...(containers && { containers: containers.map(container) }),
    ...(ephemeralContainers && { ephemeralContainers: ephemeralContainers.map(defaultContainer) }),
    ...(overhead && { overhead: defaultQuantities(overhead) }),
    ...(resources && { resources: defaultResources(resources) }),
    // The deprecated field mirrors the present one; the present one wins.
    ...(account && { serviceAccountName: account, serviceAccount: account }),
    restartPolicy: source.restartPolicy || "Always",
    terminationGracePeriodSeconds: source.terminationGracePeriodSeconds ?? defaultGraceSeconds,
    dnsPolicy: source.dnsPolicy || "ClusterFirst",
    securityContext: source.securityContext ?? {},
    schedulerName: source.schedulerName || "default-scheduler",
  };
}

export const defaultPodTemplate = (template: PodTemplateSpec | undefined): PodTemplateSpec => ({
  metadata: template?.metadata ?? {},
  spec: defaultPodSpec(template?.spec),
});

const withRequests = (container: Container): Container => ({
  ...blank,
  ...container,
  resources: requestsFromLimits(container.resources),
});

/** A Pod has, beyond its template, a request for every limit, and service links. */
export function defaultPod(pod: Pod): Pod {
  const spec = defaultPodSpec(pod.spec);
  return {
    ...blank,
    ...pod,
    metadata: pod.metadata ?? {},
    spec: {
      ...blank,
      ...spec,
      ...(spec.containers && { containers: spec.containers.map(withRequests) }),
      ...(spec.initContainers && { initContainers: spec.initContainers.map(withRequests) }),
      ...(spec.resources && { resources: requestsFromLimits(spec.resources) }),
      enableServiceLinks: spec.enableServiceLinks ?? true,
    },
    status: pod.status ?? {},
  };
}

/** Seconds that a Pod stays on a node which is lost, unless it says otherwise. */
const lostNodeSeconds = 300;
const lostNodeTaints = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

const toleratesNoExecute = (toleration: Toleration, key: string): boolean =>
  (toleration.key === key || !toleration.key) &&
  (toleration.effect === "NoExecute" || !toleration.effect);

function withLostNodeTolerations(tolerations: readonly Toleration[]): Toleration[] {
  const missing = lostNodeTaints.filter(
    (key) => !tolerations.some((toleration) => toleratesNoExecute(toleration, key)),
  );
  return [
    ...tolerations,
    ...missing.map((key) => ({
      key,
      operator: "Exists",
      effect: "NoExecute",
      tolerationSeconds: lostNodeSeconds,
    })),
  ];
}

/** What admission adds to a defaulted Pod: service account, priority, tolerations of lost nodes. */
export function admitPod(pod: Pod): Pod {
  const spec = pod.spec ?? {};
  const account = spec.serviceAccountName || "default";
  return {
    ...blank,
    ...pod,
    spec: {
      ...blank,
      ...spec,
      serviceAccountName: account,
      serviceAccount: account,
      tolerations: withLostNodeTolerations(spec.tolerations ?? []),
      priority: spec.priority ?? 0,
      preemptionPolicy: spec.preemptionPolicy ?? "PreemptLowerPriority",
    },
  };
}
