// RunTask: client tokens, failures, quotas, capacity, and where tasks run.
import {
  ConflictException,
  DescribeTasksCommand,
  RunTaskCommand,
  StopTaskCommand,
} from "@aws-sdk/client-ecs";
import { expect, test } from "vitest";
import { fargate, fixture, inStatus, register, shell, until } from "./fixture.ts";

const sleeper = shell("exec sleep 1000", { stopTimeout: 2 });
const onSpot = { capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1 }] };
const HOUR_MS = 3_600_000;

test("a token gives its first answer again; other parameters conflict, with the task in resourceIds", async () => {
  const our = await fixture();
  const taskDefinition = await register(our, [sleeper]);
  const input = fargate(taskDefinition, { clientToken: "uid.1" });
  const first = await our.ecs.send(new RunTaskCommand(input));
  const again = await our.ecs.send(new RunTaskCommand(input));
  const arn = first.tasks?.[0]?.taskArn ?? "";
  expect(again.tasks).toMatchObject([{ taskArn: arn, startedBy: "gantry/test" }]);
  const other = our.ecs.send(new RunTaskCommand({ ...input, startedBy: "gantry/other" }));
  const error = await other.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConflictException);
  expect(error).toMatchObject({ resourceIds: [arn] });
  expect(our.fake.journal.runs).toHaveLength(1);
});

test("a token of a stopped task gives its ARN and statuses; an hour after the stop it is forgotten", async () => {
  const our = await fixture();
  const taskDefinition = await register(our, [shell("true")]);
  const input = fargate(taskDefinition, { clientToken: "uid.1" });
  const arn = (await our.ecs.send(new RunTaskCommand(input))).tasks?.[0]?.taskArn ?? "";
  await inStatus(our, arn, "STOPPED");
  our.fake.clock.advance(HOUR_MS - 1_000);
  const again = await our.ecs.send(new RunTaskCommand(input));
  expect(again.tasks).toEqual([{ taskArn: arn, lastStatus: "STOPPED", desiredStatus: "STOPPED" }]);
  our.fake.clock.advance(2_000);
  const second = await our.ecs.send(new RunTaskCommand(input));
  expect(second.tasks?.[0]?.taskArn).not.toBe(arn);
  expect(our.fake.journal.runs).toHaveLength(2);
});

test("a token lives 24 h at most, however long its task runs", async () => {
  const our = await fixture();
  const taskDefinition = await register(our, [sleeper]);
  const input = fargate(taskDefinition, { clientToken: "uid.1" });
  await our.ecs.send(new RunTaskCommand(input));
  our.fake.clock.advance(24 * HOUR_MS);
  await our.ecs.send(new RunTaskCommand(input));
  expect(our.fake.journal.runs).toHaveLength(2);
});

test.each([
  [true, 0],
  [false, 1],
])(
  "old failures are replayed under a token (%s), and not under another",
  async (replayFailures, tasks) => {
    const our = await fixture({ replayFailures });
    const taskDefinition = await register(our, [sleeper]);
    our.fake.faults.script({ on: "RunTask", fault: "capacity" });
    const run = (clientToken: string) =>
      our.ecs.send(new RunTaskCommand(fargate(taskDefinition, { clientToken })));
    const first = await run("uid.1");
    expect(first.tasks).toEqual([]);
    expect(first.failures?.[0]?.reason).toMatch(/^Capacity is unavailable at this time/);
    expect((await run("uid.1")).tasks).toHaveLength(tasks);
    expect((await run("uid.2")).tasks).toHaveLength(1);
  },
);

test("the same token in another cluster is another token", async () => {
  const our = await fixture({ clusters: ["default", "b"] });
  const taskDefinition = await register(our, [sleeper]);
  for (const cluster of ["default", "b"]) {
    await our.ecs.send(new RunTaskCommand(fargate(taskDefinition, { cluster, clientToken: "t" })));
  }
  expect(our.fake.journal.runs.map(({ cluster }) => cluster)).toEqual(["default", "b"]);
});

test("the vCPU quota: failures beside tasks, and room again when one ends; Spot has its own", async () => {
  const our = await fixture({ quotas: { fargateVcpu: 0.5, fargateSpotVcpu: 0.25 } });
  const taskDefinition = await register(our, [sleeper]);
  const reply = await our.ecs.send(new RunTaskCommand(fargate(taskDefinition, { count: 3 })));
  expect(reply.tasks).toHaveLength(2);
  expect(reply.failures?.map(({ reason }) => reason)).toEqual([
    "You've reached the limit on the number of tasks you can run concurrently",
  ]);
  const spot = await our.ecs.send(new RunTaskCommand(fargate(taskDefinition, onSpot)));
  expect(spot.tasks).toMatchObject([
    { capacityProviderName: "FARGATE_SPOT", launchType: "FARGATE" },
  ]);
  const arn = reply.tasks?.[0]?.taskArn ?? "";
  await our.ecs.send(new StopTaskCommand({ task: arn }));
  await inStatus(our, arn, "STOPPED");
  expect((await our.ecs.send(new RunTaskCommand(fargate(taskDefinition)))).tasks).toHaveLength(1);
});

test("EC2: RESOURCE failures when no instance has room", async () => {
  const our = await fixture({ instances: [{ cpu: 512, memoryMiB: 600 }] });
  const taskDefinition = await register(our, [sleeper]);
  const run = () =>
    our.ecs.send(new RunTaskCommand(fargate(taskDefinition, { launchType: "EC2" })));
  expect((await run()).tasks).toMatchObject([
    { launchType: "EC2", containerInstanceArn: expect.stringContaining("container-instance/") },
  ]);
  expect((await run()).failures).toMatchObject([{ reason: "RESOURCE:MEMORY" }]);
});

test("a capacity provider with managed scaling lets tasks wait in PROVISIONING, to its quota", async () => {
  const our = await fixture({
    instances: [{ cpu: 256, memoryMiB: 512, capacityProvider: "asg" }],
    quotas: { provisioningTasks: 1 },
  });
  const taskDefinition = await register(our, [sleeper]);
  const input = fargate(taskDefinition, {
    capacityProviderStrategy: [{ capacityProvider: "asg", weight: 1 }],
  });
  const run = async () => (await our.ecs.send(new RunTaskCommand(input))).tasks?.[0]?.taskArn ?? "";
  const [first, second] = [await run(), await run()];
  await inStatus(our, first, "RUNNING");
  await expect(run()).rejects.toMatchObject({
    name: "ClientException",
    message: expect.stringContaining("PROVISIONING"),
  });
  expect((await inStatus(our, second, "PROVISIONING")).containerInstanceArn).toBeUndefined();
  await our.ecs.send(new StopTaskCommand({ task: first }));
  await inStatus(our, second, "RUNNING");
});

test("a ghost: failures, and yet a task with the same environment", async () => {
  const our = await fixture();
  const taskDefinition = await register(our, [sleeper]);
  our.fake.faults.script({ on: "RunTask", fault: "ghost", ms: 20 });
  const overrides = {
    containerOverrides: [{ name: "main", environment: [{ name: "GANTRY_POD_UID", value: "u" }] }],
  };
  const reply = await our.ecs.send(new RunTaskCommand(fargate(taskDefinition, { overrides })));
  expect(reply).toMatchObject({ tasks: [], failures: [{}] });
  const run = await until("ghost", () => our.fake.journal.runs[0]);
  expect(run).toMatchObject({ ghost: true, environment: { GANTRY_POD_UID: "u" } });
  expect(await inStatus(our, run.taskArn, "RUNNING")).toMatchObject({ startedBy: "gantry/test" });
});

test("MISSING after launch, and then not", async () => {
  const our = await fixture();
  const taskDefinition = await register(our, [sleeper]);
  our.fake.faults.script({ on: "task", fault: "missing", ms: 60_000 });
  const arn =
    (await our.ecs.send(new RunTaskCommand(fargate(taskDefinition)))).tasks?.[0]?.taskArn ?? "";
  const read = () => our.ecs.send(new DescribeTasksCommand({ tasks: [arn] }));
  expect(await read()).toMatchObject({ tasks: [], failures: [{ arn, reason: "MISSING" }] });
  our.fake.clock.advance(60_000);
  expect(await read()).toMatchObject({ tasks: [{ taskArn: arn }], failures: [] });
});
