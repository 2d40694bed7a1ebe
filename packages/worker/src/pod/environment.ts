// A container's environment: envFrom, then env in order, each value expanded from what came before.
import type { PodSpec } from "@gantry/core";
import type { RunnablePod } from "../runtime.ts";
import { expand } from "./expansion.ts";
import { fieldValue, type HostFacts, resourceValue } from "./field-ref.ts";

type Container = NonNullable<PodSpec["containers"]>[number];
type Variable = NonNullable<Container["env"]>[number];

/** A reference that can't be resolved; the text is a kubelet's. */
export class ContainerConfigError extends Error {
  override name = "ContainerConfigError";
}

const sourceKey = (
  pod: RunnablePod,
  kind: "configmap" | "secret",
  from: { name?: string | undefined; key?: string | undefined; optional?: boolean | undefined },
): string | undefined => {
  const source = pod.sources.get(`${kind}/${from.name}`);
  const value = source?.get(from.key ?? "");
  if (value !== undefined) return value.toString();
  if (from.optional === true) return undefined;
  throw new ContainerConfigError(
    source === undefined
      ? `${kind} "${from.name}" not found`
      : `couldn't find key ${from.key} in ${kind} ${pod.namespace}/${from.name}`,
  );
};

const referenced = (
  pod: RunnablePod,
  container: Container,
  from: NonNullable<Variable["valueFrom"]>,
  host: HostFacts,
): string | undefined => {
  if (from.configMapKeyRef !== undefined) return sourceKey(pod, "configmap", from.configMapKeyRef);
  if (from.secretKeyRef !== undefined) return sourceKey(pod, "secret", from.secretKeyRef);
  if (from.fieldRef !== undefined) return fieldValue(pod, from.fieldRef.fieldPath ?? "", host);
  if (from.resourceFieldRef === undefined) return undefined;
  const { containerName } = from.resourceFieldRef;
  const all = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])];
  const target = all.find(({ name }) => name === containerName) ?? container;
  return resourceValue(target, from.resourceFieldRef, host);
};

/** Throws `ContainerConfigError` for a reference that is neither there nor optional. */
export const containerEnv = (
  pod: RunnablePod,
  container: Container,
  host: HostFacts,
): ReadonlyMap<string, string> => {
  const env = new Map<string, string>();
  for (const from of container.envFrom ?? []) {
    const kind = from.secretRef === undefined ? "configmap" : "secret";
    const ref = from.secretRef ?? from.configMapRef;
    const source = pod.sources.get(`${kind}/${ref?.name}`);
    if (source === undefined && ref?.optional !== true) {
      throw new ContainerConfigError(`${kind} "${ref?.name}" not found`);
    }
    for (const [key, value] of source ?? [])
      env.set(`${from.prefix ?? ""}${key}`, value.toString());
  }
  for (const variable of container.env ?? []) {
    const value =
      variable.valueFrom === undefined
        ? expand(variable.value ?? "", env)
        : referenced(pod, container, variable.valueFrom, host);
    if (value !== undefined) env.set(variable.name ?? "", value);
  }
  return env;
};

/** spec.hostname, or the Pod's name, cut to a host name's 63 characters. */
export const podHostname = (pod: RunnablePod): string =>
  (pod.spec.hostnameOverride ?? pod.spec.hostname ?? pod.name).slice(0, 63).replace(/[-.]+$/, "");
