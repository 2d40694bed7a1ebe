import type { z } from "zod";
import { field, message, quantity, string } from "./message.ts";

export const objectFieldSelector = message("io.k8s.api.core.v1.ObjectFieldSelector", {
  apiVersion: field(1, string),
  fieldPath: field(2, string),
});
export type ObjectFieldSelector = z.infer<typeof objectFieldSelector>;

export const resourceFieldSelector = message("io.k8s.api.core.v1.ResourceFieldSelector", {
  containerName: field(1, string),
  resource: field(2, string),
  divisor: field(3, quantity),
});
export type ResourceFieldSelector = z.infer<typeof resourceFieldSelector>;

export const localObjectReference = message("io.k8s.api.core.v1.LocalObjectReference", {
  name: field(1, string),
});

export const typedLocalObjectReference = message("io.k8s.api.core.v1.TypedLocalObjectReference", {
  apiGroup: field(1, string),
  kind: field(2, string),
  name: field(3, string),
});

export const objectReference = message("io.k8s.api.core.v1.ObjectReference", {
  kind: field(1, string),
  namespace: field(2, string),
  name: field(3, string),
  uid: field(4, string),
  apiVersion: field(5, string),
  resourceVersion: field(6, string),
  fieldPath: field(7, string),
});
export type ObjectReference = z.infer<typeof objectReference>;
