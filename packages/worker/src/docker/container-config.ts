// From a container of a Pod to what the engine is asked to create.
import type { PodSpec } from "@gantry/core";
import type { ContainerCreateOptions, HostConfig, MountSettings } from "dockerode";
import type { LogLimits } from "../logs/log-file.ts";
import { ContainerConfigError, containerEnv, podHostname } from "../pod/environment.ts";
import { expand } from "../pod/expansion.ts";
import { type HostFacts, quantityAmount } from "../pod/field-ref.ts";
import { DEFAULT_MESSAGE_PATH } from "../pod/termination-message.ts";
import { mountsOf } from "../pod/volumes.ts";
import type { RunnablePod } from "../runtime.ts";
import type { ObtainedImage } from "./image-puller.ts";
import { containerName, label, memoryVolumeName, podLabelsOf } from "./labels.ts";

type Container = NonNullable<PodSpec["containers"]>[number];
type SecurityContext = NonNullable<Container["securityContext"]>;

/** What a container stands on: made before the first of a Pod's containers. */
export interface PodGround {
  /** The container that holds the Pod's namespaces. */
  readonly infraId: string;
  /** Where each volume is on the host. */
  readonly volumes: ReadonlyMap<string, string>;
}

export interface ContainerRequest {
  readonly pod: RunnablePod;
  readonly container: Container;
  readonly restart: number;
  readonly image: ObtainedImage;
  readonly ground: PodGround;
  readonly owner: string;
  readonly host: HostFacts;
  readonly logLimits: LogLimits;
  /** File on the host for the termination message. */
  readonly messageFile: string;
}

const CPU_SHARES_PER_CORE = 1024;
const MIN_CPU_SHARES = 2;

const resourcesOf = ({ resources }: Container): HostConfig => {
  const { limits = {}, requests = {} } = resources ?? {};
  const config: HostConfig = {};
  if (limits["cpu"] !== undefined)
    config.NanoCpus = Math.round(quantityAmount(limits["cpu"]) * 1e9);
  const cpu = requests["cpu"] ?? limits["cpu"];
  if (cpu !== undefined) {
    const shares = Math.floor(quantityAmount(cpu) * CPU_SHARES_PER_CORE);
    config.CpuShares = Math.max(MIN_CPU_SHARES, shares);
  }
  if (limits["memory"] !== undefined) {
    config.Memory = Math.ceil(quantityAmount(limits["memory"]));
    // As on a Node: no swap beyond the limit.
    config.MemorySwap = config.Memory;
  }
  return config;
};

const numeric = /^\d+$/;

const userOf = (
  pod: RunnablePod,
  container: Container,
  context: SecurityContext,
  image: ObtainedImage,
): string | undefined => {
  const { runAsUser, runAsGroup, runAsNonRoot } = context;
  const [imageUser = ""] = image.user.split(":");
  if (runAsNonRoot === true) {
    const which = `(pod: "${pod.name}_${pod.namespace}(${pod.uid})", container: ${container.name})`;
    if (runAsUser === 0) {
      throw new ContainerConfigError(`container's runAsUser breaks non-root policy ${which}`);
    }
    if (
      runAsUser === undefined &&
      (imageUser === "" || imageUser === "0" || imageUser === "root")
    ) {
      throw new ContainerConfigError(
        `container has runAsNonRoot and image will run as root ${which}`,
      );
    }
    if (runAsUser === undefined && !numeric.test(imageUser)) {
      throw new ContainerConfigError(
        `container has runAsNonRoot and image has non-numeric user (${imageUser}), cannot verify user is non-root ${which}`,
      );
    }
  }
  if (runAsGroup !== undefined) return `${runAsUser ?? (imageUser || 0)}:${runAsGroup}`;
  return runAsUser === undefined ? undefined : String(runAsUser);
};

const securityOf = (spec: PodSpec, context: SecurityContext): HostConfig => {
  const { supplementalGroups = [], fsGroup } = spec.securityContext ?? {};
  const groups = fsGroup === undefined ? supplementalGroups : [...supplementalGroups, fsGroup];
  const options: string[] = [];
  if (context.allowPrivilegeEscalation === false) options.push("no-new-privileges");
  if (context.seccompProfile?.type === "Unconfined") options.push("seccomp=unconfined");
  return {
    GroupAdd: [...new Set(groups)].map(String),
    SecurityOpt: options,
    Privileged: context.privileged === true,
    ReadonlyRootfs: context.readOnlyRootFilesystem === true,
    CapAdd: [...(context.capabilities?.add ?? [])],
    CapDrop: [...(context.capabilities?.drop ?? [])],
  };
};

const isInMemory = (spec: PodSpec, volume: string | undefined): boolean =>
  spec.volumes?.find(({ name }) => name === volume)?.emptyDir?.medium === "Memory";

const mountSettings = (
  { pod, container, ground, messageFile }: ContainerRequest,
  env: ReadonlyMap<string, string>,
): MountSettings[] => {
  const mounts = container.volumeMounts ?? [];
  const inMemory = mounts.filter(({ name }) => isInMemory(pod.spec, name));
  const others = mounts.filter((mount) => !inMemory.includes(mount));
  return [
    ...mountsOf(pod, others, ground.volumes, env).map(({ source, target, readOnly }) => ({
      Type: "bind" as const,
      Source: source,
      Target: target,
      ReadOnly: readOnly,
    })),
    ...inMemory.map(({ name = "", mountPath = "", readOnly }) => ({
      Type: "volume" as const,
      Source: memoryVolumeName(pod.uid, name),
      Target: mountPath,
      ReadOnly: readOnly === true,
    })),
    {
      Type: "bind" as const,
      Source: messageFile,
      Target: container.terminationMessagePath ?? DEFAULT_MESSAGE_PATH,
      ReadOnly: false,
    },
  ];
};

/** Throws `ContainerConfigError` and `VolumeError`. */
export const containerOptions = (request: ContainerRequest): ContainerCreateOptions => {
  const { pod, container, restart, image, ground, owner, host, logLimits } = request;
  const { spec } = pod;
  const context: SecurityContext = { ...spec.securityContext, ...container.securityContext };
  const variables = containerEnv(pod, container, host);
  const expanded = (texts: readonly string[] | undefined): string[] | undefined =>
    texts === undefined || texts.length === 0
      ? undefined
      : texts.map((text) => expand(text, variables));
  const [command, args] = [expanded(container.command), expanded(container.args)];
  const env = new Map([["HOSTNAME", podHostname(pod)], ...variables]);
  const user = userOf(pod, container, context, image);
  const shared = `container:${ground.infraId}`;
  const shareProcesses = spec.shareProcessNamespace === true ? { PidMode: shared } : {};
  return {
    name: containerName(pod.uid, container.name ?? "", restart),
    Image: image.id,
    Labels: {
      ...podLabelsOf(pod, owner),
      [label.container]: container.name ?? "",
      [label.restart]: String(restart),
      [label.imageId]: image.imageID,
    },
    Env: [...env].map(([name, value]) => `${name}=${value}`),
    // Without them the image's own apply; a command takes the place of the image's arguments, too.
    ...(command === undefined ? {} : { Entrypoint: command }),
    ...(args === undefined ? {} : { Cmd: args }),
    ...(user === undefined ? {} : { User: user }),
    ...((container.workingDir ?? "") === "" ? {} : { WorkingDir: container.workingDir }),
    Tty: container.tty === true,
    OpenStdin: container.stdin === true,
    StdinOnce: container.stdinOnce === true,
    HostConfig: {
      NetworkMode: shared,
      IpcMode: spec.hostIPC === true ? "host" : shared,
      ...(spec.hostPID === true ? { PidMode: "host" } : shareProcesses),
      ...resourcesOf(container),
      ...securityOf(spec, context),
      Mounts: mountSettings(request, variables),
      LogConfig: {
        Type: "json-file",
        Config: {
          "max-size": String(logLimits.maxFileBytes),
          "max-file": String(logLimits.maxFiles),
        },
      },
    },
  };
};
