// Task state change events, and the queue that they come through.
import { StopTaskCommand } from "@aws-sdk/client-ecs";
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { expect, test } from "vitest";
import { fixture, type Fixture, inStatus, logOf, shell, start, until } from "./fixture.ts";

interface Detail {
  readonly taskArn: string;
  readonly version: number;
  readonly lastStatus: string;
  readonly desiredStatus: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly stopCode?: string;
  readonly containers: { readonly exitCode?: number }[];
}

const detailOf = ({ Body = "" }: Message): Detail =>
  (JSON.parse(Body) as { detail: Detail }).detail;

/** Takes and deletes messages until one of a STOPPED task has come. */
const drain = async ({ sqs, fake }: Fixture): Promise<Detail[]> => {
  const details: Detail[] = [];
  await until("STOPPED event", async () => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: fake.queueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 1,
      }),
    );
    if (Messages.length === 0) return undefined;
    details.push(...Messages.map(detailOf));
    const Entries = Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: fake.queueUrl, Entries }));
    return details.some(({ lastStatus }) => lastStatus === "STOPPED") ? true : undefined;
  });
  return details;
};

test("each change is an event with a higher version, and ISO timestamps", async () => {
  const our = await fixture();
  const arn = await start(our, [shell("exit 4")]);
  const { Messages } = await our.sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: our.fake.queueUrl,
      WaitTimeSeconds: 5,
      VisibilityTimeout: 0,
    }),
  );
  expect(JSON.parse(Messages?.[0]?.Body ?? "")).toMatchObject({
    version: "0",
    "detail-type": "ECS Task State Change",
    source: "aws.ecs",
    account: "123456789012",
    region: "us-east-1",
    resources: [arn],
    detail: {
      taskArn: arn,
      clusterArn: "arn:aws:ecs:us-east-1:123456789012:cluster/default",
      startedBy: "gantry/test",
    },
  });
  const details = (await drain(our)).toSorted((a, b) => a.version - b.version);
  const versions = details.map(({ version }) => version);
  expect(new Set(versions).size).toBe(versions.length);
  const statuses = details.map(({ lastStatus }) => lastStatus);
  const order = [
    "PROVISIONING",
    "PENDING",
    "ACTIVATING",
    "RUNNING",
    "DEACTIVATING",
    "STOPPING",
    "DEPROVISIONING",
    "STOPPED",
  ];
  expect([...new Set(statuses)]).toEqual(order);
  expect(details.at(-1)).toMatchObject({
    stopCode: "EssentialContainerExited",
    containers: [{ exitCode: 4 }],
  });
  for (const { createdAt, updatedAt } of details) {
    expect(createdAt).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(updatedAt >= createdAt).toBe(true);
  }
});

test("a Spot interruption is told while the task runs; the exit code stays the program's own", async () => {
  const our = await fixture();
  const capacityProviderStrategy = [{ capacityProvider: "FARGATE_SPOT", weight: 1 }];
  const script = "trap 'sleep 0.05; exit 0' TERM; echo up; while :; do sleep 0.01; done";
  const arn = await start(our, [shell(script)], { capacityProviderStrategy });
  await logOf(our, arn);
  await inStatus(our, arn, "RUNNING");
  our.fake.tasks.interrupt(arn, "spot");
  const details = await drain(our);
  expect(details).toContainEqual(
    expect.objectContaining({
      lastStatus: "RUNNING",
      desiredStatus: "STOPPED",
      stopCode: "SpotInterruption",
    }),
  );
  const last = details.find(({ lastStatus }) => lastStatus === "STOPPED");
  expect(last).toMatchObject({
    stopCode: "SpotInterruption",
    stoppedReason: "Your Spot Task was interrupted.",
    containers: [{ exitCode: 0 }],
  });
});

test("a Spot task that does not end within the warning is killed; other tasks have no Spot fault", async () => {
  const our = await fixture({ timings: { spotWarningMs: 50 } });
  const stubborn = shell("trap '' TERM; echo up; while :; do sleep 0.01; done", {
    stopTimeout: 120,
  });
  const arn = await start(our, [stubborn], {
    capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1 }],
  });
  await logOf(our, arn);
  await inStatus(our, arn, "RUNNING");
  our.fake.tasks.interrupt(arn, "spot");
  expect((await inStatus(our, arn, "STOPPED")).containers).toMatchObject([{ exitCode: 137 }]);
  our.fake.faults.script({ on: "task", fault: "spot", ms: 1 });
  const onDemand = await inStatus(our, await start(our, [shell("sleep 0.05")]), "STOPPED");
  expect(onDemand.stopCode).toBe("EssentialContainerExited");
});

test.each([
  ["hostLoss", "TerminationNotice", undefined],
  ["maintenance", "InfrastructureHealth", 143],
  ["humanStop", "UserInitiated", 143],
  ["oom", "EssentialContainerExited", 137],
] as const)("%s: %s", async (fault, stopCode, exitCode) => {
  const our = await fixture();
  our.fake.faults.script({ on: "task", fault, ms: 10 });
  const arn = await start(our, [shell("exec sleep 1000")]);
  const task = await inStatus(our, arn, "STOPPED");
  expect(task.stopCode).toBe(stopCode);
  expect(task.containers?.[0]?.exitCode).toBe(exitCode);
  if (fault === "oom") expect(task.containers?.[0]?.reason).toMatch(/^OutOfMemoryError/);
});

test("a task that vanishes is MISSING, without an event, and nothing of it runs", async () => {
  const our = await fixture();
  our.fake.faults.script({ on: "task", fault: "vanish", ms: 0 });
  await start(our, [shell("exec sleep 1000")]);
  const run = await until("its end", () =>
    our.fake.journal.runs.find(({ endedAtMs }) => endedAtMs !== null),
  );
  expect(run.containers).toMatchObject([{ signal: "SIGKILL" }]);
  const bodies = our.fake.queue
    .take(100, 0)
    .map(({ body }) => (JSON.parse(body) as { detail: Detail }).detail);
  expect(bodies.filter(({ desiredStatus }) => desiredStatus === "STOPPED")).toEqual([]);
});

test("events that come twice, late, or never", async () => {
  const our = await fixture({ timings: { eventMs: 0 } });
  const { faults } = our.fake;
  faults.script({ on: "event", fault: "duplicate", match: '"lastStatus":"PENDING"', ms: 1 });
  faults.script({ on: "event", fault: "delay", match: '"lastStatus":"ACTIVATING"', ms: 50 });
  faults.script({ on: "event", fault: "lose", match: '"lastStatus":"DEACTIVATING"', times: 9 });
  const arn = await start(our, [shell("sleep 0.1; exit 0")]);
  await inStatus(our, arn, "STOPPED");
  await until("the late event", () => (our.fake.queue.counts().delayed === 0 ? true : undefined));
  const details: Detail[] = our.fake.queue
    .take(100, 60)
    .map(({ body }) => (JSON.parse(body) as { detail: Detail }).detail);
  expect(new Set(details.map(({ version }) => version)).size).toBe(details.length - 1);
  expect(details.some(({ lastStatus }) => lastStatus === "DEACTIVATING")).toBe(false);
  expect(faults.injected.map(({ fault }) => fault)).toEqual(
    expect.arrayContaining(["duplicate", "delay", "lose"]),
  );
});

test("a message that is not deleted comes again, and in the end goes to the dead letters", async () => {
  const our = await fixture({ visibilityTimeoutSeconds: 5, maxReceiveCount: 2 });
  const { sqs, fake } = our;
  const QueueUrl =
    (await sqs.send(new GetQueueUrlCommand({ QueueName: "gantry-events" }))).QueueUrl ?? "";
  expect(QueueUrl).toBe(fake.queueUrl);
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "m" }));
  const receive = async () =>
    (
      await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MessageSystemAttributeNames: ["ApproximateReceiveCount"],
        }),
      )
    ).Messages ?? [];
  const [first] = await receive();
  expect(first).toMatchObject({ Body: "m", Attributes: { ApproximateReceiveCount: "1" } });
  expect(await receive()).toEqual([]);
  fake.clock.advance(5_000);
  const [second] = await receive();
  expect(second).toMatchObject({ Body: "m", Attributes: { ApproximateReceiveCount: "2" } });
  expect(second?.ReceiptHandle).not.toBe(first?.ReceiptHandle);
  // The handle of an earlier receive deletes nothing.
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first?.ReceiptHandle }));
  fake.clock.advance(5_000);
  expect(await receive()).toEqual([]);
  expect(fake.deadLetters.counts().visible).toBe(1);
});

test("SQS's own refusals, its attributes, and its visibility", async () => {
  const { sqs, fake } = await fixture();
  const QueueUrl = fake.queueUrl;
  await expect(sqs.send(new GetQueueUrlCommand({ QueueName: "nothing" }))).rejects.toMatchObject({
    name: "QueueDoesNotExist",
  });
  await expect(
    sqs.send(new ReceiveMessageCommand({ QueueUrl: `${QueueUrl}x` })),
  ).rejects.toMatchObject({ name: "QueueDoesNotExist" });
  await expect(
    sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 11 })),
  ).rejects.toMatchObject({ name: "InvalidParameterValue" });
  await expect(
    sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: "x" })),
  ).rejects.toMatchObject({ name: "ReceiptHandleIsInvalid" });
  await expect(
    sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: [] })),
  ).rejects.toMatchObject({ name: "EmptyBatchRequest" });
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "m" }));
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  const attributes = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    }),
  );
  expect(attributes.Attributes).toEqual({
    ApproximateNumberOfMessages: "0",
    ApproximateNumberOfMessagesNotVisible: "1",
  });
  await sqs.send(
    new ChangeMessageVisibilityCommand({
      QueueUrl,
      ReceiptHandle: Messages?.[0]?.ReceiptHandle,
      VisibilityTimeout: 0,
    }),
  );
  expect((await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages).toHaveLength(1);
});

test("a long poll ends with the message; one whose caller has gone takes none", async () => {
  const { sqs, fake } = await fixture();
  const QueueUrl = fake.queueUrl;
  const waiting = sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
  await until("the poll", () =>
    fake.journal.requests.find(({ operation }) => operation === "ReceiveMessage"),
  );
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "1" }));
  expect((await waiting).Messages).toMatchObject([{ Body: "1" }]);
  const abandon = new AbortController();
  const abandoned = sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }), {
    abortSignal: abandon.signal,
  });
  await until("the second poll", () =>
    fake.journal.requests.filter(({ operation }) => operation === "ReceiveMessage").length === 2
      ? true
      : undefined,
  );
  abandon.abort();
  await expect(abandoned).rejects.toMatchObject({ name: "AbortError" });
  await until("its end", async () => {
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "2" }));
    return fake.queue.counts().visible > 0 ? true : undefined;
  });
});

test("StopTask's event says desired STOPPED before the task has stopped", async () => {
  const our = await fixture();
  const arn = await start(our, [
    shell("trap 'sleep 0.1; exit 0' TERM; echo up; while :; do sleep 0.01; done"),
  ]);
  await logOf(our, arn);
  await inStatus(our, arn, "RUNNING");
  await our.ecs.send(new StopTaskCommand({ task: arn, reason: "r" }));
  const details = await drain(our);
  expect(details).toContainEqual(
    expect.objectContaining({
      lastStatus: "RUNNING",
      desiredStatus: "STOPPED",
      stopCode: "UserInitiated",
    }),
  );
});
