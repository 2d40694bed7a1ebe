import type { z } from "zod";
import { boolean, field, int32, int64, list, map, message, quantity, string } from "./message.ts";
import { labelSelector, objectMeta } from "./meta.ts";
import {
  localObjectReference,
  objectFieldSelector,
  resourceFieldSelector,
  typedLocalObjectReference,
} from "./reference.ts";

export const awsElasticBlockStoreVolumeSource = message(
  "io.k8s.api.core.v1.AWSElasticBlockStoreVolumeSource",
  {
    volumeID: field(1, string),
    fsType: field(2, string),
    partition: field(3, int32),
    readOnly: field(4, boolean),
  },
);

export const azureDiskVolumeSource = message("io.k8s.api.core.v1.AzureDiskVolumeSource", {
  diskName: field(1, string),
  diskURI: field(2, string),
  cachingMode: field(3, string),
  fsType: field(4, string),
  readOnly: field(5, boolean),
  kind: field(6, string),
});
export type AzureDiskVolumeSource = z.infer<typeof azureDiskVolumeSource>;

export const azureFileVolumeSource = message("io.k8s.api.core.v1.AzureFileVolumeSource", {
  secretName: field(1, string),
  shareName: field(2, string),
  readOnly: field(3, boolean),
});

export const csiVolumeSource = message("io.k8s.api.core.v1.CSIVolumeSource", {
  driver: field(1, string),
  readOnly: field(2, boolean),
  fsType: field(3, string),
  volumeAttributes: field(4, map(string)),
  nodePublishSecretRef: field(5, localObjectReference),
});

export const cephFSVolumeSource = message("io.k8s.api.core.v1.CephFSVolumeSource", {
  monitors: field(1, list(string)),
  path: field(2, string),
  user: field(3, string),
  secretFile: field(4, string),
  secretRef: field(5, localObjectReference),
  readOnly: field(6, boolean),
});

export const cinderVolumeSource = message("io.k8s.api.core.v1.CinderVolumeSource", {
  volumeID: field(1, string),
  fsType: field(2, string),
  readOnly: field(3, boolean),
  secretRef: field(4, localObjectReference),
});

export const keyToPath = message("io.k8s.api.core.v1.KeyToPath", {
  key: field(1, string),
  path: field(2, string),
  mode: field(3, int32),
});
export type KeyToPath = z.infer<typeof keyToPath>;

export const configMapVolumeSource = message("io.k8s.api.core.v1.ConfigMapVolumeSource", {
  name: field([1, 1], string),
  items: field(2, list(keyToPath)),
  defaultMode: field(3, int32),
  optional: field(4, boolean),
});

export const downwardAPIVolumeFile = message("io.k8s.api.core.v1.DownwardAPIVolumeFile", {
  path: field(1, string),
  fieldRef: field(2, objectFieldSelector),
  resourceFieldRef: field(3, resourceFieldSelector),
  mode: field(4, int32),
});
export type DownwardAPIVolumeFile = z.infer<typeof downwardAPIVolumeFile>;

export const downwardAPIVolumeSource = message("io.k8s.api.core.v1.DownwardAPIVolumeSource", {
  items: field(1, list(downwardAPIVolumeFile)),
  defaultMode: field(2, int32),
});

export const emptyDirVolumeSource = message("io.k8s.api.core.v1.EmptyDirVolumeSource", {
  medium: field(1, string),
  sizeLimit: field(2, quantity),
});

export const typedObjectReference = message("io.k8s.api.core.v1.TypedObjectReference", {
  apiGroup: field(1, string),
  kind: field(2, string),
  name: field(3, string),
  namespace: field(4, string),
});

export const volumeResourceRequirements = message("io.k8s.api.core.v1.VolumeResourceRequirements", {
  limits: field(1, map(quantity)),
  requests: field(2, map(quantity)),
});

export const persistentVolumeClaimSpec = message("io.k8s.api.core.v1.PersistentVolumeClaimSpec", {
  accessModes: field(1, list(string)),
  resources: field(2, volumeResourceRequirements),
  volumeName: field(3, string),
  selector: field(4, labelSelector),
  storageClassName: field(5, string),
  volumeMode: field(6, string),
  dataSource: field(7, typedLocalObjectReference),
  dataSourceRef: field(8, typedObjectReference),
  volumeAttributesClassName: field(9, string),
});

export const persistentVolumeClaimTemplate = message(
  "io.k8s.api.core.v1.PersistentVolumeClaimTemplate",
  {
    metadata: field(1, objectMeta),
    spec: field(2, persistentVolumeClaimSpec),
  },
);

export const ephemeralVolumeSource = message("io.k8s.api.core.v1.EphemeralVolumeSource", {
  volumeClaimTemplate: field(1, persistentVolumeClaimTemplate),
});

export const fcVolumeSource = message("io.k8s.api.core.v1.FCVolumeSource", {
  targetWWNs: field(1, list(string)),
  lun: field(2, int32),
  fsType: field(3, string),
  readOnly: field(4, boolean),
  wwids: field(5, list(string)),
});

export const flexVolumeSource = message("io.k8s.api.core.v1.FlexVolumeSource", {
  driver: field(1, string),
  fsType: field(2, string),
  secretRef: field(3, localObjectReference),
  readOnly: field(4, boolean),
  options: field(5, map(string)),
});

export const flockerVolumeSource = message("io.k8s.api.core.v1.FlockerVolumeSource", {
  datasetName: field(1, string),
  datasetUUID: field(2, string),
});

export const gcePersistentDiskVolumeSource = message(
  "io.k8s.api.core.v1.GCEPersistentDiskVolumeSource",
  {
    pdName: field(1, string),
    fsType: field(2, string),
    partition: field(3, int32),
    readOnly: field(4, boolean),
  },
);

export const gitRepoVolumeSource = message("io.k8s.api.core.v1.GitRepoVolumeSource", {
  repository: field(1, string),
  revision: field(2, string),
  directory: field(3, string),
});

export const glusterfsVolumeSource = message("io.k8s.api.core.v1.GlusterfsVolumeSource", {
  endpoints: field(1, string),
  path: field(2, string),
  readOnly: field(3, boolean),
});

export const hostPathVolumeSource = message("io.k8s.api.core.v1.HostPathVolumeSource", {
  path: field(1, string),
  type: field(2, string),
});

export const iscsiVolumeSource = message("io.k8s.api.core.v1.ISCSIVolumeSource", {
  targetPortal: field(1, string),
  iqn: field(2, string),
  lun: field(3, int32),
  iscsiInterface: field(4, string),
  fsType: field(5, string),
  readOnly: field(6, boolean),
  portals: field(7, list(string)),
  chapAuthDiscovery: field(8, boolean),
  secretRef: field(10, localObjectReference),
  chapAuthSession: field(11, boolean),
  initiatorName: field(12, string),
});
export type ISCSIVolumeSource = z.infer<typeof iscsiVolumeSource>;

export const imageVolumeSource = message("io.k8s.api.core.v1.ImageVolumeSource", {
  reference: field(1, string),
  pullPolicy: field(2, string),
});

export const nfsVolumeSource = message("io.k8s.api.core.v1.NFSVolumeSource", {
  server: field(1, string),
  path: field(2, string),
  readOnly: field(3, boolean),
});

export const persistentVolumeClaimVolumeSource = message(
  "io.k8s.api.core.v1.PersistentVolumeClaimVolumeSource",
  {
    claimName: field(1, string),
    readOnly: field(2, boolean),
  },
);

export const photonPersistentDiskVolumeSource = message(
  "io.k8s.api.core.v1.PhotonPersistentDiskVolumeSource",
  {
    pdID: field(1, string),
    fsType: field(2, string),
  },
);

export const portworxVolumeSource = message("io.k8s.api.core.v1.PortworxVolumeSource", {
  volumeID: field(1, string),
  fsType: field(2, string),
  readOnly: field(3, boolean),
});

export const clusterTrustBundleProjection = message(
  "io.k8s.api.core.v1.ClusterTrustBundleProjection",
  {
    name: field(1, string),
    signerName: field(2, string),
    labelSelector: field(3, labelSelector),
    path: field(4, string),
    optional: field(5, boolean),
  },
);

export const configMapProjection = message("io.k8s.api.core.v1.ConfigMapProjection", {
  name: field([1, 1], string),
  items: field(2, list(keyToPath)),
  optional: field(4, boolean),
});

export const downwardAPIProjection = message("io.k8s.api.core.v1.DownwardAPIProjection", {
  items: field(1, list(downwardAPIVolumeFile)),
});

export const podCertificateProjection = message("io.k8s.api.core.v1.PodCertificateProjection", {
  signerName: field(1, string),
  keyType: field(2, string),
  maxExpirationSeconds: field(3, int32),
  credentialBundlePath: field(4, string),
  keyPath: field(5, string),
  certificateChainPath: field(6, string),
  userAnnotations: field(7, map(string)),
});

export const secretProjection = message("io.k8s.api.core.v1.SecretProjection", {
  name: field([1, 1], string),
  items: field(2, list(keyToPath)),
  optional: field(4, boolean),
});

export const serviceAccountTokenProjection = message(
  "io.k8s.api.core.v1.ServiceAccountTokenProjection",
  {
    audience: field(1, string),
    expirationSeconds: field(2, int64),
    path: field(3, string),
  },
);

export const volumeProjection = message("io.k8s.api.core.v1.VolumeProjection", {
  secret: field(1, secretProjection),
  downwardAPI: field(2, downwardAPIProjection),
  configMap: field(3, configMapProjection),
  serviceAccountToken: field(4, serviceAccountTokenProjection),
  clusterTrustBundle: field(5, clusterTrustBundleProjection),
  podCertificate: field(6, podCertificateProjection),
});
export type VolumeProjection = z.infer<typeof volumeProjection>;

export const projectedVolumeSource = message("io.k8s.api.core.v1.ProjectedVolumeSource", {
  sources: field(1, list(volumeProjection)),
  defaultMode: field(2, int32),
});
export type ProjectedVolumeSource = z.infer<typeof projectedVolumeSource>;

export const quobyteVolumeSource = message("io.k8s.api.core.v1.QuobyteVolumeSource", {
  registry: field(1, string),
  volume: field(2, string),
  readOnly: field(3, boolean),
  user: field(4, string),
  group: field(5, string),
  tenant: field(6, string),
});

export const rbdVolumeSource = message("io.k8s.api.core.v1.RBDVolumeSource", {
  monitors: field(1, list(string)),
  image: field(2, string),
  fsType: field(3, string),
  pool: field(4, string),
  user: field(5, string),
  keyring: field(6, string),
  secretRef: field(7, localObjectReference),
  readOnly: field(8, boolean),
});
export type RBDVolumeSource = z.infer<typeof rbdVolumeSource>;

export const scaleIOVolumeSource = message("io.k8s.api.core.v1.ScaleIOVolumeSource", {
  gateway: field(1, string),
  system: field(2, string),
  secretRef: field(3, localObjectReference),
  sslEnabled: field(4, boolean),
  protectionDomain: field(5, string),
  storagePool: field(6, string),
  storageMode: field(7, string),
  volumeName: field(8, string),
  fsType: field(9, string),
  readOnly: field(10, boolean),
});
export type ScaleIOVolumeSource = z.infer<typeof scaleIOVolumeSource>;

export const secretVolumeSource = message("io.k8s.api.core.v1.SecretVolumeSource", {
  secretName: field(1, string),
  items: field(2, list(keyToPath)),
  defaultMode: field(3, int32),
  optional: field(4, boolean),
});

export const storageOSVolumeSource = message("io.k8s.api.core.v1.StorageOSVolumeSource", {
  volumeName: field(1, string),
  volumeNamespace: field(2, string),
  fsType: field(3, string),
  readOnly: field(4, boolean),
  secretRef: field(5, localObjectReference),
});

export const vsphereVirtualDiskVolumeSource = message(
  "io.k8s.api.core.v1.VsphereVirtualDiskVolumeSource",
  {
    volumePath: field(1, string),
    fsType: field(2, string),
    storagePolicyName: field(3, string),
    storagePolicyID: field(4, string),
  },
);

export const volume = message("io.k8s.api.core.v1.Volume", {
  name: field(1, string),
  hostPath: field([2, 1], hostPathVolumeSource),
  emptyDir: field([2, 2], emptyDirVolumeSource),
  gcePersistentDisk: field([2, 3], gcePersistentDiskVolumeSource),
  awsElasticBlockStore: field([2, 4], awsElasticBlockStoreVolumeSource),
  gitRepo: field([2, 5], gitRepoVolumeSource),
  secret: field([2, 6], secretVolumeSource),
  nfs: field([2, 7], nfsVolumeSource),
  iscsi: field([2, 8], iscsiVolumeSource),
  glusterfs: field([2, 9], glusterfsVolumeSource),
  persistentVolumeClaim: field([2, 10], persistentVolumeClaimVolumeSource),
  rbd: field([2, 11], rbdVolumeSource),
  flexVolume: field([2, 12], flexVolumeSource),
  cinder: field([2, 13], cinderVolumeSource),
  cephfs: field([2, 14], cephFSVolumeSource),
  flocker: field([2, 15], flockerVolumeSource),
  downwardAPI: field([2, 16], downwardAPIVolumeSource),
  fc: field([2, 17], fcVolumeSource),
  azureFile: field([2, 18], azureFileVolumeSource),
  configMap: field([2, 19], configMapVolumeSource),
  vsphereVolume: field([2, 20], vsphereVirtualDiskVolumeSource),
  quobyte: field([2, 21], quobyteVolumeSource),
  azureDisk: field([2, 22], azureDiskVolumeSource),
  photonPersistentDisk: field([2, 23], photonPersistentDiskVolumeSource),
  portworxVolume: field([2, 24], portworxVolumeSource),
  scaleIO: field([2, 25], scaleIOVolumeSource),
  projected: field([2, 26], projectedVolumeSource),
  storageos: field([2, 27], storageOSVolumeSource),
  csi: field([2, 28], csiVolumeSource),
  ephemeral: field([2, 29], ephemeralVolumeSource),
  image: field([2, 30], imageVolumeSource),
});
export type Volume = z.infer<typeof volume>;
