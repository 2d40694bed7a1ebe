// Faults of requests, by script and by seed, as the unmodified SDK meets them; rates; the journal
// under faults.
import {
  DescribeTasksCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
} from "@aws-sdk/client-ecs";
import { GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MovableClock } from "./clock.ts";
import { Faults, profiles, type RequestFault } from "./faults.ts";
import { definition, fargate, fixture, register, shell, until } from "./fixture.ts";
import { Chance } from "./random.ts";
import { documentedRates, RateLimits } from "./rates.ts";

const sleeper = shell("exec sleep 1000", { stopTimeout: 2 });

const refusals: [RequestFault, string, string | RegExp][] = [
  ["throttle", "ThrottlingException", "Rate exceeded"],
  [
    "subnetThrottle",
    "InvalidParameterException",
    "Error retrieving subnet information for [subnet-1, subnet-2]: Rate exceeded (ErrorCode: Throttling)",
  ],
  ["provisioningQuota", "ClientException", /PROVISIONING/],
  ["serverError", "ServerException", /try again/],
  ["accessDenied", "AccessDeniedException", /not authorized/],
  ["blocked", "BlockedException", /blocked/],
  ["unavailable", "", ""],
  ["dropBefore", "", /socket hang up|ECONNRESET/],
];

test.each(refusals)("RunTask %s: refused, and nothing was done", async (fault, name, message) => {
  const our = await fixture();
  const taskDefinition = await register(our, [sleeper]);
  our.fake.faults.script({ on: "RunTask", fault });
  const error = await our.ecs
    .send(new RunTaskCommand(fargate(taskDefinition)))
    .catch((reason: Error) => reason);
  if (name !== "") expect((error as Error).name).toBe(name);
  expect((error as Error).message).toMatch(message);
  expect(our.fake.journal.runs).toEqual([]);
  expect(our.fake.faults.injected).toMatchObject([{ on: "RunTask", fault }]);
});

test.each(["serverErrorAfterCommit", "dropAfter"] as const)(
  "RunTask %s: an error, and yet a task, which the token gives",
  async (fault) => {
    const our = await fixture();
    const taskDefinition = await register(our, [sleeper]);
    our.fake.faults.script({ on: "RunTask", fault });
    const input = fargate(taskDefinition, { clientToken: "t.1" });
    await expect(our.ecs.send(new RunTaskCommand(input))).rejects.toBeInstanceOf(Error);
    const again = await our.ecs.send(new RunTaskCommand(input));
    expect(our.fake.journal.runs.map(({ taskArn }) => taskArn)).toEqual([
      again.tasks?.[0]?.taskArn,
    ]);
  },
);

test("the SDK's own retries of a dropped connection carry the token that it made up", async () => {
  const our = await fixture({}, { maxAttempts: 3 });
  const taskDefinition = await register(our, [sleeper]);
  our.fake.faults.script({ on: "RunTask", fault: "dropAfter", times: 2 });
  const reply = await our.ecs.send(new RunTaskCommand(fargate(taskDefinition)));
  expect(reply.tasks).toHaveLength(1);
  expect(our.fake.journal.runs).toHaveLength(1);
  const outcomes = our.fake.journal.requests
    .filter(({ operation }) => operation === "RunTask")
    .map(({ outcome }) => outcome);
  expect(outcomes).toEqual(["dropped", "dropped", "200"]);
});

test("a late reply comes late, though the task was made at once", async () => {
  const our = await fixture();
  const taskDefinition = await register(our, [sleeper]);
  our.fake.faults.script({ on: "RunTask", fault: "lateReply", ms: 60_000 });
  const late = our.ecs.send(new RunTaskCommand(fargate(taskDefinition)));
  await until("the task", () => our.fake.journal.runs[0]);
  expect(await Promise.race([late, Promise.resolve("nothing yet")])).toBe("nothing yet");
  our.fake.clock.advance(60_000);
  expect((await late).tasks).toHaveLength(1);
});

test("throttles of the other services and operations have their own names", async () => {
  const our = await fixture();
  our.fake.faults.script({ on: "RegisterTaskDefinition", fault: "familyThrottle" });
  our.fake.faults.script({ on: "RegisterTaskDefinition", fault: "limitExceeded" });
  our.fake.faults.script({ on: "ReceiveMessage", fault: "throttle" });
  our.fake.faults.script({ on: "GetLogEvents", fault: "throttle" });
  our.fake.faults.script({ on: "GetLogEvents", fault: "serverError" });
  const send = () => our.ecs.send(new RegisterTaskDefinitionCommand(definition([sleeper])));
  await expect(send()).rejects.toMatchObject({
    name: "ClientException",
    message: expect.stringContaining("Too many concurrent attempts"),
  });
  await expect(send()).rejects.toMatchObject({ name: "LimitExceededException" });
  await expect(
    our.sqs.send(new ReceiveMessageCommand({ QueueUrl: our.fake.queueUrl })),
  ).rejects.toMatchObject({ name: "RequestThrottled" });
  const read = () =>
    our.logs.send(new GetLogEventsCommand({ logGroupName: "gantry", logStreamName: "s" }));
  await expect(read()).rejects.toMatchObject({ name: "ThrottlingException" });
  await expect(read()).rejects.toMatchObject({ name: "ServiceUnavailableException" });
});

test("a script with a match waits for its request", async () => {
  const our = await fixture();
  our.fake.faults.script({ on: "ListTasks", fault: "throttle", match: "gantry/b" });
  await our.ecs.send(new ListTasksCommand({ startedBy: "gantry/a" }));
  await expect(our.ecs.send(new ListTasksCommand({ startedBy: "gantry/b" }))).rejects.toMatchObject(
    { name: "ThrottlingException" },
  );
  await our.ecs.send(new ListTasksCommand({ startedBy: "gantry/b" }));
});

test("property: faults by seed hang on the seed and the name, not on the order of requests", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.uniqueArray(fc.string(), { minLength: 2, maxLength: 20 }),
      (seed, names) => {
        const faultsOf = (order: readonly string[]) => {
          const faults = new Faults(profiles.wild, new Chance(seed));
          return Object.fromEntries(
            order.map((name) => [name, faults.ofRequest("ecs", "RunTask", name, {})]),
          );
        };
        expect(faultsOf(names)).toEqual(faultsOf(names.toReversed()));
      },
    ),
  );
});

test("off has no faults; wild has each kind of RunTask's within some thousand tries", () => {
  const kinds = (profile: keyof typeof profiles): Set<string> => {
    const faults = new Faults(profiles[profile], new Chance(1));
    for (let i = 0; i < 3_000; i += 1) faults.ofRequest("ecs", "RunTask", String(i), {});
    return new Set(faults.injected.map(({ fault }) => fault));
  };
  expect(kinds("off").size).toBe(0);
  expect(kinds("wild")).toEqual(new Set(Object.keys(profiles.wild.runTask)));
});

test("rates: a burst of RunTask is 20, refilled by 20 a second; the modify bucket of definitions by 1", async () => {
  const clock = new MovableClock(0);
  const our = await fixture({ rates: documentedRates, quotas: { fargateVcpu: 1_000 } }, { clock });
  const throttledIn = async (count: number, send: () => Promise<unknown>): Promise<number> => {
    let throttled = 0;
    for (let i = 0; i < count; i += 1) {
      await send().catch((error: Error) => {
        expect(error).toMatchObject({ name: "ThrottlingException", message: "Rate exceeded" });
        throttled += 1;
      });
    }
    return throttled;
  };
  const taskDefinition = await register(our, [sleeper]);
  const run = () => our.ecs.send(new RunTaskCommand(fargate(taskDefinition)));
  expect(await throttledIn(25, run)).toBe(5);
  clock.advance(500);
  expect(await throttledIn(12, run)).toBe(2);
  let family = 0;
  const define = () =>
    our.ecs.send(
      new RegisterTaskDefinitionCommand(definition([sleeper], { family: `f${family++}` })),
    );
  clock.advance(60_000);
  expect(await throttledIn(21, define)).toBe(1);
  clock.advance(1_000);
  expect(await throttledIn(2, define)).toBe(1);
});

test("property: a bucket never gives more than its burst and its refill", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 200 }), (gapsMs) => {
      const clock = new MovableClock(0);
      const limits = new RateLimits(documentedRates, clock);
      let taken = 0;
      for (const gapMs of gapsMs) {
        clock.advance(gapMs);
        if (limits.take("definitionModify")) taken += 1;
      }
      expect(taken).toBeLessThanOrEqual(20 + clock.nowMs() / 1000);
    }),
  );
});

test("under wild faults a token starts one task at most beside ghosts, and the fake does nothing wrong", async () => {
  const our = await fixture({
    faults: "wild",
    seed: 7,
    quotas: { fargateVcpu: 1_000, fargateSpotVcpu: 1_000 },
  });
  const define = () =>
    our.ecs.send(new RegisterTaskDefinitionCommand(definition([shell("exit $CODE")])));
  const taskDefinition = await until("a definition", () =>
    define().then(
      (reply) => reply.taskDefinition?.taskDefinitionArn,
      () => undefined,
    ),
  );
  const one = async (index: number): Promise<void> => {
    const input = fargate(taskDefinition, {
      clientToken: `uid-${index}.1`,
      overrides: {
        containerOverrides: [
          {
            name: "main",
            environment: [
              { name: "CODE", value: String(index % 3) },
              { name: "GANTRY_POD_UID", value: `uid-${index}` },
            ],
          },
        ],
      },
    });
    for (let attempt = 0; attempt < 50; attempt += 1) {
      const reply = await our.ecs.send(new RunTaskCommand(input)).catch(() => undefined);
      if (reply !== undefined) return;
    }
    throw new Error(`uid-${index}: no answer`);
  };
  const COUNT = 120;
  for (let index = 0; index < COUNT; index += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, i) => one(index + i)));
  }
  const { journal, tasks, faults, clock } = our.fake;
  faults.seeded = false;
  // Whatever comes late comes now, the ghosts above all.
  clock.advance(2_000);
  const stuck = (arn: string): boolean => tasks.record(arn)?.fault?.fault === "stuck";
  await until("all but the stuck to end", () =>
    journal.live().every(({ taskArn }) => stuck(taskArn)) ? true : undefined,
  );
  for (const { taskArn } of journal.live()) tasks.interrupt(taskArn, "humanStop");
  await tasks.settled();
  const tokens = journal.runs.map(({ clientToken }) => clientToken);
  expect(new Set(tokens).size).toBe(tokens.length);
  expect(tokens.length).toBeGreaterThan(COUNT / 2);
  expect(journal.live()).toEqual([]);
  for (const { stopCode, containers, environment } of journal.runs) {
    if (stopCode === "EssentialContainerExited")
      expect(containers[0]?.exitCode).toBe(Number(environment["CODE"]));
  }
  expect(journal.runs.some(({ ghost }) => ghost)).toBe(true);
  expect(faults.injected.map(({ on }) => on)).toEqual(
    expect.arrayContaining(["RunTask", "task", "event"]),
  );
  expect(journal.defects).toEqual([]);
  await expect(
    our.ecs.send(new DescribeTasksCommand({ tasks: [journal.runs[0]?.taskArn ?? ""] })),
  ).resolves.toBeDefined();
});
