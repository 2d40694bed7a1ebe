// The model that requests and answers are checked against, and the checks themselves.
import {
  ECSClient,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
} from "@aws-sdk/client-ecs";
import { expect, test } from "vitest";
import { fixture, fargate, register, shell } from "./fixture.ts";
import { check } from "./model/check.ts";
import { checkInputs, ModelViolation } from "./model/input-check.ts";
import { readOperation, structuresIn } from "./model/schema.ts";
import { serviceNames, services } from "./model/services.ts";
import { makeSnapshot, storedSnapshot } from "./model/snapshot.ts";

const snapshot = storedSnapshot();

test("the stored snapshot is what the installed clients give (npm run fake-ecs:model)", () => {
  expect(snapshot).toEqual(makeSnapshot());
});

test.each(serviceNames)("every schema that operations of %s can reach is readable", (name) => {
  for (const operation of services[name].operations) {
    const { input, output } = readOperation(services[name].exports, operation);
    expect(structuresIn(input).size + structuresIn(output).size).toBeGreaterThan(0);
  }
});

test("the snapshot has the enums that matter here", () => {
  const { enums, members, errors } = snapshot.ecs;
  expect(enums[members["Task.stopCode"] ?? ""]).toContain("SpotInterruption");
  expect(enums[members["ContainerDependency.condition"] ?? ""]).toEqual(
    ["COMPLETE", "HEALTHY", "START", "SUCCESS"].toSorted(),
  );
  expect(errors["RunTask"]).toContain("ConflictException");
  expect(snapshot.sqs.members["Message.Attributes"]).toBe("MessageSystemAttributeName");
});

const problemsOf = (input: unknown, form: "wire" | "client" = "wire") =>
  check(input, readOperation(services.ecs.exports, "RunTask").input, snapshot.ecs, form).map(
    ({ kind, path }) => [kind, path],
  );

test.each([
  [{ taskDefinition: "f:1" }, []],
  [{}, [["missing", "taskDefinition"]]],
  [{ taskDefinition: "f:1", bogus: 1 }, [["unknown", "bogus"]]],
  [{ taskDefinition: "f:1", count: "3" }, [["type", "count"]]],
  [{ taskDefinition: "f:1", launchType: "FARGATES" }, [["enum", "launchType"]]],
  [{ taskDefinition: "f:1", tags: {} }, [["type", "tags"]]],
  [
    { taskDefinition: "f:1", overrides: { containerOverrides: [{ name: "m", image: "x" }] } },
    [["unknown", "overrides.containerOverrides[0].image"]],
  ],
  [
    {
      taskDefinition: "f:1",
      networkConfiguration: { awsvpcConfiguration: { assignPublicIp: "YES" } },
    },
    [
      ["missing", "networkConfiguration.awsvpcConfiguration.subnets"],
      ["enum", "networkConfiguration.awsvpcConfiguration.assignPublicIp"],
    ],
  ],
])("RunTask input %j", (input, problems) => {
  expect(problemsOf(input)).toEqual(problems);
});

test("a timestamp is a number on the wire and a Date in the client; a blob is base64 or bytes", () => {
  const { output } = readOperation(services.ecs.exports, "DescribeTasks");
  const reply = (createdAt: unknown) => ({ tasks: [{ createdAt }] });
  expect(check(reply(1.5), output, snapshot.ecs, "wire")).toEqual([]);
  expect(check(reply(new Date()), output, snapshot.ecs, "client")).toEqual([]);
  expect(check(reply("2026-01-01"), output, snapshot.ecs, "wire")).toMatchObject([
    { kind: "type" },
  ]);
  const { input } = readOperation(services.sqs.exports, "SendMessage");
  const message = (BinaryValue: unknown) => ({
    QueueUrl: "u",
    MessageBody: "b",
    MessageAttributes: { a: { DataType: "Binary", BinaryValue } },
  });
  expect(check(message(new Uint8Array(1)), input, snapshot.sqs, "client")).toEqual([]);
  expect(check(message("AA=="), input, snapshot.sqs, "wire")).toEqual([]);
});

test("the SDK drops an unknown member in silence; the input check does not", async () => {
  const { fake, ecs } = await fixture();
  const bare = new ECSClient({
    endpoint: fake.endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "fake", secretAccessKey: "fake" },
  });
  const misspelt = { startedby: "x" } as object;
  expect((await bare.send(new ListTasksCommand(misspelt))).taskArns).toEqual([]);
  await expect(ecs.send(new ListTasksCommand(misspelt))).rejects.toThrow(ModelViolation);
  const seen: ModelViolation[] = [];
  const checked = checkInputs(bare, "ecs", (violation) => seen.push(violation));
  await expect(checked.send(new RunTaskCommand({} as never))).rejects.toThrow(
    "taskDefinition: required",
  );
  expect(seen).toMatchObject([{ operation: "RunTask" }]);
  expect(fake.journal.requests.map(({ operation }) => operation)).toEqual(["ListTasks"]);
  bare.destroy();
});

test("what gets to the wire and is not as the model says is refused and noted", async () => {
  const { fake } = await fixture();
  const send = (target: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(fake.endpoint, {
      method: "POST",
      body: JSON.stringify(body),
      headers: {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": `AmazonEC2ContainerServiceV20141113.${target}`,
        authorization: `AWS4-HMAC-SHA256 Credential=fake/20260101/us-east-1/ecs/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}`,
        ...headers,
      },
    }).then(async (reply) => [reply.status, ((await reply.json()) as { __type: string }).__type]);
  expect(await send("ListTasks", {})).toEqual([200, undefined]);
  expect(await send("ListTasks", { bogus: 1 })).toEqual([400, "SerializationException"]);
  expect(await send("RunTask", {})).toEqual([400, "InvalidParameterException"]);
  expect(fake.journal.violations).toHaveLength(2);
  expect(await send("CreateService", {})).toEqual([400, "UnknownOperationException"]);
  expect(await send("ListTasks", {}, { "content-type": "application/x-amz-json-1.0" })).toEqual([
    404,
    "UnknownOperationException",
  ]);
  expect(await send("ListTasks", {}, { authorization: "" })).toEqual([
    400,
    "MissingAuthenticationTokenException",
  ]);
});

test("an answer of the fake's own that is not as the model says ends with 500, and close throws", async () => {
  const our = await fixture();
  const taskDefinition = await register(our, [shell("true")]);
  const { tasks } = await our.ecs.send(new RunTaskCommand(fargate(taskDefinition)));
  const record = our.fake.tasks.record(tasks?.[0]?.taskArn ?? "");
  Object.assign(record?.task ?? {}, { invented: true });
  await expect(our.ecs.send(new RunTaskCommand(fargate(taskDefinition)))).resolves.toBeDefined();
  const { DescribeTasksCommand } = await import("@aws-sdk/client-ecs");
  const reading = our.ecs.send(new DescribeTasksCommand({ tasks: [record?.arn ?? ""] }));
  await expect(reading).rejects.toMatchObject({ name: "InternalFailure" });
  expect(our.fake.journal.defects[0]).toContain("invented");
  our.fake.journal.defects.length = 0;
});

test.each([
  [{ region: "eu-west-1" }, "InvalidSignatureException"],
  [{ key: "other" }, "UnrecognizedClientException"],
])("a request signed for %j: %s", async (more, name) => {
  const { clientsOf } = await import("./clients.ts");
  const { fake } = await fixture();
  const stranger = clientsOf(fake, more);
  await expect(
    stranger.ecs.send(new RegisterTaskDefinitionCommand({ family: "f", containerDefinitions: [] })),
  ).rejects.toMatchObject({ name });
  stranger.destroy();
});
