// The Task of a RunTask request, as it is before anything has happened to it.
import { createHash, randomUUID } from "node:crypto";
import type { RunTaskCommandInput, Tag, Task, TaskDefinition } from "@aws-sdk/client-ecs";
import type { Arns } from "./arns.ts";
import type { Place } from "./capacity.ts";

const digestOf = (image: string): string =>
  `sha256:${createHash("sha256").update(image).digest("hex")}`;

export interface NewTask {
  readonly arn: string;
  readonly cluster: string;
  readonly input: RunTaskCommandInput;
  readonly definition: TaskDefinition;
  readonly place: Place;
  readonly instance: string | undefined;
  readonly region: string;
  readonly nowMs: number;
}

const attachmentsOf = ({ input, arn }: NewTask): Task["attachments"] => {
  const network = input.networkConfiguration?.awsvpcConfiguration;
  if (network === undefined) return [];
  const octets = createHash("sha256").update(arn).digest();
  const address = `10.0.${octets.readUInt8(0)}.${octets.readUInt8(1)}`;
  const details = [
    { name: "subnetId", value: network.subnets?.[0] ?? "" },
    { name: "networkInterfaceId", value: `eni-${octets.toString("hex").slice(0, 17)}` },
    { name: "privateIPv4Address", value: address },
  ];
  return [{ id: randomUUID(), type: "ElasticNetworkInterface", status: "PRECREATED", details }];
};

export const newTask = (made: NewTask, arns: Arns): Task => {
  const { arn, cluster, input, definition, place, instance, region, nowMs } = made;
  const onFargate = place.lane !== "ec2";
  const { overrides = {} } = input;
  return {
    taskArn: arn,
    clusterArn: arns.cluster(cluster),
    taskDefinitionArn: definition.taskDefinitionArn,
    attachments: attachmentsOf(made),
    attributes: [
      {
        name: "ecs.cpu-architecture",
        value: definition.runtimePlatform?.cpuArchitecture === "ARM64" ? "arm64" : "x86_64",
      },
    ],
    availabilityZone: `${region}a`,
    ...(place.capacityProvider === undefined
      ? {}
      : { capacityProviderName: place.capacityProvider }),
    ...(instance === undefined ? {} : { containerInstanceArn: instance }),
    containers: (definition.containerDefinitions ?? []).map((container) => ({
      containerArn: arns.container(arn),
      taskArn: arn,
      name: container.name,
      image: container.image,
      imageDigest: digestOf(container.image ?? ""),
      runtimeId: `${lastId(arn)}-${digestOf(container.name ?? "").slice(7, 17)}`,
      lastStatus: "PENDING",
      networkBindings: [],
      networkInterfaces: [],
      healthStatus: "UNKNOWN",
      cpu: String(container.cpu ?? 0),
      ...(container.memory === undefined ? {} : { memory: String(container.memory) }),
      ...(container.memoryReservation === undefined
        ? {}
        : { memoryReservation: String(container.memoryReservation) }),
    })),
    cpu: String(place.cpu),
    memory: String(place.memory),
    createdAt: new Date(nowMs),
    desiredStatus: "RUNNING",
    lastStatus: "PROVISIONING",
    enableExecuteCommand: input.enableExecuteCommand ?? false,
    group: input.group ?? `family:${definition.family}`,
    healthStatus: "UNKNOWN",
    launchType: onFargate ? "FARGATE" : "EC2",
    ...(onFargate
      ? {
          platformVersion: "1.4.0",
          platformFamily: "Linux",
          ephemeralStorage: overrides.ephemeralStorage ??
            definition.ephemeralStorage ?? { sizeInGiB: 20 },
        }
      : {}),
    overrides: {
      ...overrides,
      containerOverrides:
        overrides.containerOverrides ??
        (definition.containerDefinitions ?? []).map(({ name }) => ({ name })),
      inferenceAcceleratorOverrides: overrides.inferenceAcceleratorOverrides ?? [],
    },
    ...(input.startedBy === undefined ? {} : { startedBy: input.startedBy }),
    version: 0,
  };
};

const lastId = (arn: string): string => arn.split("/").at(-1) ?? "";

/** Tags of the request, of the definition when asked for, and ECS's own when asked for. */
export const newTaskTags = (
  input: RunTaskCommandInput,
  definitionTags: readonly Tag[],
  cluster: string,
): Tag[] => {
  const inherited = input.propagateTags === "TASK_DEFINITION" ? definitionTags : [];
  const managed =
    input.enableECSManagedTags === true ? [{ key: "aws:ecs:clusterName", value: cluster }] : [];
  const own = input.tags ?? [];
  return [
    ...inherited.filter(({ key }) => !own.some((tag) => tag.key === key)),
    ...own,
    ...managed,
  ];
};
