// One container of a Pod as one of a task definition: what an override can't say.
import { cpuUnits, mebibytes } from "./task-sizing.ts";
import type { Container } from "../schema/container.ts";
import type { EcsPod } from "./ecs-pod.ts";
import type { TaskSize } from "./fargate-sizes.ts";
import { healthCheck } from "./health-check.ts";
import { type OrderedContainer, isSidecar } from "./container-order.ts";
import type { ContainerDefinition, ContainerOverride, LinuxParameters } from "./run-task-input.ts";
import type { LaneSettings } from "./lane-settings.ts";
import type { EcsSettings } from "./settings.ts";
import { stopTimeout } from "./stop-timeout.ts";
import { memoryMounts, mountPoints } from "./task-volumes.ts";

/** Resource by which a container asks for GPUs. */
export const GPU = "nvidia.com/gpu";

/** The least that Docker takes, in MiB. */
export const MIN_CONTAINER_MIB = 6;

const withoutPrefix = (names: readonly string[] | undefined): string[] =>
  (names ?? []).map((name) => name.replace(/^CAP_/, ""));

function linuxParameters(
  { securityContext }: Container,
  tmpfs: NonNullable<LinuxParameters["tmpfs"]>,
): LinuxParameters | undefined {
  const add = withoutPrefix(securityContext?.capabilities?.add);
  const drop = withoutPrefix(securityContext?.capabilities?.drop);
  const capabilities = { ...(add.length > 0 && { add }), ...(drop.length > 0 && { drop }) };
  if (tmpfs.length === 0 && Object.keys(capabilities).length === 0) return undefined;
  return {
    ...(Object.keys(capabilities).length > 0 && { capabilities }),
    ...(tmpfs.length > 0 && { tmpfs }),
  };
}

function user(pod: EcsPod, container: Container): string | undefined {
  const { runAsUser, runAsGroup } = { ...pod.spec.securityContext, ...container.securityContext };
  if (runAsUser === undefined) return undefined;
  return runAsGroup === undefined ? String(runAsUser) : `${runAsUser}:${runAsGroup}`;
}

function credentials(pod: EcsPod, settings: EcsSettings): string | undefined {
  for (const { name = "" } of pod.spec.imagePullSecrets ?? []) {
    const arn = settings.imagePullSecrets[`${pod.namespace}/${name}`];
    if (arn !== undefined) return arn;
  }
  return undefined;
}

export function logConfiguration({
  logs,
  region,
}: Pick<EcsSettings, "logs" | "region">): ContainerDefinition["logConfiguration"] {
  return {
    logDriver: "awslogs",
    options: {
      "awslogs-group": logs.group,
      "awslogs-region": logs.region ?? region,
      "awslogs-stream-prefix": logs.streamPrefix,
      ...(logs.createGroup && { "awslogs-create-group": "true" }),
      // What ECS does without it is lossy, and has changed before.
      mode: logs.mode,
      ...(logs.mode === "non-blocking" && { "max-buffer-size": logs.maxBufferSize }),
    },
  };
}

export interface ContainerParts {
  readonly pod: EcsPod;
  readonly lane: LaneSettings;
  readonly settings: EcsSettings;
  readonly size: TaskSize;
  /** First word of what is run; the rest is in the override. */
  readonly entryPoint: string | undefined;
  readonly secrets: ReadonlyMap<string, string>;
}

export function containerDefinition(
  { container, essential, dependsOn }: OrderedContainer,
  parts: ContainerParts,
): ContainerDefinition {
  const { pod, lane, settings, size, entryPoint } = parts;
  const mounts = mountPoints(pod.spec, container);
  const linux = linuxParameters(container, memoryMounts(pod.spec, container, size.memoryMiB));
  const runAs = user(pod, container);
  const credentialsParameter = credentials(pod, settings);
  const check = healthCheck(container);
  const gpus = container.resources?.limits?.[GPU] ?? "0";
  const secrets = [...parts.secrets].map(([name, valueFrom]) => ({ name, valueFrom }));
  return {
    name: container.name ?? "",
    image: container.image ?? "",
    essential,
    ...(entryPoint !== undefined && { entryPoint: [entryPoint] }),
    ...(secrets.length > 0 && { secrets }),
    ...(credentialsParameter !== undefined && { repositoryCredentials: { credentialsParameter } }),
    ...(container.workingDir && { workingDirectory: container.workingDir }),
    ...(runAs !== undefined && { user: runAs }),
    ...(container.securityContext?.readOnlyRootFilesystem === true && {
      readonlyRootFilesystem: true,
    }),
    ...(container.tty === true && { pseudoTerminal: true }),
    ...(container.stdin === true && { interactive: true }),
    ...(linux !== undefined && { linuxParameters: linux }),
    ...(mounts.length > 0 && { mountPoints: mounts }),
    ...(dependsOn.length > 0 && { dependsOn: [...dependsOn] }),
    ...(check !== undefined && { healthCheck: check }),
    stopTimeout: stopTimeout(pod.spec.terminationGracePeriodSeconds, lane),
    ...(gpus !== "0" && { resourceRequirements: [{ type: "GPU" as const, value: gpus }] }),
    logConfiguration: logConfiguration(settings),
  };
}

/**
 * CPU shares and memory. Those of an init container are not reserved: ECS adds up all containers,
 * though an init container has ended when the others start.
 */
export function containerResources(
  container: Container,
  isInit: boolean,
): Pick<ContainerOverride, "cpu" | "memory" | "memoryReservation"> {
  const { limits = {}, requests = {} } = container.resources ?? {};
  const [limit, request] = [limits["memory"], requests["memory"]];
  const memory = limit === undefined ? undefined : Math.max(MIN_CONTAINER_MIB, mebibytes(limit));
  if (isInit && !isSidecar(container)) {
    if (memory === undefined) return {};
    return memory > MIN_CONTAINER_MIB
      ? { memory, memoryReservation: MIN_CONTAINER_MIB }
      : { memory };
  }
  const cpu = requests["cpu"] ?? limits["cpu"];
  const reservation =
    request === undefined ? undefined : Math.max(MIN_CONTAINER_MIB, mebibytes(request));
  return {
    ...(cpu !== undefined && { cpu: cpuUnits(cpu) }),
    ...(memory !== undefined && { memory }),
    // A reservation must be below the limit; without one, the limit is reserved.
    ...(reservation !== undefined &&
      (memory === undefined || reservation < memory) && { memoryReservation: reservation }),
  };
}
