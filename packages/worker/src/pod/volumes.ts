// Lays a Pod's volumes out on the host; the containers get them by mounts.
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { PodSpec } from "@gantry/core";
import type { RunnablePod } from "../runtime.ts";
import { expand } from "./expansion.ts";
import type { HostFacts } from "./field-ref.ts";
import { hostPathSource, pathBelow, VolumeError } from "./host-path.ts";
import { volumeFiles } from "./volume-files.ts";

type Volume = NonNullable<PodSpec["volumes"]>[number];
type VolumeMount = NonNullable<NonNullable<PodSpec["containers"]>[number]["volumeMounts"]>[number];

export interface MountPlan {
  /** Directory or file on the host. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

const OPEN_DIRECTORY_MODE = 0o777;
/** What is made in such a directory belongs to its group. */
const SET_GROUP_ID = 0o2000;
const GROUP_READS = 0o440;

const volumesBelow = (podDirectory: string): string => join(podDirectory, "volumes");

/** Removes the volumes of a Pod that has ended: its object, and with it its logs, may stay for long. */
export const freeVolumes = (podDirectory: string): Promise<void> =>
  rm(volumesBelow(podDirectory), { recursive: true, force: true });

/** Where each volume of the Pod is on the host. An emptyDir that is there keeps what it holds. */
export const layOutVolumes = (
  pod: RunnablePod,
  podDirectory: string,
  worker: {
    readonly host: HostFacts;
    readonly allowedHostPaths: readonly string[];
    /** Makes a directory on a tmpfs, for volumes of medium Memory, where it can. */
    readonly memoryDirectory?: (() => string | undefined) | undefined;
  },
): ReadonlyMap<string, string> => {
  const layOut = (volume: Volume): string => {
    if (volume.hostPath === undefined) {
      const inMemory = volume.emptyDir?.medium === "Memory";
      const memory = inMemory ? worker.memoryDirectory?.() : undefined;
      const onDisk = volumesBelow(podDirectory);
      const parent = memory === undefined ? onDisk : join(memory, pod.uid);
      return layOutFiles(pod, volume, parent, worker.host);
    }
    const { path = "", type = "" } = volume.hostPath;
    return hostPathSource(path, type, worker.allowedHostPaths);
  };
  return new Map(
    (pod.spec.volumes ?? []).map((volume) => {
      const name = volume.name ?? "";
      try {
        return [name, layOut(volume)];
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new VolumeError(`MountVolume.SetUp failed for volume "${name}" : ${why}`);
      }
    }),
  );
};

const layOutFiles = (pod: RunnablePod, volume: Volume, parent: string, host: HostFacts): string => {
  const { fsGroup } = pod.spec.securityContext ?? {};
  const path = join(parent, volume.name ?? "");
  mkdirSync(path, { recursive: true });
  giveTo(fsGroup, path, isEmptyDir(volume) ? OPEN_DIRECTORY_MODE : 0o755, SET_GROUP_ID);
  for (const file of volumeFiles(pod, volume, host) ?? []) {
    const target = join(path, file.path);
    mkdirSync(dirname(target), { recursive: true });
    // A file that is right already is left alone: a container may be reading it.
    if (!holds(target, file.data)) writeFileSync(target, file.data);
    giveTo(fsGroup, target, file.mode, GROUP_READS);
  }
  return path;
};

/** As a kubelet sets fsGroup: the group, and the bits that make it useful, whatever the mode. */
const giveTo = (
  fsGroup: number | undefined,
  path: string,
  mode: number,
  bitsForGroup: number,
): void => {
  if (fsGroup !== undefined) chownSync(path, -1, fsGroup);
  // After chown, which takes the bit for the group away.
  chmodSync(path, fsGroup === undefined ? mode : mode | bitsForGroup);
};

const holds = (path: string, data: Buffer): boolean => {
  try {
    return readFileSync(path).equals(data);
  } catch {
    return false;
  }
};

const isEmptyDir = ({ configMap, secret, downwardAPI, projected }: Volume): boolean =>
  configMap === undefined &&
  secret === undefined &&
  downwardAPI === undefined &&
  projected === undefined;

export const mountsOf = (
  pod: RunnablePod,
  mounts: readonly VolumeMount[],
  volumes: ReadonlyMap<string, string>,
  env: ReadonlyMap<string, string>,
): MountPlan[] =>
  mounts.map((mount) => {
    const volume = pod.spec.volumes?.find(({ name }) => name === mount.name);
    const root = volumes.get(mount.name ?? "");
    if (volume === undefined || root === undefined) {
      throw new VolumeError(`volume "${mount.name}" does not exist`);
    }
    const below = mount.subPathExpr === undefined ? mount.subPath : expand(mount.subPathExpr, env);
    if (below?.split("/").includes("..") === true)
      throw new VolumeError("subPath must not contain '..'");
    const source = below === undefined || below === "" ? root : pathBelow(root, below);
    if (!existsSync(source)) {
      mkdirSync(source, { recursive: true });
      // As open as the volume itself, whatever the worker's umask: containers have other users.
      chmodSync(source, statSync(root).mode & (OPEN_DIRECTORY_MODE | SET_GROUP_ID));
    }
    const fromApi = volume.hostPath === undefined && !isEmptyDir(volume);
    return { source, target: mount.mountPath ?? "", readOnly: mount.readOnly === true || fromApi };
  });
