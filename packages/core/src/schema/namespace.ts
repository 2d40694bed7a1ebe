import type { z } from "zod";
import { field, list, message, string, time, typeMeta } from "./message.ts";
import { objectMeta } from "./meta.ts";

export const namespaceSpec = message("io.k8s.api.core.v1.NamespaceSpec", {
  finalizers: field(1, list(string)),
});

export const namespaceCondition = message("io.k8s.api.core.v1.NamespaceCondition", {
  type: field(1, string),
  status: field(2, string),
  lastTransitionTime: field(4, time),
  reason: field(5, string),
  message: field(6, string),
});

export const namespaceStatus = message("io.k8s.api.core.v1.NamespaceStatus", {
  phase: field(1, string),
  conditions: field(2, list(namespaceCondition), { mergeKey: "type", listType: "map" }),
});

export const namespace = message("io.k8s.api.core.v1.Namespace", {
  ...typeMeta,
  metadata: field(1, objectMeta),
  spec: field(2, namespaceSpec),
  status: field(3, namespaceStatus),
});
export type Namespace = z.infer<typeof namespace>;
