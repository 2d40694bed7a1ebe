// Rules beyond the model: each refusal with its code and its words, by the unmodified SDK.
import {
  DeleteTaskDefinitionsCommand,
  DeregisterTaskDefinitionCommand,
  DescribeClustersCommand,
  DescribeTaskDefinitionCommand,
  ListTagsForResourceCommand,
  ListTaskDefinitionFamiliesCommand,
  ListTaskDefinitionsCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
  RunTaskCommand,
  type RunTaskCommandInput,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-ecs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isFargateSize } from "./ecs/fargate-sizes.ts";
import { definition, fargate, fixture, register, shell } from "./fixture.ts";

const client = "ClientException";
const parameter = "InvalidParameterException";
const main = shell("true");

const registrations: [string, Partial<RegisterTaskDefinitionCommandInput>, string][] = [
  [
    "a pair that Fargate lacks",
    { cpu: "256", memory: "9999" },
    "No Fargate configuration exists for given values.",
  ],
  [
    "no task memory",
    { memory: undefined },
    "Fargate requires that 'memory' be defined at the task level.",
  ],
  ["no task cpu", { cpu: undefined }, "Fargate requires that 'cpu' be defined at the task level."],
  [
    "too small a disk",
    { ephemeralStorage: { sizeInGiB: 20 } },
    "EphemeralStorage size should be at least 21",
  ],
  [
    "too large a disk",
    { ephemeralStorage: { sizeInGiB: 201 } },
    "EphemeralStorage size should be at most 200",
  ],
  ["bridge on Fargate", { networkMode: "bridge" }, "Fargate only supports network mode 'awsvpc'."],
  ["a bad family", { family: "a.b" }, "Family should match [A-Za-z0-9_-]{1,255}."],
  ["no containers", { containerDefinitions: [] }, "Container list cannot be empty."],
  [
    "11 containers",
    {
      containerDefinitions: Array.from({ length: 11 }, (_, i) => shell("true", { name: `c${i}` })),
    },
    "Container list has more than 10 entries.",
  ],
  [
    "no essential one",
    { containerDefinitions: [shell("true", { essential: false })] },
    "At least one container must be essential.",
  ],
  ["two of a name", { containerDefinitions: [main, main] }, "Container names must be unique."],
  [
    "privileged",
    { containerDefinitions: [shell("true", { privileged: true })] },
    "Fargate: 'privileged' of container 'main' is not supported.",
  ],
  [
    "a long stopTimeout",
    { containerDefinitions: [shell("true", { stopTimeout: 121 })] },
    "Fargate: stopTimeout of container 'main' is not within 2..120.",
  ],
  [
    "a log driver",
    { containerDefinitions: [shell("true", { logConfiguration: { logDriver: "json-file" } })] },
    "Fargate: log driver 'json-file' is not supported.",
  ],
  [
    "a capability",
    {
      containerDefinitions: [
        shell("true", { linuxParameters: { capabilities: { add: ["SYS_ADMIN"] } } }),
      ],
    },
    "Fargate: only SYS_PTRACE can be added to container 'main'.",
  ],
  [
    "an unknown dependency",
    {
      containerDefinitions: [
        shell("true", { dependsOn: [{ containerName: "x", condition: "START" }] }),
      ],
    },
    "Container 'main' depends on unknown 'x'.",
  ],
  [
    "SUCCESS of an essential one",
    {
      containerDefinitions: [
        main,
        shell("true", { name: "b", dependsOn: [{ containerName: "main", condition: "SUCCESS" }] }),
      ],
    },
    "Container 'b' waits for essential container 'main' to end: condition SUCCESS is not allowed.",
  ],
  [
    "a cycle",
    {
      containerDefinitions: [
        shell("true", { dependsOn: [{ containerName: "main", condition: "START" }] }),
      ],
    },
    "dependsOn: cycle at 'main'.",
  ],
  [
    "an unknown volume",
    {
      containerDefinitions: [
        shell("true", { mountPoints: [{ sourceVolume: "v", containerPath: "/v" }] }),
      ],
    },
    "Unknown volume 'v'.",
  ],
  [
    "more container memory than the task's",
    { containerDefinitions: [shell("true", { memory: 513 })] },
    "The sum of the containers' memory is greater than the task's 'memory'.",
  ],
];

test.each(registrations)("RegisterTaskDefinition refuses %s", async (_, more, message) => {
  const { ecs } = await fixture();
  const input = definition([main], more);
  await expect(ecs.send(new RegisterTaskDefinitionCommand(input))).rejects.toMatchObject({
    name: client,
    message,
  });
});

test("a definition of more than 64 KiB: the message has its length", async () => {
  const { ecs } = await fixture();
  const input = definition([shell("x".repeat(66_000))]);
  const bytes = Buffer.byteLength(JSON.stringify(input));
  const message = `Actual length: '${bytes}'. Max allowed length is '65536' bytes.`;
  await expect(ecs.send(new RegisterTaskDefinitionCommand(input))).rejects.toMatchObject({
    name: client,
    message,
  });
});

test("registrations in one family at once are in each other's way; in two they are not", async () => {
  const { ecs } = await fixture();
  const send = (family: string) =>
    ecs.send(new RegisterTaskDefinitionCommand(definition([main], { family })));
  const same = await Promise.allSettled([send("a"), send("a"), send("a")]);
  const refused = same.flatMap((one) =>
    one.status === "rejected" ? [(one.reason as Error).message] : [],
  );
  expect(refused.length).toBeGreaterThan(0);
  expect(new Set(refused)).toEqual(
    new Set(["Too many concurrent attempts to create a new revision of the specified family."]),
  );
  await expect(Promise.all(["b", "c", "d"].map(send))).resolves.toHaveLength(3);
});

const awsvpc = (subnets: number, securityGroups: number) => ({
  awsvpcConfiguration: {
    subnets: Array.from({ length: subnets }, (_, i) => `subnet-${i}`),
    securityGroups: Array.from({ length: securityGroups }, (_, i) => `sg-${i}`),
  },
});
const strategy = (...items: [string, number?][]) => ({
  capacityProviderStrategy: items.map(([capacityProvider, weight]) => ({
    capacityProvider,
    ...(weight === undefined ? {} : { weight }),
  })),
});
const big = {
  containerOverrides: [{ name: "main", environment: [{ name: "A", value: "x".repeat(8_200) }] }],
};

const launches: [string, Partial<RunTaskCommandInput>, string, RegExp | string][] = [
  [
    "launchType with a strategy",
    { launchType: "FARGATE", ...strategy(["FARGATE", 1]) },
    parameter,
    /both a launch type and capacity provider strategy/,
  ],
  ["weights of 0, the default", strategy(["FARGATE"]), parameter, /weight greater than zero/],
  ["an unknown provider", strategy(["x", 1]), parameter, /'x' was not found/],
  [
    "Fargate mixed with others",
    strategy(["FARGATE", 1], ["asg", 1]),
    parameter,
    /mix of Fargate and Auto Scaling/,
  ],
  [
    "awsvpc without a network",
    { networkConfiguration: undefined },
    parameter,
    /Network Configuration must be provided/,
  ],
  ["17 subnets", { networkConfiguration: awsvpc(17, 0) }, parameter, /at most 16/],
  ["6 security groups", { networkConfiguration: awsvpc(1, 6) }, parameter, /at most 5/],
  ["count 11", { count: 11 }, parameter, /between 1 and 10/],
  ["count 0", { count: 0 }, parameter, /between 1 and 10/],
  ["a bad startedBy", { startedBy: "a b" }, parameter, /startedBy/],
  ["a long startedBy", { startedBy: "a".repeat(129) }, parameter, /startedBy/],
  ["a long clientToken", { clientToken: "a".repeat(65) }, parameter, /clientToken/],
  ["propagateTags SERVICE", { propagateTags: "SERVICE" }, parameter, /SERVICE/],
  [
    "large overrides",
    { overrides: big },
    parameter,
    "Container Overrides length must be at most 8192",
  ],
  [
    "an override of no container",
    { overrides: { containerOverrides: [{ name: "x" }] } },
    parameter,
    "Override for container named x is not a container in the TaskDefinition.",
  ],
  [
    "a size by override that Fargate lacks",
    { overrides: { cpu: "512", memory: "512" } },
    client,
    "No Fargate configuration exists for given values.",
  ],
  ["an unknown cluster", { cluster: "nowhere" }, "ClusterNotFoundException", "Cluster not found."],
  ["an unknown definition", { taskDefinition: "nothing:1" }, client, "TaskDefinition not found."],
  ["exec without a task role", { enableExecuteCommand: true }, parameter, /taskRoleArn/],
  ["an unknown platform", { platformVersion: "9.9.9" }, "PlatformUnknownException", /9\.9\.9/],
  [
    "EC2 without instances",
    { launchType: "EC2" },
    parameter,
    "No Container Instances were found in your cluster.",
  ],
  ["a tag of aws:", { tags: [{ key: "aws:x", value: "y" }] }, parameter, /aws:/],
];

test.each(launches)("RunTask refuses %s", async (_, more, name, message) => {
  const our = await fixture();
  const taskDefinition = await register(our, [main]);
  const input = { ...fargate(taskDefinition, more), ...more };
  const error = await our.ecs.send(new RunTaskCommand(input)).then(
    () => undefined,
    (reason: Error) => reason,
  );
  expect(error).toMatchObject({ name });
  expect(error?.message).toMatch(message);
  expect(our.fake.journal.runs).toEqual([]);
});

test("known subnets and passable roles, when they are given", async () => {
  const our = await fixture({
    subnets: ["subnet-1"],
    passableRoles: ["arn:aws:iam::123456789012:role/execution"],
  });
  const taskDefinition = await register(our, [main]);
  await expect(our.ecs.send(new RunTaskCommand(fargate(taskDefinition)))).rejects.toThrow(
    "The subnet ID 'subnet-2' does not exist",
  );
  const networkConfiguration = { awsvpcConfiguration: { subnets: ["subnet-1"] } };
  const role = fargate(taskDefinition, {
    networkConfiguration,
    overrides: { taskRoleArn: "arn:aws:iam::123456789012:role/admin" },
  });
  await expect(our.ecs.send(new RunTaskCommand(role))).rejects.toMatchObject({
    name: "AccessDeniedException",
  });
  await our.ecs.send(new RunTaskCommand(fargate(taskDefinition, { networkConfiguration })));
});

test("a role that may not be passed is refused at registration, until it may", async () => {
  const our = await fixture({ passableRoles: [] });
  const executionRoleArn = "arn:aws:iam::123456789012:role/execution";
  const registered = () => register(our, [main], { executionRoleArn });
  await expect(registered()).rejects.toThrow(
    /not authorized to perform: iam:PassRole on resource: \S+role\/execution/,
  );
  our.fake.account.passableRoles = null;
  await registered();
});

test("a cluster that is deleted is not found any more", async () => {
  const our = await fixture();
  const taskDefinition = await register(our, [main]);
  our.fake.account.clusters = [];
  await expect(our.ecs.send(new RunTaskCommand(fargate(taskDefinition)))).rejects.toMatchObject({
    name: "ClusterNotFoundException",
  });
});

test("task definitions: revisions, describe by family, INACTIVE, delete, families", async () => {
  const our = await fixture();
  const { ecs } = our;
  const first = await register(our, [main], { tags: [{ key: "k", value: "v" }] });
  our.fake.clock.advance(10);
  const second = await register(our, [main]);
  expect(second).toBe(first.replace(/:1$/, ":2"));
  const described = await ecs.send(
    new DescribeTaskDefinitionCommand({ taskDefinition: "gantry-test", include: ["TAGS"] }),
  );
  expect(described.taskDefinition).toMatchObject({
    revision: 2,
    status: "ACTIVE",
    compatibilities: ["EC2", "FARGATE"],
  });
  expect(
    (
      await ecs.send(
        new DescribeTaskDefinitionCommand({ taskDefinition: first, include: ["TAGS"] }),
      )
    ).tags,
  ).toEqual([{ key: "k", value: "v" }]);
  expect(
    (await ecs.send(new ListTaskDefinitionsCommand({ sort: "DESC" }))).taskDefinitionArns,
  ).toEqual([second, first]);
  const early = await ecs.send(new DeleteTaskDefinitionsCommand({ taskDefinitions: [first] }));
  expect(early.failures).toMatchObject([{ arn: first, reason: "ACTIVE" }]);
  await ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: first }));
  await expect(ecs.send(new RunTaskCommand(fargate(first)))).rejects.toMatchObject({
    name: client,
    message: "TaskDefinition is inactive",
  });
  expect(
    (await ecs.send(new ListTaskDefinitionsCommand({ status: "INACTIVE" }))).taskDefinitionArns,
  ).toEqual([first]);
  const gone = await ecs.send(new DeleteTaskDefinitionsCommand({ taskDefinitions: [first] }));
  expect(gone.taskDefinitions).toMatchObject([{ status: "DELETE_IN_PROGRESS" }]);
  await expect(
    ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: first })),
  ).rejects.toMatchObject({ name: client });
  expect(
    (await ecs.send(new ListTaskDefinitionFamiliesCommand({ familyPrefix: "gantry" }))).families,
  ).toEqual(["gantry-test"]);
  our.fake.clock.advance(10);
  expect(await register(our, [main])).toMatch(/:3$/);
});

test("clusters are described with their providers; an unknown one is MISSING", async () => {
  const { ecs } = await fixture({
    clusters: ["gantry"],
    instances: [{ cpu: 1024, memoryMiB: 1024, capacityProvider: "asg" }],
  });
  const { clusters, failures } = await ecs.send(
    new DescribeClustersCommand({ clusters: ["gantry", "other"] }),
  );
  expect(clusters).toMatchObject([
    {
      clusterName: "gantry",
      status: "ACTIVE",
      capacityProviders: ["FARGATE", "FARGATE_SPOT", "asg"],
      registeredContainerInstancesCount: 1,
    },
  ]);
  expect(failures).toMatchObject([{ reason: "MISSING" }]);
  await expect(ecs.send(new ListTasksCommand({}))).rejects.toMatchObject({
    name: "ClusterNotFoundException",
  });
});

test("tags of a task can be added, listed and removed", async () => {
  const our = await fixture({ timings: { provisioningMs: 60_000 } });
  const taskDefinition = await register(our, [main]);
  const { tasks } = await our.ecs.send(
    new RunTaskCommand(fargate(taskDefinition, { tags: [{ key: "a", value: "1" }] })),
  );
  const resourceArn = tasks?.[0]?.taskArn ?? "";
  await our.ecs.send(new TagResourceCommand({ resourceArn, tags: [{ key: "b", value: "2" }] }));
  await our.ecs.send(new UntagResourceCommand({ resourceArn, tagKeys: ["a"] }));
  expect((await our.ecs.send(new ListTagsForResourceCommand({ resourceArn }))).tags).toEqual([
    { key: "b", value: "2" },
  ]);
});

test("Fargate has 74 pairs, 77 with 32 vCPU, and memory between the steps is none of them", () => {
  const cpus = [256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768];
  const count = (with32: boolean): number =>
    cpus
      .flatMap((cpu) =>
        Array.from({ length: 500 }, (_, i) => isFargateSize(cpu, (i + 1) * 512, with32)),
      )
      .filter(Boolean).length;
  expect([count(false), count(true)]).toEqual([74, 77]);
  fc.assert(
    fc.property(fc.constantFrom(...cpus), fc.integer({ min: 1, max: 300_000 }), (cpu, memory) => {
      fc.pre(memory % 512 !== 0);
      expect(isFargateSize(cpu, memory, true)).toBe(false);
    }),
  );
});
