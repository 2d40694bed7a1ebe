// What a Pod's containers stand on: volumes laid out, and one container that holds the namespaces.
import type Docker from "dockerode";
import type { ContainerCreateOptions } from "dockerode";
import { podHostname } from "../pod/environment.ts";
import { type HostFacts, quantityAmount } from "../pod/field-ref.ts";
import { layOutVolumes } from "../pod/volumes.ts";
import type { RunnablePod } from "../runtime.ts";
import type { PodGround } from "./container-config.ts";
import { isMissing, statusOf } from "./engine-error.ts";
import { ensureInfraImage, INFRA_IMAGE } from "./infra-image.ts";
import { infraName, memoryVolumeName, podLabelsOf } from "./labels.ts";

export interface GroundSettings {
  readonly docker: Docker;
  readonly owner: string;
  readonly network: string;
  readonly host: HostFacts;
  readonly allowedHostPaths: readonly string[];
}

const CONFLICT = 409;

/** The network of a Pod's namespaces. */
export const networkOf = ({ spec }: RunnablePod, network: string): string =>
  spec.hostNetwork === true ? "host" : network;

const portBindings = ({ spec }: RunnablePod): ContainerCreateOptions => {
  const ports = (spec.containers ?? [])
    .flatMap((container) => container.ports ?? [])
    .filter(({ hostPort }) => hostPort !== undefined && hostPort > 0);
  if (ports.length === 0) return {};
  const keyed = ports.map(
    ({ containerPort, protocol = "TCP", hostPort, hostIP = "" }) =>
      [
        `${containerPort}/${protocol.toLowerCase()}`,
        [{ HostPort: String(hostPort), HostIp: hostIP }],
      ] as const,
  );
  return {
    ExposedPorts: Object.fromEntries(keyed.map(([key]) => [key, {}])),
    HostConfig: { PortBindings: Object.fromEntries(keyed) },
  };
};

const nameResolution = ({ spec }: RunnablePod): ContainerCreateOptions["HostConfig"] => {
  const { nameservers = [], searches = [], options = [] } = spec.dnsConfig ?? {};
  return {
    Dns: [...nameservers],
    DnsSearch: [...searches],
    DnsOptions: options.map(({ name, value }) =>
      value === undefined ? (name ?? "") : `${name}:${value}`,
    ),
    ExtraHosts: (spec.hostAliases ?? []).flatMap(({ ip, hostnames = [] }) =>
      hostnames.map((hostname) => `${hostname}:${ip}`),
    ),
  };
};

const inMemoryVolumes = ({ spec }: RunnablePod) =>
  (spec.volumes ?? []).filter(({ emptyDir }) => emptyDir?.medium === "Memory");

const infraOptions = (pod: RunnablePod, settings: GroundSettings): ContainerCreateOptions => {
  const network = networkOf(pod, settings.network);
  const own = network !== "host";
  const { ExposedPorts, HostConfig } =
    own && network !== "none" ? portBindings(pod) : ({} as ContainerCreateOptions);
  const sysctls = pod.spec.securityContext?.sysctls ?? [];
  return {
    name: infraName(pod.uid),
    Image: INFRA_IMAGE,
    Labels: podLabelsOf(pod, settings.owner),
    ...(own ? { Hostname: podHostname(pod) } : {}),
    ...(ExposedPorts === undefined ? {} : { ExposedPorts }),
    HostConfig: {
      ...HostConfig,
      NetworkMode: network,
      IpcMode: "shareable",
      ...nameResolution(pod),
      ...(sysctls.length === 0
        ? {}
        : {
            Sysctls: Object.fromEntries(
              sysctls.map(({ name, value }) => [name ?? "", value ?? ""]),
            ),
          }),
      LogConfig: { Type: "none", Config: {} },
      // Memory volumes live as long as something has them mounted: they must outlive restarts.
      Mounts: inMemoryVolumes(pod).map(({ name = "" }) => ({
        Type: "volume" as const,
        Source: memoryVolumeName(pod.uid, name),
        Target: `/volumes/${name}`,
        ReadOnly: false,
      })),
    },
  };
};

const createMemoryVolumes = async (pod: RunnablePod, settings: GroundSettings): Promise<void> => {
  const { fsGroup } = pod.spec.securityContext ?? {};
  for (const { name = "", emptyDir } of inMemoryVolumes(pod)) {
    const size = emptyDir?.sizeLimit;
    const options = [
      // No sticky bit: containers with other users share what is in it, as on a kubelet.
      fsGroup === undefined ? "mode=777" : "mode=2777",
      ...(size === undefined ? [] : [`size=${Math.ceil(quantityAmount(size))}`]),
      ...(fsGroup === undefined ? [] : [`gid=${fsGroup}`]),
    ];
    await settings.docker.createVolume({
      Name: memoryVolumeName(pod.uid, name),
      Driver: "local",
      DriverOpts: { type: "tmpfs", device: "tmpfs", o: options.join(",") },
      Labels: podLabelsOf(pod, settings.owner),
    });
  }
};

/** Starts the container that holds the Pod's namespaces, if it does not run. Its id. */
const startInfra = async (pod: RunnablePod, settings: GroundSettings): Promise<string> => {
  const { docker } = settings;
  let container: Docker.Container;
  try {
    container = await docker.createContainer(infraOptions(pod, settings));
  } catch (error) {
    if (isMissing(error)) {
      await ensureInfraImage(docker);
      container = await docker.createContainer(infraOptions(pod, settings));
    } else if (statusOf(error) === CONFLICT) container = docker.getContainer(infraName(pod.uid));
    else throw error;
  }
  // Answers 304 for a container that runs.
  await container.start().catch((error: unknown) => {
    if (statusOf(error) !== 304) throw error;
  });
  return (await container.inspect()).Id;
};

/** Idempotent. Throws `VolumeError`, `ContainerConfigError`, and the engine's errors. */
export const layGround = async (
  pod: RunnablePod,
  directory: string,
  settings: GroundSettings,
): Promise<PodGround> => {
  const volumes = layOutVolumes(pod, directory, settings);
  await createMemoryVolumes(pod, settings);
  return { infraId: await startInfra(pod, settings), volumes };
};

/** The Pod's own address, where its network gives it one. */
export const podAddress = async (docker: Docker, infraId: string): Promise<string | undefined> => {
  const { NetworkSettings } = await docker.getContainer(infraId).inspect();
  const addresses = Object.values(NetworkSettings.Networks).map(({ IPAddress }) => IPAddress);
  return addresses.find((address) => address !== "");
};
