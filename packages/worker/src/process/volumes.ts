// Lays a Pod's volumes out on the host; the containers get them by mounts.
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  statSync,
  type Stats,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { PodSpec } from "@gantry/core";
import { expand } from "../pod/expansion.ts";
import type { HostFacts } from "../pod/field-ref.ts";
import { volumeFiles } from "../pod/volume-files.ts";
import type { RunnablePod } from "../runtime.ts";
import type { MountPlan } from "./pod-plan.ts";

type Volume = NonNullable<PodSpec["volumes"]>[number];
type VolumeMount = NonNullable<NonNullable<PodSpec["containers"]>[number]["volumeMounts"]>[number];

/** A volume that can't be set up; a kubelet's FailedMount. */
export class VolumeError extends Error {
  override name = "VolumeError";
}

const OPEN_DIRECTORY_MODE = 0o777;

const kinds: Readonly<Record<string, { is: (stats: Stats) => boolean; name: string }>> = {
  Directory: { is: (stats) => stats.isDirectory(), name: "directory" },
  DirectoryOrCreate: { is: (stats) => stats.isDirectory(), name: "directory" },
  File: { is: (stats) => stats.isFile(), name: "file" },
  FileOrCreate: { is: (stats) => stats.isFile(), name: "file" },
  Socket: { is: (stats) => stats.isSocket(), name: "socket file" },
  CharDevice: { is: (stats) => stats.isCharacterDevice(), name: "character device" },
  BlockDevice: { is: (stats) => stats.isBlockDevice(), name: "block device" },
};

const hostPath = (path: string, type: string): string => {
  if (!existsSync(path)) {
    // With no type a missing path is a directory to be, as container engines treat it.
    if (type === "" || type === "DirectoryOrCreate") mkdirSync(path, { recursive: true });
    else if (type === "FileOrCreate") writeFileSync(path, "", { flag: "a" });
  }
  const kind = kinds[type];
  if (kind === undefined || (existsSync(path) && kind.is(statSync(path)))) return path;
  throw new VolumeError(`hostPath type check failed: ${path} is not a ${kind.name}`);
};

/** Where each volume of the Pod is on the host. An emptyDir that is there keeps what it holds. */
export const layOutVolumes = (
  pod: RunnablePod,
  podDirectory: string,
  host: HostFacts,
): ReadonlyMap<string, string> => {
  const { fsGroup } = pod.spec.securityContext ?? {};
  return new Map(
    (pod.spec.volumes ?? []).map((volume) => {
      const name = volume.name ?? "";
      if (volume.hostPath !== undefined) {
        return [name, hostPath(volume.hostPath.path ?? "", volume.hostPath.type ?? "")];
      }
      const path = join(podDirectory, "volumes", name);
      mkdirSync(path, { recursive: true });
      chmodSync(path, isEmptyDir(volume) ? OPEN_DIRECTORY_MODE : 0o755);
      if (fsGroup !== undefined) chownSync(path, -1, fsGroup);
      for (const file of volumeFiles(pod, volume, host) ?? []) {
        const target = join(path, file.path);
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, file.data);
        chmodSync(target, file.mode);
        if (fsGroup !== undefined) chownSync(target, -1, fsGroup);
      }
      return [name, path];
    }),
  );
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
    const source = below === undefined || below === "" ? root : join(root, below);
    if (!existsSync(source)) mkdirSync(source, { recursive: true, mode: OPEN_DIRECTORY_MODE });
    const fromApi = volume.hostPath === undefined && !isEmptyDir(volume);
    return { source, target: mount.mountPath ?? "", readOnly: mount.readOnly === true || fromApi };
  });
