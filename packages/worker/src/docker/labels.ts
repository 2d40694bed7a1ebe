// Names and labels of what the docker runtime makes in an engine.

export const label = {
  /** Which worker's data directory it belongs to: an engine may serve several. */
  owner: "gantry.dev/owner",
  uid: "gantry.dev/pod-uid",
  namespace: "gantry.dev/pod-namespace",
  name: "gantry.dev/pod-name",
  container: "gantry.dev/container",
  restart: "gantry.dev/restart",
  imageId: "gantry.dev/image-id",
} as const;

export interface PodName {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

export const podLabelsOf = (pod: PodName, owner: string): Record<string, string> => ({
  [label.owner]: owner,
  [label.uid]: pod.uid,
  [label.namespace]: pod.namespace,
  [label.name]: pod.name,
});

/** The container that holds the Pod's network and IPC namespaces. */
export const infraName = (uid: string): string => `gantry-${uid}`;

export const containerName = (uid: string, container: string, restart: number): string =>
  `gantry-${uid}-${container}-${restart}`;

/** A `medium: Memory` volume. */
export const memoryVolumeName = (uid: string, volume: string): string => `gantry-${uid}-${volume}`;
