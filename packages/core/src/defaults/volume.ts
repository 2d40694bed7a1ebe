// Defaults of volumes (job-spec 6).
import { blank } from "../apimachinery/blank.ts";
import type {
  AzureDiskVolumeSource,
  DownwardAPIVolumeFile,
  ISCSIVolumeSource,
  ProjectedVolumeSource,
  RBDVolumeSource,
  ScaleIOVolumeSource,
  Volume,
  VolumeProjection,
} from "../schema/volume.ts";
import { canonicalQuantity } from "../apimachinery/quantity.ts";
import { defaultResourceFieldRef } from "./container.ts";
import { defaultPullPolicy } from "./image-pull-policy.ts";

/** Mode 0644. */
const defaultFileMode = 0o644;
const defaultTokenSeconds = 3600;

const defaultFile = (file: DownwardAPIVolumeFile): DownwardAPIVolumeFile => ({
  ...blank,
  ...file,
  ...(file.fieldRef && {
    fieldRef: { ...blank, ...file.fieldRef, apiVersion: file.fieldRef.apiVersion || "v1" },
  }),
  ...(file.resourceFieldRef && {
    resourceFieldRef: defaultResourceFieldRef(file.resourceFieldRef),
  }),
});

const defaultFiles = <T extends { items?: DownwardAPIVolumeFile[] | undefined }>(source: T): T =>
  source.items === undefined
    ? source
    : { ...blank, ...source, items: source.items.map(defaultFile) };

const withMode = <T extends { defaultMode?: number | undefined }>(source: T): T => ({
  ...blank,
  ...source,
  defaultMode: source.defaultMode ?? defaultFileMode,
});

const defaultProjection = (projection: VolumeProjection): VolumeProjection => ({
  ...blank,
  ...projection,
  ...(projection.downwardAPI && { downwardAPI: defaultFiles(projection.downwardAPI) }),
  ...(projection.serviceAccountToken && {
    serviceAccountToken: {
      ...blank,
      ...projection.serviceAccountToken,
      expirationSeconds: projection.serviceAccountToken.expirationSeconds ?? defaultTokenSeconds,
    },
  }),
});

const defaultProjected = (source: ProjectedVolumeSource): ProjectedVolumeSource => ({
  ...blank,
  ...withMode(source),
  ...(source.sources && { sources: source.sources.map(defaultProjection) }),
});

const defaultRbd = (source: RBDVolumeSource): RBDVolumeSource => ({
  ...blank,
  ...source,
  pool: source.pool || "rbd",
  user: source.user || "admin",
  keyring: source.keyring || "/etc/ceph/keyring",
});

const defaultIscsi = (source: ISCSIVolumeSource): ISCSIVolumeSource => ({
  ...blank,
  ...source,
  iscsiInterface: source.iscsiInterface || "default",
});

const defaultScaleIo = (source: ScaleIOVolumeSource): ScaleIOVolumeSource => ({
  ...blank,
  ...source,
  storageMode: source.storageMode || "ThinProvisioned",
  fsType: source.fsType || "xfs",
});

const defaultAzureDisk = (source: AzureDiskVolumeSource): AzureDiskVolumeSource => ({
  ...blank,
  ...source,
  cachingMode: source.cachingMode ?? "ReadWrite",
  fsType: source.fsType ?? "ext4",
  readOnly: source.readOnly ?? false,
  kind: source.kind ?? "Shared",
});

const defaultClaim = (source: NonNullable<Volume["ephemeral"]>): Volume["ephemeral"] =>
  source.volumeClaimTemplate === undefined
    ? source
    : {
        volumeClaimTemplate: {
          metadata: {},
          ...source.volumeClaimTemplate,
          spec: {
            ...blank,
            ...source.volumeClaimTemplate.spec,
            resources: source.volumeClaimTemplate.spec?.resources ?? {},
            volumeMode: source.volumeClaimTemplate.spec?.volumeMode ?? "Filesystem",
          },
        },
      };

/** One function a source that has defaults. */
function defaultSources(volume: Volume): Volume {
  const { hostPath, emptyDir, secret, configMap, downwardAPI, projected, image, ephemeral } =
    volume;
  return {
    ...blank,
    ...volume,
    ...(hostPath && { hostPath: { ...blank, ...hostPath, type: hostPath.type ?? "" } }),
    ...(emptyDir?.sizeLimit !== undefined && {
      emptyDir: { ...blank, ...emptyDir, sizeLimit: canonicalQuantity(emptyDir.sizeLimit) },
    }),
    ...(secret && { secret: withMode(secret) }),
    ...(configMap && { configMap: withMode(configMap) }),
    ...(downwardAPI && { downwardAPI: withMode(defaultFiles(downwardAPI)) }),
    ...(projected && { projected: defaultProjected(projected) }),
    ...(image && {
      image: {
        ...blank,
        ...image,
        pullPolicy: image.pullPolicy || defaultPullPolicy(image.reference ?? ""),
      },
    }),
    ...(ephemeral && { ephemeral: defaultClaim(ephemeral) }),
    ...(volume.rbd && { rbd: defaultRbd(volume.rbd) }),
    ...(volume.iscsi && { iscsi: defaultIscsi(volume.iscsi) }),
    ...(volume.scaleIO && { scaleIO: defaultScaleIo(volume.scaleIO) }),
    ...(volume.azureDisk && { azureDisk: defaultAzureDisk(volume.azureDisk) }),
  };
}

/** A volume without source is an empty directory. */
export function defaultVolume(volume: Volume): Volume {
  const { name: _, ...sources } = volume;
  const bare = Object.values(sources).every((source) => source === undefined);
  return bare ? { ...blank, ...volume, emptyDir: {} } : defaultSources(volume);
}
