// A Pod's volumes as those of a task definition, and where containers mount them.
import { parseQuantity, quantityToInteger } from "../apimachinery/quantity.ts";
import type { Container } from "../schema/container.ts";
import type { PodSpec } from "../schema/pod.ts";
import type { Volume } from "../schema/volume.ts";
import type { ContainerDefinition, DefinitionVolume, LinuxParameters } from "./run-task-input.ts";
import type { EcsSettings, EfsVolume } from "./settings.ts";

export type VolumeSettings = Pick<EcsSettings, "efs">;

const MIB = 1024n * 1024n;

export const isInMemory = ({ emptyDir }: Volume): boolean => emptyDir?.medium === "Memory";

const claimOf = (settings: VolumeSettings, namespace: string, volume: Volume) =>
  settings.efs.claims[`${namespace}/${volume.persistentVolumeClaim?.claimName ?? ""}`];

const joined = (root: string, path: string): string => {
  const text = `${root}/${path}`.replaceAll(/\/+/g, "/");
  return text.length > 1 ? text.replace(/\/$/, "") : text;
};

/** The file system that stands for a claim or an NFS server; `undefined` where none is set up. */
export function efsOf(
  settings: VolumeSettings,
  namespace: string,
  volume: Volume,
): EfsVolume | undefined {
  if (volume.persistentVolumeClaim !== undefined) return claimOf(settings, namespace, volume);
  if (volume.nfs === undefined) return undefined;
  const server = settings.efs.servers[volume.nfs.server ?? ""];
  if (server === undefined) return undefined;
  return { ...server, rootDirectory: joined(server.rootDirectory, volume.nfs.path ?? "/") };
}

const efsVolume = (name: string, efs: EfsVolume): DefinitionVolume => {
  const { accessPointId, iam } = efs;
  const authorizationConfig = {
    ...(accessPointId !== undefined && { accessPointId }),
    ...(iam && { iam: "ENABLED" as const }),
  };
  return {
    name,
    efsVolumeConfiguration: {
      fileSystemId: efs.fileSystemId,
      // An access point has a root of its own.
      ...(accessPointId === undefined && { rootDirectory: efs.rootDirectory }),
      transitEncryption: efs.transitEncryption ? "ENABLED" : "DISABLED",
      ...(Object.keys(authorizationConfig).length > 0 && { authorizationConfig }),
    },
  };
};

/** Volumes in memory are not among them: they belong to a container. */
export function definitionVolumes(
  spec: PodSpec,
  namespace: string,
  settings: VolumeSettings,
): DefinitionVolume[] {
  return (spec.volumes ?? []).flatMap((volume) => {
    const { name = "", hostPath } = volume;
    if (isInMemory(volume)) return [];
    if (hostPath !== undefined) return [{ name, host: { sourcePath: hostPath.path ?? "" } }];
    const efs = efsOf(settings, namespace, volume);
    return [efs === undefined ? { name } : efsVolume(name, efs)];
  });
}

const isReadOnlyVolume = ({ persistentVolumeClaim, nfs }: Volume): boolean =>
  persistentVolumeClaim?.readOnly === true || nfs?.readOnly === true;

export function mountPoints(
  spec: PodSpec,
  container: Container,
): NonNullable<ContainerDefinition["mountPoints"]> {
  return (container.volumeMounts ?? []).flatMap(({ name = "", mountPath = "", readOnly }) => {
    const volume = spec.volumes?.find((one) => one.name === name);
    if (volume === undefined || isInMemory(volume)) return [];
    return [
      {
        sourceVolume: name,
        containerPath: mountPath,
        readOnly: readOnly === true || isReadOnlyVolume(volume),
      },
    ];
  });
}

const sizeMiB = ({ emptyDir }: Volume, taskMemoryMiB: number): number => {
  if (emptyDir?.sizeLimit === undefined) return taskMemoryMiB;
  const bytes = quantityToInteger(parseQuantity(emptyDir.sizeLimit));
  return Math.max(1, Number((bytes + MIB - 1n) / MIB));
};

/** Mounts in memory; without a limit of its own, one may fill the task's memory. */
export function memoryMounts(
  spec: PodSpec,
  container: Container,
  taskMemoryMiB: number,
): NonNullable<LinuxParameters["tmpfs"]> {
  return (container.volumeMounts ?? []).flatMap(({ name, mountPath = "", readOnly }) => {
    const volume = spec.volumes?.find((one) => one.name === name);
    if (volume === undefined || !isInMemory(volume)) return [];
    const size = sizeMiB(volume, taskMemoryMiB);
    return [{ containerPath: mountPath, size, ...(readOnly === true && { mountOptions: ["ro"] }) }];
  });
}
