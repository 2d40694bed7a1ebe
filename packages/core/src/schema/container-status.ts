import type { z } from "zod";
import {
  boolean,
  field,
  int32,
  int64,
  list,
  map,
  message,
  quantity,
  string,
  time,
} from "./message.ts";
import { resourceRequirements } from "./container.ts";

export const containerStateRunning = message("io.k8s.api.core.v1.ContainerStateRunning", {
  startedAt: field(1, time),
});

export const containerStateTerminated = message("io.k8s.api.core.v1.ContainerStateTerminated", {
  exitCode: field(1, int32),
  signal: field(2, int32),
  reason: field(3, string),
  message: field(4, string),
  startedAt: field(5, time),
  finishedAt: field(6, time),
  containerID: field(7, string),
});
export type ContainerStateTerminated = z.infer<typeof containerStateTerminated>;

export const containerStateWaiting = message("io.k8s.api.core.v1.ContainerStateWaiting", {
  reason: field(1, string),
  message: field(2, string),
});

export const containerState = message("io.k8s.api.core.v1.ContainerState", {
  waiting: field(1, containerStateWaiting),
  running: field(2, containerStateRunning),
  terminated: field(3, containerStateTerminated),
});
export type ContainerState = z.infer<typeof containerState>;

export const linuxContainerUser = message("io.k8s.api.core.v1.LinuxContainerUser", {
  uid: field(1, int64),
  gid: field(2, int64),
  supplementalGroups: field(3, list(int64)),
});

export const containerUser = message("io.k8s.api.core.v1.ContainerUser", {
  linux: field(1, linuxContainerUser),
});

export const resourceHealth = message("io.k8s.api.core.v1.ResourceHealth", {
  resourceID: field(1, string),
  health: field(2, string),
  message: field(6, string),
});

export const resourceStatus = message("io.k8s.api.core.v1.ResourceStatus", {
  name: field(1, string),
  resources: field(2, list(resourceHealth)),
});

export const imageVolumeStatus = message("io.k8s.api.core.v1.ImageVolumeStatus", {
  imageRef: field(1, string),
});

export const volumeStatus = message("io.k8s.api.core.v1.VolumeStatus", {
  image: field(1, imageVolumeStatus),
});

export const volumeMountStatus = message("io.k8s.api.core.v1.VolumeMountStatus", {
  name: field(1, string),
  mountPath: field(2, string),
  readOnly: field(3, boolean),
  recursiveReadOnly: field(4, string),
  volumeStatus: field(5, volumeStatus),
});

export const containerStatus = message("io.k8s.api.core.v1.ContainerStatus", {
  name: field(1, string),
  state: field(2, containerState),
  lastState: field(3, containerState),
  ready: field(4, boolean),
  restartCount: field(5, int32),
  image: field(6, string),
  imageID: field(7, string),
  containerID: field(8, string),
  started: field(9, boolean),
  allocatedResources: field(10, map(quantity)),
  resources: field(11, resourceRequirements),
  volumeMounts: field(12, list(volumeMountStatus)),
  user: field(13, containerUser),
  allocatedResourcesStatus: field(14, list(resourceStatus)),
  stopSignal: field(15, string),
});
export type ContainerStatus = z.infer<typeof containerStatus>;
