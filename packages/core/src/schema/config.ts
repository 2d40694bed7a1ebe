import type { z } from "zod";
import { boolean, bytes, field, list, map, message, string, typeMeta } from "./message.ts";
import { objectMeta } from "./meta.ts";
import { localObjectReference, objectReference } from "./reference.ts";

export const configMap = message("io.k8s.api.core.v1.ConfigMap", {
  ...typeMeta,
  metadata: field(1, objectMeta),
  data: field(2, map(string)),
  binaryData: field(3, map(bytes)),
  immutable: field(4, boolean),
});
export type ConfigMap = z.infer<typeof configMap>;

export const secret = message("io.k8s.api.core.v1.Secret", {
  ...typeMeta,
  metadata: field(1, objectMeta),
  data: field(2, map(bytes)),
  type: field(3, string),
  stringData: field(4, map(string)),
  immutable: field(5, boolean),
});
export type Secret = z.infer<typeof secret>;

export const serviceAccount = message("io.k8s.api.core.v1.ServiceAccount", {
  ...typeMeta,
  metadata: field(1, objectMeta),
  secrets: field(2, list(objectReference), { mergeKey: "name", listType: "map" }),
  imagePullSecrets: field(3, list(localObjectReference)),
  automountServiceAccountToken: field(4, boolean),
});
export type ServiceAccount = z.infer<typeof serviceAccount>;
