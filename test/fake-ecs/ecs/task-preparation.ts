// What can go wrong before a container runs: pulling images, secrets, log groups.
import type { ContainerDefinition, TaskDefinition } from "@aws-sdk/client-ecs";
import type { LogStore } from "../logs/log-store.ts";
import type { FakeImage, Settings } from "../settings.ts";
import type { TaskRecord } from "./task-record.ts";

/** Options of the awslogs driver that the fake serves; the driver refuses what it does not know. */
const AWSLOGS_OPTIONS: ReadonlySet<string> = new Set([
  "awslogs-create-group",
  "awslogs-group",
  "awslogs-region",
  "awslogs-stream-prefix",
  "max-buffer-size",
  "mode",
]);

export interface PreparationContext {
  readonly settings: Settings;
  readonly logs: LogStore;
}

/** Why the image can't be pulled, in the words of the agent. */
export const pullFault = (
  definition: TaskDefinition,
  images: Readonly<Record<string, FakeImage>>,
  injected: boolean,
): string | undefined => {
  for (const { image = "" } of definition.containerDefinitions ?? []) {
    const known = images[image]?.pullError;
    if (known !== undefined) return known;
    if (injected) {
      return `CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref ${image}: not found`;
    }
  }
  return undefined;
};

const secretFault = (container: ContainerDefinition, settings: Settings): string | undefined => {
  for (const { valueFrom = "" } of container.secrets ?? []) {
    if (settings.secrets[valueFrom] !== undefined) continue;
    return `ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret ${valueFrom}: ResourceNotFoundException: Secrets Manager can't find the specified secret.`;
  }
  return undefined;
};

const logFault = (container: ContainerDefinition, { logs, settings }: PreparationContext) => {
  const { logDriver, options = {} } = container.logConfiguration ?? {};
  if (logDriver !== "awslogs") return undefined;
  const prefix = "ResourceInitializationError: failed to validate logger args:";
  const unknown = Object.keys(options).find((name) => !AWSLOGS_OPTIONS.has(name));
  if (unknown !== undefined) {
    return `${prefix} unknown log opt '${unknown}' for awslogs log driver : exit status 1`;
  }
  const group = options["awslogs-group"] ?? "";
  const region = options["awslogs-region"] ?? settings.region;
  if (options["awslogs-create-group"] === "true") logs.createGroup(group);
  if (region === settings.region && logs.hasGroup(group)) return undefined;
  return `${prefix} create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1`;
};

const roleFault = (record: TaskRecord): string | undefined => {
  const { definition } = record;
  const containers = definition.containerDefinitions ?? [];
  const needsRole = containers.some(
    ({ secrets, logConfiguration }) =>
      (secrets ?? []).length > 0 || logConfiguration?.logDriver === "awslogs",
  );
  const role = record.task.overrides?.executionRoleArn ?? definition.executionRoleArn;
  if (!needsRole || role !== undefined || record.place.lane === "ec2") return undefined;
  return "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot assume the role: no execution role";
};

/** Why the task's resources can't be made, in the words of the agent. */
export const initFault = (record: TaskRecord, context: PreparationContext): string | undefined => {
  if (record.fault?.fault === "initError") {
    return "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve ecr registry auth: service call has been retried 3 time(s): RequestError: send request failed";
  }
  const role = roleFault(record);
  if (role !== undefined) return role;
  for (const container of record.definition.containerDefinitions ?? []) {
    const fault = secretFault(container, context.settings) ?? logFault(container, context);
    if (fault !== undefined) return fault;
    if ((container.environmentFiles ?? []).length > 0) {
      return "ResourceInitializationError: failed to download env files: this server has no S3";
    }
  }
  return undefined;
};
