// Whom a change concerns: the controllers to wake after it.
import type { PodRecord } from "@gantry/core";
import { ownerSyncKey, type Resource } from "@gantry/store";
import type { ApiObject, Strategy } from "../registry/strategy.ts";

const jobNameLabels = ["batch.kubernetes.io/job-name", "job-name"] as const;

/** An ownerless Pod may be adopted by the Job that its labels name. */
const candidate = (object: ApiObject): string[] => {
  const { labels, namespace } = object.metadata ?? {};
  for (const label of jobNameLabels) {
    const name = labels?.[label];
    if (name !== undefined && name !== "") return [`jobs|${namespace ?? ""}/${name}`];
  }
  return [];
};

/** For the object before (if there was one) and after a change; `values` are its stored forms. */
export const syncKeys = (
  strategy: Strategy,
  key: string,
  values: readonly unknown[],
  objects: readonly ApiObject[],
): string[] => {
  const keys = new Set<string>();
  const resource: Resource = strategy.resource;
  if (resource === "jobs" || resource === "cronjobs" || resource === "namespaces") {
    keys.add(`${resource}|${key}`);
  }
  for (const value of values) {
    const owner = ownerSyncKey(resource, value);
    if (owner !== undefined) keys.add(owner);
  }
  if (resource === "pods") {
    const ownerless = values.some((value) => (value as PodRecord).job === undefined);
    if (ownerless) for (const object of objects) for (const one of candidate(object)) keys.add(one);
  }
  return [...keys];
};
