// What the fake's own tests share: a fake with clients, a small task definition, and waiting for
// states.
import { GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  type ContainerDefinition,
  DescribeTasksCommand,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
  RunTaskCommand,
  type RunTaskCommandInput,
  type Task,
} from "@aws-sdk/client-ecs";
import { afterEach } from "vitest";
import { type Clients, clientsOf } from "./clients.ts";
import type { MovableClock } from "./clock.ts";
import { type FakeEcs, startFakeEcs } from "./fake-ecs.ts";
import type { FakeEcsOptions } from "./settings.ts";

export interface Fixture extends Clients {
  readonly fake: FakeEcs;
}

const open: Fixture[] = [];

afterEach(async () => {
  for (const fixture of open.splice(0)) {
    fixture.destroy();
    await fixture.fake.close();
  }
});

/** Closed after the test; without rate limits unless they are given. */
export const fixture = async (
  options: FakeEcsOptions = {},
  more: { readonly clock?: MovableClock; readonly maxAttempts?: number } = {},
): Promise<Fixture> => {
  const fake = await startFakeEcs({ rates: null, ...options }, more.clock);
  const made = { fake, ...clientsOf(fake, more) };
  open.push(made);
  return made;
};

export const shell = (
  script: string,
  more: Partial<ContainerDefinition> = {},
): ContainerDefinition => ({
  name: "main",
  image: "busybox:1.36",
  entryPoint: ["/bin/sh", "-c"],
  command: [script],
  essential: true,
  logConfiguration: {
    logDriver: "awslogs",
    options: {
      "awslogs-group": "gantry",
      "awslogs-region": "us-east-1",
      "awslogs-stream-prefix": "gantry",
      mode: "blocking",
    },
  },
  ...more,
});

export const definition = (
  containers: ContainerDefinition[],
  more: Partial<RegisterTaskDefinitionCommandInput> = {},
): RegisterTaskDefinitionCommandInput => ({
  family: "gantry-test",
  requiresCompatibilities: ["FARGATE"],
  networkMode: "awsvpc",
  cpu: "256",
  memory: "512",
  executionRoleArn: "arn:aws:iam::123456789012:role/execution",
  containerDefinitions: containers,
  ...more,
});

export const register = async (
  { ecs }: Clients,
  containers: ContainerDefinition[],
  more: Partial<RegisterTaskDefinitionCommandInput> = {},
): Promise<string> => {
  const reply = await ecs.send(new RegisterTaskDefinitionCommand(definition(containers, more)));
  return reply.taskDefinition?.taskDefinitionArn ?? "";
};

export const fargate = (
  taskDefinition: string,
  more: Partial<RunTaskCommandInput> = {},
): RunTaskCommandInput => ({
  taskDefinition,
  count: 1,
  startedBy: "gantry/test",
  ...(more.capacityProviderStrategy === undefined ? { launchType: "FARGATE" } : {}),
  networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1", "subnet-2"] } },
  ...more,
});

/** Runs one task of these containers and gives its ARN. */
export const start = async (
  clients: Clients,
  containers: ContainerDefinition[],
  more: Partial<RunTaskCommandInput> = {},
): Promise<string> => {
  const taskDefinition = await register(clients, containers, {
    family: `gantry-${Math.random().toString(36).slice(2)}`,
  });
  const reply = await clients.ecs.send(new RunTaskCommand(fargate(taskDefinition, more)));
  return reply.tasks?.[0]?.taskArn ?? "";
};

export const describeTask = async ({ ecs }: Clients, arn: string): Promise<Task | undefined> =>
  (await ecs.send(new DescribeTasksCommand({ tasks: [arn], include: ["TAGS"] }))).tasks?.[0];

const DEADLINE_MS = 20_000;

export const until = async <T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
): Promise<T> => {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

export const inStatus = (clients: Clients, arn: string, status: string): Promise<Task> =>
  until(`${arn} ${status}`, async () => {
    const task = await describeTask(clients, arn);
    return task?.lastStatus === status ? task : undefined;
  });

/** The lines of a container, once there is one. */
export const logOf = async (
  { logs }: Clients,
  arn: string,
  container = "main",
): Promise<string[]> => {
  const logStreamName = `gantry/${container}/${arn.split("/").at(-1)}`;
  return until("log", async () => {
    try {
      const reply = await logs.send(
        new GetLogEventsCommand({ logGroupName: "gantry", logStreamName, startFromHead: true }),
      );
      return reply.events?.map(({ message = "" }) => message);
    } catch (error) {
      if ((error as Error).name === "ResourceNotFoundException") return undefined;
      throw error;
    }
  });
};
