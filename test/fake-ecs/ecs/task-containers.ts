// From a task definition and its overrides to programs of this host.
import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { ContainerDefinition, KeyValuePair, TaskDefinition } from "@aws-sdk/client-ecs";
import type { Faults } from "../faults.ts";
import type { Program } from "../run/container-process.ts";
import type { GroupPart } from "../run/container-group.ts";
import { LineSplitter } from "../run/line-splitter.ts";
import type { Mount } from "../run/mounts.ts";
import type { PreparationContext } from "./task-preparation.ts";
import type { TaskRecord } from "./task-record.ts";

export interface PartsContext extends PreparationContext {
  readonly faults: Faults;
  /** Where the fake keeps its files. */
  readonly directory: string;
  /** Base of the container metadata endpoint. */
  metadataUri(): string;
}

/** Environment that callers gave in the overrides, of all containers together. */
export const overrideEnvironment = (record: Pick<TaskRecord, "task">): Record<string, string> =>
  Object.fromEntries(
    (record.task.overrides?.containerOverrides ?? []).flatMap(({ environment }) =>
      pairs(environment),
    ),
  );

const pairs = (list: readonly KeyValuePair[] | undefined): [string, string][] =>
  (list ?? []).map(({ name = "", value = "" }) => [name, value]);

const argvOf = (
  container: ContainerDefinition,
  command: readonly string[] | undefined,
  context: PartsContext,
): readonly string[] => {
  const image = context.settings.images[container.image ?? ""];
  const own = container.entryPoint ?? [];
  const entryPoint = own.length > 0 ? own : (image?.entryPoint ?? []);
  // An entry point of the definition's own does away with the image's command.
  const fallback = own.length > 0 ? [] : (image?.command ?? []);
  const args = command ?? container.command ?? fallback;
  return [...entryPoint, ...args];
};

/** The directory behind a volume: the task's own, or one that stays for EFS. */
const volumeDirectory = (definition: TaskDefinition, name: string, task: string, root: string) => {
  const volume = (definition.volumes ?? []).find((one) => one.name === name);
  const efs = volume?.efsVolumeConfiguration;
  const host = volume?.host?.sourcePath;
  if (host !== undefined) return host;
  const directory =
    efs === undefined
      ? join(task, ".volumes", name)
      : join(root, "efs", efs.fileSystemId ?? "", efs.rootDirectory ?? "/");
  mkdirSync(directory, { recursive: true, mode: 0o777 });
  return directory;
};

const mountsOf = (
  definition: TaskDefinition,
  container: ContainerDefinition,
  task: string,
  root: string,
): Mount[] =>
  (container.mountPoints ?? []).map(({ sourceVolume = "", containerPath = "", readOnly }) => ({
    source: volumeDirectory(definition, sourceVolume, task, root),
    target: containerPath,
    readOnly: readOnly === true,
  }));

const environmentOf = (
  record: TaskRecord,
  container: ContainerDefinition,
  context: PartsContext,
): Record<string, string> => {
  const { settings } = context;
  const override = record.task.overrides?.containerOverrides?.find(
    ({ name }) => name === container.name,
  );
  const secrets = (container.secrets ?? []).map(({ name = "", valueFrom = "" }) => [
    name,
    settings.secrets[valueFrom] ?? "",
  ]);
  const fargate = record.place.lane !== "ec2";
  return {
    PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
    HOME: "/root",
    HOSTNAME: container.hostname ?? hostname(),
    ...settings.images[container.image ?? ""]?.environment,
    AWS_DEFAULT_REGION: settings.region,
    AWS_EXECUTION_ENV: fargate ? "AWS_ECS_FARGATE" : "AWS_ECS_EC2",
    AWS_REGION: settings.region,
    ECS_CONTAINER_METADATA_URI_V4: `${context.metadataUri()}/${record.id}-${container.name}`,
    ...Object.fromEntries(pairs(container.environment)),
    ...(Object.fromEntries(secrets) as Record<string, string>),
    ...Object.fromEntries(pairs(override?.environment)),
  };
};

/** Where the container's output goes: its log stream, or nowhere. */
const outputOf = (
  record: TaskRecord,
  container: ContainerDefinition,
  { logs, faults }: PartsContext,
): Pick<GroupPart, "output" | "outputEnd"> => {
  const { logDriver, options = {} } = container.logConfiguration ?? {};
  if (logDriver !== "awslogs") return { output: () => {}, outputEnd: () => {} };
  const stream = [options["awslogs-stream-prefix"], container.name, record.id].join("/");
  const group = options["awslogs-group"] ?? "";
  const late = faults.ofLogStream(stream);
  const append = (line: string): void => logs.append(group, stream, line, late?.ms ?? 0);
  const splitters = { stdout: new LineSplitter(append), stderr: new LineSplitter(append) };
  return {
    output: (name, chunk) => splitters[name].write(chunk),
    outputEnd: () => {
      splitters.stdout.end();
      splitters.stderr.end();
    },
  };
};

export const groupParts = (
  record: TaskRecord,
  directory: string,
  context: PartsContext,
): GroupPart[] => {
  const { definition, task } = record;
  return (definition.containerDefinitions ?? []).map((container) => {
    const name = container.name ?? "";
    const override = task.overrides?.containerOverrides?.find((one) => one.name === name);
    const program: Program = {
      name,
      argv: argvOf(container, override?.command, context),
      environment: environmentOf(record, container, context),
      workingDirectory: container.workingDirectory,
      user: container.user,
      mounts: mountsOf(definition, container, directory, context.directory),
      directory: join(directory, name),
    };
    const shown = (task.containers ?? []).find((one) => one.name === name) ?? { name };
    return {
      definition: container,
      container: shown,
      program,
      ...outputOf(record, container, context),
    };
  });
};
