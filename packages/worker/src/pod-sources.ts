// ConfigMaps and Secrets that a Pod refers to, read when it starts.
import type { PodSpec } from "@gantry/core";
import type { Store, StoredObject } from "@gantry/store";

export type Sources = ReadonlyMap<string, ReadonlyMap<string, Buffer>>;

/** A reference that is not optional does not exist; a kubelet keeps such a Pod waiting. */
export class MissingSourceError extends Error {
  override name = "MissingSourceError";
}

interface Reference {
  readonly kind: "configmap" | "secret";
  readonly name: string;
  readonly optional: boolean;
  readonly key?: string | undefined;
}

const reference = (
  kind: Reference["kind"],
  source: { name?: string; optional?: boolean; key?: string } | undefined,
  name = source?.name,
): Reference[] =>
  source === undefined || name === undefined
    ? []
    : [{ kind, name, optional: source.optional === true, key: source.key }];

type Plain = { name?: string; optional?: boolean; key?: string };

const references = (spec: PodSpec): Reference[] => {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const fromContainers = containers.flatMap((container) => [
    ...(container.env ?? []).flatMap((variable) => [
      ...reference("configmap", variable.valueFrom?.configMapKeyRef as Plain | undefined),
      ...reference("secret", variable.valueFrom?.secretKeyRef as Plain | undefined),
    ]),
    ...(container.envFrom ?? []).flatMap((from) => [
      ...reference("configmap", from.configMapRef as Plain | undefined),
      ...reference("secret", from.secretRef as Plain | undefined),
    ]),
  ]);
  const fromVolumes = (spec.volumes ?? []).flatMap((volume) => [
    ...reference("configmap", volume.configMap as Plain | undefined),
    ...reference("secret", volume.secret as Plain | undefined, volume.secret?.secretName),
    ...(volume.projected?.sources ?? []).flatMap((source) => [
      ...reference("configmap", source.configMap as Plain | undefined),
      ...reference("secret", source.secret as Plain | undefined),
    ]),
  ]);
  return [...fromContainers, ...fromVolumes];
};

const decode = (object: StoredObject): ReadonlyMap<string, Buffer> => {
  const text = (object["data"] ?? {}) as Record<string, string>;
  const binary = (object["binaryData"] ?? {}) as Record<string, string>;
  const isSecret = object.kind === "Secret";
  return new Map([
    ...Object.entries(text).map(
      ([key, value]) => [key, Buffer.from(value, isSecret ? "base64" : "utf8")] as const,
    ),
    ...Object.entries(binary).map(([key, value]) => [key, Buffer.from(value, "base64")] as const),
  ]);
};

/** Throws `MissingSourceError` with a kubelet's message. */
export const readSources = async (
  store: Store,
  namespace: string,
  spec: PodSpec,
): Promise<Sources> => {
  const sources = new Map<string, ReadonlyMap<string, Buffer>>();
  for (const { kind, name, optional, key } of references(spec)) {
    const id = `${kind}/${name}`;
    if (!sources.has(id)) {
      const resource = kind === "secret" ? "secrets" : "configmaps";
      const object = await store.get(resource, `${namespace}/${name}`);
      if (object === null) {
        if (optional) continue;
        throw new MissingSourceError(`${kind} "${name}" not found`);
      }
      sources.set(id, decode(object.value));
    }
    if (key !== undefined && !optional && !sources.get(id)?.has(key)) {
      throw new MissingSourceError(`couldn't find key ${key} in ${kind} ${namespace}/${name}`);
    }
  }
  return sources;
};
