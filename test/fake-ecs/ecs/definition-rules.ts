// What RegisterTaskDefinition refuses beyond the model.
import type { ContainerDefinition, RegisterTaskDefinitionCommandInput } from "@aws-sdk/client-ecs";
import { AwsError, clientError } from "../wire/aws-error.ts";
import { cpuUnits, isFargateSize, memoryMiB } from "./fargate-sizes.ts";
import { tagFault } from "./tags.ts";

type Input = RegisterTaskDefinitionCommandInput;

const MAX_CONTAINERS = 10;
const MAX_BYTES = 65_536;
const FAMILY = /^[A-Za-z0-9_-]{1,255}$/;
const EPHEMERAL_GIB = { least: 21, most: 200 } as const;
const FARGATE_TIMEOUT_SECONDS = { least: 2, most: 120 } as const;
const FARGATE_LOG_DRIVERS: ReadonlySet<string> = new Set(["awslogs", "awsfirelens", "splunk"]);
const MIN_MEMORY_MIB = 6;

/** Members of a container definition that Fargate does not have. */
const notOnFargate: readonly (keyof ContainerDefinition)[] = [
  "disableNetworking",
  "dnsServers",
  "dnsSearchDomains",
  "dockerSecurityOptions",
  "extraHosts",
  "links",
  "privileged",
];

const isSet = (value: unknown): boolean =>
  value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);

export const ephemeralFault = (sizeInGiB: number | undefined): AwsError | undefined => {
  if (sizeInGiB === undefined) return undefined;
  if (sizeInGiB < EPHEMERAL_GIB.least) {
    return clientError(`EphemeralStorage size should be at least ${EPHEMERAL_GIB.least}`);
  }
  if (sizeInGiB > EPHEMERAL_GIB.most) {
    return clientError(`EphemeralStorage size should be at most ${EPHEMERAL_GIB.most}`);
  }
  return undefined;
};

const fargateContainerFault = (container: ContainerDefinition): AwsError | undefined => {
  const name = container.name ?? "";
  const present = notOnFargate.find((member) => isSet(container[member]));
  if (present !== undefined) {
    return clientError(`Fargate: '${present}' of container '${name}' is not supported.`);
  }
  const added = container.linuxParameters?.capabilities?.add ?? [];
  if (added.some((capability) => capability !== "SYS_PTRACE")) {
    return clientError(`Fargate: only SYS_PTRACE can be added to container '${name}'.`);
  }
  const { devices, maxSwap, swappiness, sharedMemorySize } = container.linuxParameters ?? {};
  if ([devices, maxSwap, swappiness, sharedMemorySize].some(isSet)) {
    return clientError(`Fargate: linuxParameters of container '${name}' are not supported.`);
  }
  if ((container.resourceRequirements ?? []).some(({ type }) => type === "GPU")) {
    return clientError(`Fargate: container '${name}' wants a GPU.`);
  }
  const { startTimeout, stopTimeout, logConfiguration } = container;
  for (const [member, seconds] of Object.entries({ startTimeout, stopTimeout })) {
    const { least, most } = FARGATE_TIMEOUT_SECONDS;
    if (seconds !== undefined && (seconds < least || seconds > most)) {
      return clientError(
        `Fargate: ${member} of container '${name}' is not within ${least}..${most}.`,
      );
    }
  }
  if (logConfiguration === undefined) return undefined;
  const { logDriver = "", options = {} } = logConfiguration;
  if (!FARGATE_LOG_DRIVERS.has(logDriver)) {
    return clientError(`Fargate: log driver '${logDriver}' is not supported.`);
  }
  if (logDriver === "awslogs" && options["awslogs-stream-prefix"] === undefined) {
    return clientError("Log driver awslogs requires options: awslogs-stream-prefix");
  }
  return undefined;
};

const fargateFault = (input: Input, with32Vcpu: boolean): AwsError | undefined => {
  if (input.cpu === undefined) {
    return clientError("Fargate requires that 'cpu' be defined at the task level.");
  }
  if (input.memory === undefined) {
    return clientError("Fargate requires that 'memory' be defined at the task level.");
  }
  if (!isFargateSize(cpuUnits(input.cpu), memoryMiB(input.memory), with32Vcpu)) {
    return clientError("No Fargate configuration exists for given values.");
  }
  if (input.networkMode !== "awsvpc") {
    return clientError("Fargate only supports network mode 'awsvpc'.");
  }
  if (isSet(input.placementConstraints) || isSet(input.ipcMode)) {
    return clientError("Fargate: placementConstraints and ipcMode are not supported.");
  }
  if (input.pidMode === "host") return clientError("Fargate only supports pidMode 'task'.");
  for (const volume of input.volumes ?? []) {
    if (isSet(volume.host?.sourcePath) || isSet(volume.dockerVolumeConfiguration)) {
      return clientError(`Fargate: volume '${volume.name}' has a host path or a Docker volume.`);
    }
  }
  for (const container of input.containerDefinitions ?? []) {
    const fault = fargateContainerFault(container);
    if (fault !== undefined) return fault;
  }
  return undefined;
};

/** A container of `dependsOn` that is reached again from itself. */
const cycleAt = (containers: readonly ContainerDefinition[]): string | undefined => {
  const needs = new Map(
    containers.map(({ name, dependsOn }) => [
      name ?? "",
      (dependsOn ?? []).map(({ containerName }) => containerName ?? ""),
    ]),
  );
  const reaches = (from: string, target: string, seen: Set<string>): boolean =>
    (needs.get(from) ?? []).some((next) => {
      if (next === target) return true;
      if (seen.has(next)) return false;
      seen.add(next);
      return reaches(next, target, seen);
    });
  return [...needs.keys()].find((name) => reaches(name, name, new Set()));
};

const referenceFault = (input: Input): AwsError | undefined => {
  const containers = input.containerDefinitions ?? [];
  const names = new Set(containers.map(({ name }) => name));
  const volumes = new Set((input.volumes ?? []).map(({ name }) => name));
  for (const container of containers) {
    for (const { containerName, condition } of container.dependsOn ?? []) {
      const target = containers.find(({ name }) => name === containerName);
      if (target === undefined) {
        return clientError(`Container '${container.name}' depends on unknown '${containerName}'.`);
      }
      if ((condition === "COMPLETE" || condition === "SUCCESS") && target.essential !== false) {
        const text = `'${container.name}' waits for essential container '${containerName}' to end`;
        return clientError(`Container ${text}: condition ${condition} is not allowed.`);
      }
      if (condition === "HEALTHY" && target.healthCheck === undefined) {
        return clientError(`Container '${containerName}' has no healthCheck to become HEALTHY.`);
      }
    }
    for (const { sourceVolume } of container.mountPoints ?? []) {
      if (!volumes.has(sourceVolume)) return clientError(`Unknown volume '${sourceVolume}'.`);
    }
  }
  if (names.size !== containers.length) return clientError("Container names must be unique.");
  const cycle = cycleAt(containers);
  return cycle === undefined ? undefined : clientError(`dependsOn: cycle at '${cycle}'.`);
};

const containerFault = (container: ContainerDefinition, taskMemory: string | undefined) => {
  const { name = "", image = "", memory, memoryReservation, healthCheck } = container;
  if (!FAMILY.test(name)) return clientError("Container.name should match [A-Za-z0-9_-]{1,255}.");
  if (image === "") return clientError("Container.image should not be null or empty.");
  if (memory === undefined && memoryReservation === undefined && taskMemory === undefined) {
    const text = "At least one of 'memory' or 'memoryReservation' must be specified.";
    return clientError(`Invalid setting for container '${name}'. ${text}`);
  }
  if (memory !== undefined && memory < MIN_MEMORY_MIB) {
    return clientError(`Invalid 'memory' setting for container '${name}'.`);
  }
  if (memory !== undefined && memoryReservation !== undefined && memoryReservation > memory) {
    const text = "'memoryReservation' must not be greater than 'memory'.";
    return clientError(`Invalid setting for container '${name}'. ${text}`);
  }
  const form = healthCheck?.command?.[0];
  if (healthCheck !== undefined && form !== "CMD" && form !== "CMD-SHELL" && form !== "NONE") {
    return clientError(
      `healthCheck.command of container '${name}' must begin with CMD or CMD-SHELL.`,
    );
  }
  return undefined;
};

const totalFault = (input: Input): AwsError | undefined => {
  const containers = input.containerDefinitions ?? [];
  const sum = (of: (container: ContainerDefinition) => number): number =>
    containers.reduce((total, container) => total + of(container), 0);
  if (input.cpu !== undefined && sum(({ cpu }) => cpu ?? 0) > cpuUnits(input.cpu)) {
    return clientError("The sum of the containers' 'cpu' is greater than the task's 'cpu'.");
  }
  const reserved = sum(({ memory, memoryReservation }) => memoryReservation ?? memory ?? 0);
  if (input.memory !== undefined && reserved > memoryMiB(input.memory)) {
    return clientError("The sum of the containers' memory is greater than the task's 'memory'.");
  }
  return undefined;
};

export const definitionFault = (input: Input, with32Vcpu: boolean): AwsError | undefined => {
  const containers = input.containerDefinitions ?? [];
  if (!FAMILY.test(input.family ?? "")) {
    return clientError("Family should match [A-Za-z0-9_-]{1,255}.");
  }
  if (containers.length === 0) return clientError("Container list cannot be empty.");
  if (containers.length > MAX_CONTAINERS) {
    return clientError(`Container list has more than ${MAX_CONTAINERS} entries.`);
  }
  if (containers.every(({ essential }) => essential === false)) {
    return clientError("At least one container must be essential.");
  }
  const bytes = Buffer.byteLength(JSON.stringify(input));
  if (bytes > MAX_BYTES) {
    return clientError(`Actual length: '${bytes}'. Max allowed length is '${MAX_BYTES}' bytes.`);
  }
  for (const [name, value] of [
    ["cpu", input.cpu === undefined ? 1 : cpuUnits(input.cpu)],
    ["memory", input.memory === undefined ? 1 : memoryMiB(input.memory)],
  ] as const) {
    if (Number.isNaN(value)) return clientError(`Invalid '${name}' setting for task.`);
  }
  const onFargate = input.requiresCompatibilities?.includes("FARGATE") === true;
  const fault = onFargate ? fargateFault(input, with32Vcpu) : undefined;
  if (fault !== undefined) return fault;
  for (const container of containers) {
    const own = containerFault(container, input.memory);
    if (own !== undefined) return own;
  }
  return (
    tagFault(input.tags) ??
    referenceFault(input) ??
    ephemeralFault(input.ephemeralStorage?.sizeInGiB) ??
    totalFault(input)
  );
};
