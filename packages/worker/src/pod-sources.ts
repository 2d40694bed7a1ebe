// ConfigMaps and Secrets that a Pod refers to, read when it starts.
import type { PodSpec } from "@gantry/core";
import { openSecret, SealedSecretError, type SecretBox, type StoredObject } from "@gantry/store";
import type { WorkerContext } from "./worker-context.ts";

type Keys = ReadonlyMap<string, Buffer>;
/**
 * By `configmap/NAME` and `secret/NAME`. What a ConfigMap has as binaryData is apart, under
 * `binarydata/NAME`: volumes hold it, environments do not.
 */
export type Sources = ReadonlyMap<string, Keys>;

/** A reference that is not optional does not exist; a kubelet keeps such a Pod waiting. */
export class MissingSourceError extends Error {
  override name = "MissingSourceError";
  /** The volume that waits for it; otherwise a container's environment does. */
  readonly volume: string | undefined;

  constructor(message: string, volume?: string) {
    super(volume === undefined ? message : mountFailed(volume, message));
    this.volume = volume;
  }
}

const mountFailed = (volume: string, why: string): string =>
  `MountVolume.SetUp failed for volume "${volume}" : ${why}`;

interface Reference {
  readonly kind: "configmap" | "secret";
  readonly name: string;
  readonly optional: boolean;
  readonly key?: string | undefined;
  readonly volume?: string | undefined;
}

const reference = (
  kind: Reference["kind"],
  source: { name?: string | undefined; optional?: boolean; key?: string } | undefined,
  name = source?.name,
): Reference[] =>
  source === undefined || name === undefined
    ? []
    : [{ kind, name, optional: source.optional === true, key: source.key }];

type Plain = { name?: string; optional?: boolean; key?: string };

type Volume = NonNullable<PodSpec["volumes"]>[number];
type Keyed = Plain & { items?: readonly { key?: string }[] };

/** The object, and each of its keys that the volume wants to have. */
const volumeReference = (
  volume: string | undefined,
  kind: Reference["kind"],
  source: Keyed | undefined,
  name = source?.name,
): Reference[] => {
  const [whole] = reference(kind, source, name);
  if (whole === undefined) return [];
  const keys = (source?.items ?? []).map(({ key }) => ({ ...whole, volume, key }));
  return [{ ...whole, volume }, ...keys];
};

const volumeReferences = ({ name, configMap, secret, projected }: Volume): Reference[] => [
  ...volumeReference(name, "configmap", configMap as Keyed | undefined),
  ...volumeReference(name, "secret", secret as Keyed | undefined, secret?.secretName),
  ...(projected?.sources ?? []).flatMap((source) => [
    ...volumeReference(name, "configmap", source.configMap as Keyed | undefined),
    ...volumeReference(name, "secret", source.secret as Keyed | undefined),
  ]),
];

/** Of a Pod that refers to nothing. */
export const noSources: Sources = new Map();

/** Whether specs refer to anything, by what they derive from: Pods of one template are alike. */
const needing = new WeakMap<object, boolean>();

/** `origin`: the template that the spec derives from, or the Pod's own spec. */
export const needsSources = (spec: PodSpec, origin: object | undefined): boolean => {
  const known = origin === undefined ? undefined : needing.get(origin);
  if (known !== undefined) return known;
  const needed = references(spec).length > 0;
  if (origin !== undefined) needing.set(origin, needed);
  return needed;
};

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
  const fromVolumes = (spec.volumes ?? []).flatMap(volumeReferences);
  // A kubelet goes on without a pull secret that is not there.
  const forPulls = (spec.imagePullSecrets ?? []).flatMap(({ name }) =>
    reference("secret", { name, optional: true }),
  );
  return [...fromContainers, ...fromVolumes, ...forPulls];
};

const decode = (values: unknown, encoding: BufferEncoding): Keys =>
  new Map(
    Object.entries((values ?? {}) as Record<string, string>).map(([key, value]) => [
      key,
      Buffer.from(value, encoding),
    ]),
  );

/** A Secret that can't be read is waited for: a worker with the right key may be on its way. */
const opened = (
  { value }: { readonly value: StoredObject },
  kind: Reference["kind"],
  name: string,
  secrets: SecretBox | undefined,
  volume: string | undefined,
): StoredObject => {
  if (kind !== "secret") return value;
  try {
    return openSecret(secrets, value);
  } catch (error) {
    if (!(error instanceof SealedSecretError)) throw error;
    throw new MissingSourceError(`secret "${name}" can't be read: ${error.message}`, volume);
  }
};

/** Throws `MissingSourceError` with a kubelet's message. */
export const readSources = async (
  { store, secrets }: Pick<WorkerContext, "store" | "secrets">,
  namespace: string,
  spec: PodSpec,
): Promise<Sources> => {
  const sources = new Map<string, Keys>();
  for (const { kind, name, optional, key, volume } of references(spec)) {
    const id = `${kind}/${name}`;
    if (!sources.has(id)) {
      const resource = kind === "secret" ? "secrets" : "configmaps";
      const object = await store.get(resource, `${namespace}/${name}`);
      if (object === null) {
        if (optional) continue;
        throw new MissingSourceError(`${kind} "${name}" not found`, volume);
      }
      const { data, binaryData } = opened(object, kind, name, secrets, volume);
      sources.set(id, decode(data, kind === "secret" ? "base64" : "utf8"));
      if (binaryData !== undefined) sources.set(`binarydata/${name}`, decode(binaryData, "base64"));
    }
    const isThere = (wanted: string): boolean =>
      sources.get(id)?.has(wanted) === true ||
      (volume !== undefined &&
        kind === "configmap" &&
        sources.get(`binarydata/${name}`)?.has(wanted) === true);
    if (key !== undefined && !optional && !isThere(key)) {
      const why =
        volume === undefined
          ? `couldn't find key ${key} in ${kind} ${namespace}/${name}`
          : "references non-existent config key: " + key;
      throw new MissingSourceError(why, volume);
    }
  }
  return sources;
};
