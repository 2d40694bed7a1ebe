// What configMap, secret, downwardAPI and projected volumes hold: files with their modes.
import type { PodSpec } from "@gantry/core";
import type { RunnablePod } from "../runtime.ts";
import { ContainerConfigError } from "./environment.ts";
import { fieldValue, type HostFacts, resourceValue } from "./field-ref.ts";

type Volume = NonNullable<PodSpec["volumes"]>[number];
type Projection = NonNullable<NonNullable<Volume["projected"]>["sources"]>[number];
type DownwardItems = NonNullable<Volume["downwardAPI"]>["items"];

export interface VolumeFile {
  readonly path: string;
  readonly mode: number;
  readonly data: Buffer;
}

const DEFAULT_MODE = 0o644;

interface KeyedSource {
  readonly name?: string | undefined;
  readonly items?:
    | readonly { key?: string | undefined; path?: string | undefined; mode?: number | undefined }[]
    | undefined;
  readonly optional?: boolean | undefined;
}

const keyed = (
  pod: RunnablePod,
  kind: "configmap" | "secret",
  from: KeyedSource,
  mode: number,
): VolumeFile[] => {
  const text = pod.sources.get(`${kind}/${from.name}`);
  if (text === undefined) {
    if (from.optional === true) return [];
    throw new ContainerConfigError(`${kind} "${from.name}" not found`);
  }
  const binary = kind === "configmap" ? pod.sources.get(`binarydata/${from.name}`) : undefined;
  const source = new Map([...text, ...(binary ?? [])]);
  const all = from.items ?? [];
  if (all.length === 0) return [...source].map(([path, data]) => ({ path, mode, data }));
  return all.flatMap((item) => {
    const data = source.get(item.key ?? "");
    if (data !== undefined) return [{ path: item.path ?? "", mode: item.mode ?? mode, data }];
    if (from.optional === true) return [];
    throw new ContainerConfigError(`references non-existent ${kind} key: ${item.key}`);
  });
};

const downward = (
  pod: RunnablePod,
  items: DownwardItems,
  mode: number,
  host: HostFacts,
): VolumeFile[] =>
  (items ?? []).map((item) => {
    const { fieldRef, resourceFieldRef } = item;
    const container = pod.spec.containers?.find(
      ({ name }) => name === resourceFieldRef?.containerName,
    );
    const text =
      resourceFieldRef !== undefined && container !== undefined
        ? resourceValue(container, resourceFieldRef, host)
        : fieldValue(pod, fieldRef?.fieldPath ?? "", host);
    return { path: item.path ?? "", mode: item.mode ?? mode, data: Buffer.from(text ?? "") };
  });

const projected = (
  pod: RunnablePod,
  { secret, configMap, downwardAPI }: Projection,
  mode: number,
  host: HostFacts,
): VolumeFile[] => [
  ...(secret === undefined ? [] : keyed(pod, "secret", secret, mode)),
  ...(configMap === undefined ? [] : keyed(pod, "configmap", configMap, mode)),
  ...(downwardAPI === undefined ? [] : downward(pod, downwardAPI.items, mode, host)),
];

/** `null` for a volume that is not made of files (emptyDir, hostPath). */
export const volumeFiles = (
  pod: RunnablePod,
  volume: Volume,
  host: HostFacts,
): VolumeFile[] | null => {
  const { configMap, secret, downwardAPI } = volume;
  if (configMap !== undefined) {
    return keyed(pod, "configmap", configMap, configMap.defaultMode ?? DEFAULT_MODE);
  }
  if (secret !== undefined) {
    const { secretName, ...rest } = secret;
    return keyed(pod, "secret", { ...rest, name: secretName }, secret.defaultMode ?? DEFAULT_MODE);
  }
  if (downwardAPI !== undefined) {
    return downward(pod, downwardAPI.items, downwardAPI.defaultMode ?? DEFAULT_MODE, host);
  }
  if (volume.projected === undefined) return null;
  const mode = volume.projected.defaultMode ?? DEFAULT_MODE;
  return (volume.projected.sources ?? []).flatMap((source) => projected(pod, source, mode, host));
};
