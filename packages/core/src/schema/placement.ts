import type { z } from "zod";
import { field, int32, int64, list, message, string } from "./message.ts";
import { labelSelector } from "./meta.ts";

export const nodeSelectorRequirement = message("io.k8s.api.core.v1.NodeSelectorRequirement", {
  key: field(1, string),
  operator: field(2, string),
  values: field(3, list(string)),
});
export type NodeSelectorRequirement = z.infer<typeof nodeSelectorRequirement>;

export const nodeSelectorTerm = message("io.k8s.api.core.v1.NodeSelectorTerm", {
  matchExpressions: field(1, list(nodeSelectorRequirement)),
  matchFields: field(2, list(nodeSelectorRequirement)),
});
export type NodeSelectorTerm = z.infer<typeof nodeSelectorTerm>;

export const nodeSelector = message("io.k8s.api.core.v1.NodeSelector", {
  nodeSelectorTerms: field(1, list(nodeSelectorTerm)),
});

export const preferredSchedulingTerm = message("io.k8s.api.core.v1.PreferredSchedulingTerm", {
  weight: field(1, int32),
  preference: field(2, nodeSelectorTerm),
});

export const nodeAffinity = message("io.k8s.api.core.v1.NodeAffinity", {
  requiredDuringSchedulingIgnoredDuringExecution: field(1, nodeSelector),
  preferredDuringSchedulingIgnoredDuringExecution: field(2, list(preferredSchedulingTerm)),
});

export const podAffinityTerm = message("io.k8s.api.core.v1.PodAffinityTerm", {
  labelSelector: field(1, labelSelector),
  namespaces: field(2, list(string)),
  topologyKey: field(3, string),
  namespaceSelector: field(4, labelSelector),
  matchLabelKeys: field(5, list(string)),
  mismatchLabelKeys: field(6, list(string)),
});
export type PodAffinityTerm = z.infer<typeof podAffinityTerm>;

export const weightedPodAffinityTerm = message("io.k8s.api.core.v1.WeightedPodAffinityTerm", {
  weight: field(1, int32),
  podAffinityTerm: field(2, podAffinityTerm),
});

export const podAffinity = message("io.k8s.api.core.v1.PodAffinity", {
  requiredDuringSchedulingIgnoredDuringExecution: field(1, list(podAffinityTerm)),
  preferredDuringSchedulingIgnoredDuringExecution: field(2, list(weightedPodAffinityTerm)),
});
export type PodAffinity = z.infer<typeof podAffinity>;

export const podAntiAffinity = message("io.k8s.api.core.v1.PodAntiAffinity", {
  requiredDuringSchedulingIgnoredDuringExecution: field(1, list(podAffinityTerm)),
  preferredDuringSchedulingIgnoredDuringExecution: field(2, list(weightedPodAffinityTerm)),
});

export const affinity = message("io.k8s.api.core.v1.Affinity", {
  nodeAffinity: field(1, nodeAffinity),
  podAffinity: field(2, podAffinity),
  podAntiAffinity: field(3, podAntiAffinity),
});
export type Affinity = z.infer<typeof affinity>;

export const hostAlias = message("io.k8s.api.core.v1.HostAlias", {
  ip: field(1, string),
  hostnames: field(2, list(string)),
});

export const toleration = message("io.k8s.api.core.v1.Toleration", {
  key: field(1, string),
  operator: field(2, string),
  value: field(3, string),
  effect: field(4, string),
  tolerationSeconds: field(5, int64),
});
export type Toleration = z.infer<typeof toleration>;

export const topologySpreadConstraint = message("io.k8s.api.core.v1.TopologySpreadConstraint", {
  maxSkew: field(1, int32),
  topologyKey: field(2, string),
  whenUnsatisfiable: field(3, string),
  labelSelector: field(4, labelSelector),
  minDomains: field(5, int32),
  nodeAffinityPolicy: field(6, string),
  nodeTaintsPolicy: field(7, string),
  matchLabelKeys: field(8, list(string)),
});
export type TopologySpreadConstraint = z.infer<typeof topologySpreadConstraint>;
