import { field, message, typeMeta } from "./message.ts";
import { deleteOptions, objectMeta } from "./meta.ts";

export const eviction = message("io.k8s.api.policy.v1.Eviction", {
  ...typeMeta,
  metadata: field(1, objectMeta),
  deleteOptions: field(2, deleteOptions),
});
