// Starts a fake: the servers of ECS, SQS and CloudWatch Logs on one port, and what stands behind
// them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MovableClock } from "./clock.ts";
import { Control } from "./control.ts";
import type { Account } from "./ecs/account.ts";
import { EcsContext } from "./ecs/ecs-context.ts";
import { TaskEvents } from "./ecs/events.ts";
import { RunTask } from "./ecs/run-task.ts";
import { Tasks } from "./ecs/tasks.ts";
import { Faults, type MetFault, type RequestFault } from "./faults.ts";
import { Journal } from "./journal.ts";
import { LogStore } from "./logs/log-store.ts";
import { LogOperations } from "./logs/operations.ts";
import { storedSnapshot } from "./model/snapshot.ts";
import { Chance } from "./random.ts";
import { RateLimits } from "./rates.ts";
import { Pipes } from "./run/pipes.ts";
import { type FakeEcsOptions, settle } from "./settings.ts";
import { SqsOperations } from "./sqs/operations.ts";
import { Queue } from "./sqs/queue.ts";
import type { Call } from "./wire/decode-request.ts";
import { WireServer } from "./wire/server.ts";

export interface FakeEcs {
  readonly endpoint: string;
  readonly queueUrl: string;
  /** What a process needs in its environment to find the fake with an unmodified SDK. */
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: MovableClock;
  /** What there is and what is allowed, to be changed at will. */
  readonly account: Account;
  readonly faults: Faults;
  readonly journal: Journal;
  /** Steers tasks by hand. */
  readonly tasks: Tasks;
  readonly queue: Queue;
  readonly deadLetters: Queue;
  /** Kills what runs, ends the servers, and throws if the fake itself did anything wrong. */
  close(): Promise<void>;
}

type Handler = (
  input: never,
  met: MetFault<RequestFault> | undefined,
  gone: AbortSignal,
) => unknown;

const handlersOf = (
  context: EcsContext,
  tasks: Tasks,
  logs: LogOperations,
  sqs: SqsOperations,
): Readonly<Record<string, Handler>> => {
  const { definitions } = context;
  const runTask = new RunTask(context, tasks);
  return {
    RunTask: (input, met) => runTask.run(input, met),
    DescribeTasks: (input) => tasks.describe(input),
    ListTasks: (input) => tasks.list(input),
    StopTask: (input) => tasks.stop(input),
    DescribeClusters: (input) => tasks.describeClusters(input),
    ListTagsForResource: (input) => tasks.listTags(input),
    TagResource: (input) => tasks.tag(input),
    UntagResource: (input) => tasks.untag(input),
    RegisterTaskDefinition: (input) => definitions.register(input),
    DescribeTaskDefinition: (input) => definitions.describe(input),
    DeregisterTaskDefinition: (input) => definitions.deregister(input),
    DeleteTaskDefinitions: (input) => definitions.delete(input),
    ListTaskDefinitions: (input) => definitions.list(input),
    ListTaskDefinitionFamilies: (input) => definitions.listFamilies(input),
    GetLogEvents: (input) => logs.getLogEvents(input),
    FilterLogEvents: (input) => logs.filterLogEvents(input),
    DescribeLogStreams: (input) => logs.describeLogStreams(input),
    DescribeLogGroups: (input) => logs.describeLogGroups(input),
    GetQueueUrl: (input) => sqs.getQueueUrl(input),
    GetQueueAttributes: (input) => sqs.getQueueAttributes(input),
    ReceiveMessage: (input, _, gone) => sqs.receiveMessage(input, gone),
    DeleteMessage: (input) => sqs.deleteMessage(input),
    DeleteMessageBatch: (input) => sqs.deleteMessageBatch(input),
    ChangeMessageVisibility: (input) => sqs.changeMessageVisibility(input),
    ChangeMessageVisibilityBatch: (input) => sqs.changeMessageVisibilityBatch(input),
    PurgeQueue: (input) => sqs.purgeQueue(input),
    SendMessage: (input) => sqs.sendMessage(input),
  };
};

export const startFakeEcs = async (
  options: FakeEcsOptions = {},
  clock = new MovableClock(),
): Promise<FakeEcs> => {
  const settings = settle(options);
  const { region, account, accessKeyId, queueName, timings } = settings;
  const directory = mkdtempSync(join(tmpdir(), "fake-ecs-"));
  const faults = new Faults(settings.faults, new Chance(settings.seed));
  const journal = new Journal(settings.journalFile);
  const rates = new RateLimits(settings.rates, clock);
  const logs = new LogStore(clock, timings.logMs);
  for (const group of settings.logGroups) logs.createGroup(group);
  const seconds = settings.visibilityTimeoutSeconds;
  const deadLetters = new Queue(`${queueName}-dlq`, seconds, clock, null);
  const redrive = { queue: deadLetters, maxReceives: settings.maxReceiveCount };
  const queue = new Queue(queueName, seconds, clock, redrive);
  const context = new EcsContext(settings, clock, faults, journal, rates);
  const events = new TaskEvents(clock, faults, settings, queue);
  let endpoint = "";
  const tasks: Tasks = new Tasks(context, {
    settings,
    clock,
    timings,
    faults,
    logs,
    directory,
    pipes: new Pipes(join(directory, "pipes")),
    capacity: context.capacity,
    metadataUri: () => `${endpoint}/v4`,
    emit: (record) => events.emit(record),
    ended: (record) => tasks.forgetLater(record),
  });
  const urlOf = (name: string): string => `${endpoint}/${account}/${name}`;
  const sqs = new SqsOperations(
    [queue, deadLetters],
    clock,
    urlOf,
    (name) => `arn:aws:sqs:${region}:${account}:${name}`,
  );
  const handlers = handlersOf(context, tasks, new LogOperations(logs, clock, faults), sqs);
  const control = new Control(context, tasks, clock);
  const server = new WireServer({
    identity: { region, accessKeyId },
    clock,
    faults,
    journal,
    rates,
    snapshot: storedSnapshot(),
    operations: {
      run: ({ operation, input }: Call, met, gone) =>
        handlers[operation]?.(input as never, met, gone),
      other: (method, path, body) => control.answer(method, path, body),
    },
  });
  const port = await server.listen(settings.host, settings.port);
  endpoint = `http://${settings.host}:${port}`;
  return {
    endpoint,
    queueUrl: urlOf(queueName),
    environment: {
      AWS_ENDPOINT_URL_ECS: endpoint,
      AWS_ENDPOINT_URL_SQS: endpoint,
      AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: "fake",
    },
    clock,
    account: context.account,
    faults,
    journal,
    tasks,
    queue,
    deadLetters,
    close: async () => {
      await tasks.close();
      await tasks.settled();
      clock.stop();
      await server.close();
      rmSync(directory, { recursive: true, force: true });
      const [defect] = journal.defects;
      if (defect !== undefined) {
        throw new Error(`${journal.defects.length} defects of the fake, first: ${defect}`);
      }
    },
  };
};
