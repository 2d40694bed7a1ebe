import type { z } from "zod";
import {
  boolean,
  field,
  int32,
  int64,
  list,
  map,
  message,
  rawObject,
  string,
  time,
  typeMeta,
} from "./message.ts";

export const fieldSelectorRequirement = message(
  "io.k8s.apimachinery.pkg.apis.meta.v1.FieldSelectorRequirement",
  {
    key: field(1, string),
    operator: field(2, string),
    values: field(3, list(string)),
  },
);

export const labelSelectorRequirement = message(
  "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement",
  {
    key: field(1, string),
    operator: field(2, string),
    values: field(3, list(string)),
  },
);
export type LabelSelectorRequirement = z.infer<typeof labelSelectorRequirement>;

export const managedFieldsEntry = message(
  "io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry",
  {
    manager: field(1, string),
    operation: field(2, string),
    apiVersion: field(3, string),
    time: field(4, time),
    fieldsType: field(6, string),
    fieldsV1: field(7, rawObject),
    subresource: field(8, string),
  },
);

export const ownerReference = message("io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference", {
  kind: field(1, string),
  name: field(3, string),
  uid: field(4, string),
  apiVersion: field(5, string),
  controller: field(6, boolean),
  blockOwnerDeletion: field(7, boolean),
});
export type OwnerReference = z.infer<typeof ownerReference>;

export const objectMeta = message("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", {
  name: field(1, string),
  generateName: field(2, string),
  namespace: field(3, string),
  selfLink: field(4, string),
  uid: field(5, string),
  resourceVersion: field(6, string),
  generation: field(7, int64),
  creationTimestamp: field(8, time),
  deletionTimestamp: field(9, time),
  deletionGracePeriodSeconds: field(10, int64),
  labels: field(11, map(string)),
  annotations: field(12, map(string)),
  ownerReferences: field(13, list(ownerReference), { mergeKey: "uid", listType: "map" }),
  finalizers: field(14, list(string), { listType: "set" }),
  managedFields: field(17, list(managedFieldsEntry)),
});
export type ObjectMeta = z.infer<typeof objectMeta>;

export const labelSelector = message("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector", {
  matchLabels: field(1, map(string)),
  matchExpressions: field(2, list(labelSelectorRequirement)),
});
export type LabelSelector = z.infer<typeof labelSelector>;

export const preconditions = message("io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions", {
  uid: field(1, string),
  resourceVersion: field(2, string),
});

export const deleteOptions = message("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions", {
  ...typeMeta,
  gracePeriodSeconds: field(1, int64),
  preconditions: field(2, preconditions),
  orphanDependents: field(3, boolean),
  propagationPolicy: field(4, string),
  dryRun: field(5, list(string)),
  ignoreStoreReadErrorWithClusterBreakingPotential: field(6, boolean),
});

export const listMeta = message("io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta", {
  selfLink: field(1, string),
  resourceVersion: field(2, string),
  continue: field(3, string),
  remainingItemCount: field(4, int64),
});
export type ListMeta = z.infer<typeof listMeta>;

export const statusCause = message("io.k8s.apimachinery.pkg.apis.meta.v1.StatusCause", {
  reason: field(1, string),
  message: field(2, string),
  field: field(3, string),
});
export type StatusCause = z.infer<typeof statusCause>;

export const statusDetails = message("io.k8s.apimachinery.pkg.apis.meta.v1.StatusDetails", {
  name: field(1, string),
  group: field(2, string),
  kind: field(3, string),
  causes: field(4, list(statusCause)),
  retryAfterSeconds: field(5, int32),
  uid: field(6, string),
});
export type StatusDetails = z.infer<typeof statusDetails>;

export const status = message("io.k8s.apimachinery.pkg.apis.meta.v1.Status", {
  ...typeMeta,
  metadata: field(1, listMeta),
  status: field(2, string),
  message: field(3, string),
  reason: field(4, string),
  details: field(5, statusDetails),
  code: field(6, int32),
});
export type Status = z.infer<typeof status>;
