// CloudWatch Logs: pages, tokens, limits, empty pages, late lines.
import {
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
  type GetLogEventsCommandInput,
} from "@aws-sdk/client-cloudwatch-logs";
import { StopTaskCommand } from "@aws-sdk/client-ecs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MovableClock } from "./clock.ts";
import { Faults, profiles } from "./faults.ts";
import { fixture, type Fixture, inStatus, shell, start, until } from "./fixture.ts";
import { LogOperations } from "./logs/operations.ts";
import { LogStore } from "./logs/log-store.ts";
import { Chance } from "./random.ts";

const streamOf = (arn: string, container = "main"): string =>
  `gantry/${container}/${arn.split("/").at(-1)}`;

const ran = async (our: Fixture, script: string): Promise<string> => {
  const arn = await start(our, [shell(script, { stopTimeout: 2 })]);
  await inStatus(our, arn, "STOPPED");
  our.fake.clock.advance(1_000);
  return streamOf(arn);
};

const page = (our: Fixture, logStreamName: string, more: Partial<GetLogEventsCommandInput> = {}) =>
  our.logs.send(
    new GetLogEventsCommand({
      logGroupName: "gantry",
      logStreamName,
      startFromHead: true,
      ...more,
    }),
  );

/** All messages by following tokens until one comes back. */
const readAll = async (our: Fixture, stream: string, limit: number) => {
  const messages: string[] = [];
  let pages = 0;
  let nextToken: string | undefined;
  for (;;) {
    const reply = await page(our, stream, { limit, nextToken });
    pages += 1;
    messages.push(...(reply.events ?? []).map(({ message = "" }) => message));
    if (reply.nextForwardToken === nextToken) return { messages, pages };
    nextToken = reply.nextForwardToken;
  }
};

test("forward from the head to the token that comes back, with empty pages on the way", async () => {
  const our = await fixture();
  const stream = await ran(our, "for i in 1 2 3 4 5; do echo line $i; done");
  const lines = ["line 1", "line 2", "line 3", "line 4", "line 5"];
  expect(await readAll(our, stream, 2)).toEqual({ messages: lines, pages: 4 });
  our.fake.faults.script({ on: "logPage", fault: "emptyPage", times: 3 });
  expect(await readAll(our, stream, 2)).toEqual({ messages: lines, pages: 7 });
});

test("from the tail backward", async () => {
  const our = await fixture();
  const stream = await ran(our, "for i in 1 2 3; do echo $i; done");
  const last = await page(our, stream, { startFromHead: false, limit: 2 });
  expect(last.events?.map(({ message }) => message)).toEqual(["2", "3"]);
  const first = await page(our, stream, { nextToken: last.nextBackwardToken, limit: 2 });
  expect(first.events?.map(({ message }) => message)).toEqual(["1"]);
  const none = await page(our, stream, { nextToken: first.nextBackwardToken });
  expect(none).toMatchObject({ events: [], nextBackwardToken: first.nextBackwardToken });
});

test("a follower's token at the end gives the lines that come after it", async () => {
  const our = await fixture();
  const arn = await start(our, [
    shell("echo one; trap 'echo two; exit 0' TERM; while :; do sleep 0.01; done"),
  ]);
  const first = await until("one", () => page(our, streamOf(arn)).catch(() => undefined));
  expect(first.events).toHaveLength(1);
  const nextToken = first.nextForwardToken;
  expect(await page(our, streamOf(arn), { nextToken })).toMatchObject({
    events: [],
    nextForwardToken: nextToken,
  });
  await our.ecs.send(new StopTaskCommand({ task: arn }));
  await inStatus(our, arn, "STOPPED");
  our.fake.clock.advance(1_000);
  const rest = await page(our, streamOf(arn), { nextToken });
  expect(rest.events?.map(({ message }) => message)).toContain("two");
});

test("no stream before its first line; lines that are late come after STOPPED, with their own time", async () => {
  const our = await fixture();
  our.fake.faults.script({ on: "logStream", fault: "lateLines", ms: 30_000 });
  const arn = await start(our, [shell("echo late")]);
  const { stoppedAt } = await inStatus(our, arn, "STOPPED");
  await expect(page(our, streamOf(arn))).rejects.toMatchObject({
    name: "ResourceNotFoundException",
  });
  our.fake.clock.advance(31_000);
  const [event] = (await page(our, streamOf(arn))).events ?? [];
  expect(event?.message).toBe("late");
  expect(event?.timestamp).toBeLessThanOrEqual(stoppedAt?.getTime() ?? 0);
  expect(event?.ingestionTime).toBeGreaterThan(stoppedAt?.getTime() ?? Number.POSITIVE_INFINITY);
});

test("startTime includes, endTime excludes", async () => {
  const our = await fixture();
  const stream = await ran(our, "echo a; sleep 0.02; echo b; sleep 0.02; echo c");
  const all = (await page(our, stream)).events ?? [];
  const [, b, c] = all.map(({ timestamp }) => timestamp);
  expect(
    (await page(our, stream, { startTime: b, endTime: c })).events?.map(({ message }) => message),
  ).toEqual(["b"]);
});

test("refusals: tokens of others, expired tokens, limits, unknown groups", async () => {
  const our = await fixture();
  const stream = await ran(our, "echo a");
  const other = await ran(our, "echo b");
  const nextToken = (await page(our, stream)).nextForwardToken;
  const name = "InvalidParameterException";
  await expect(page(our, other, { nextToken })).rejects.toMatchObject({ name });
  await expect(page(our, stream, { nextToken: "x" })).rejects.toMatchObject({ name });
  await expect(page(our, stream, { limit: 10_001 })).rejects.toMatchObject({ name });
  await expect(page(our, stream, { logGroupName: "no" })).rejects.toMatchObject({
    name: "ResourceNotFoundException",
  });
  our.fake.clock.advance(24 * 3_600_000 + 1);
  await expect(page(our, stream, { nextToken })).rejects.toMatchObject({ name });
});

test("streams and groups are described; events are filtered across streams", async () => {
  const our = await fixture();
  const a = await ran(our, "echo error one; echo fine");
  const b = await ran(our, "echo an error two");
  const described = await our.logs.send(
    new DescribeLogStreamsCommand({
      logGroupName: "gantry",
      orderBy: "LastEventTime",
      descending: true,
    }),
  );
  expect(described.logStreams?.map(({ logStreamName }) => logStreamName)).toEqual([b, a]);
  const one = await our.logs.send(
    new DescribeLogStreamsCommand({ logGroupName: "gantry", logStreamNamePrefix: a }),
  );
  expect(one.logStreams).toHaveLength(1);
  const groups = await our.logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: "gan" }));
  expect(groups.logGroups).toMatchObject([{ logGroupName: "gantry" }]);
  const found: string[] = [];
  let nextToken: string | undefined;
  do {
    const reply = await our.logs.send(
      new FilterLogEventsCommand({
        logGroupName: "gantry",
        filterPattern: "error",
        limit: 1,
        nextToken,
      }),
    );
    found.push(...(reply.events ?? []).map(({ message = "" }) => message));
    nextToken = reply.nextToken;
  } while (nextToken !== undefined);
  expect(found).toEqual(["error one", "an error two"]);
  const both = our.logs.send(
    new FilterLogEventsCommand({
      logGroupName: "gantry",
      logStreamNames: [a],
      logStreamNamePrefix: "g",
    }),
  );
  await expect(both).rejects.toMatchObject({ name: "InvalidParameterException" });
});

test("a line longer than an event is cut; a page has at most 1 MB", async () => {
  const our = await fixture();
  const stream = await ran(
    our,
    "head -c 300000 /dev/zero | tr '\\0' x; for i in 1 2 3 4 5; do head -c 250000 /dev/zero | tr '\\0' y; echo; done",
  );
  const first = await page(our, stream);
  expect(first.events?.[0]?.message).toHaveLength(262_118);
  expect(first.events?.length).toBeLessThan(7);
  const { messages } = await readAll(our, stream, 10_000);
  expect(messages.join("")).toHaveLength(300_000 + 5 * 250_000);
});

test("property: whatever the limits, windows and empty pages, following tokens gives each event once", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 1, max: 7 }),
      fc.boolean(),
      fc.integer(),
      (count, limit, forward, seed) => {
        const clock = new MovableClock(1_000);
        const store = new LogStore(clock, 0);
        const faults = new Faults(
          { ...profiles.off, logPage: { emptyPage: 0.4 } },
          new Chance(seed),
        );
        const operations = new LogOperations(store, clock, faults);
        store.createGroup("g");
        store.append("g", "s", "first", 0);
        for (let i = 0; i < count; i += 1) {
          clock.advance(1);
          store.append("g", "s", String(i), 0);
        }
        const seen: string[] = [];
        let nextToken: string | undefined;
        for (let turn = 0; turn < 10_000; turn += 1) {
          const reply = operations.getLogEvents({
            logGroupName: "g",
            logStreamName: "s",
            startFromHead: forward,
            limit,
            nextToken,
          });
          const messages = reply.events.map(({ message }) => message);
          if (forward) seen.push(...messages);
          else seen.unshift(...messages);
          const next = forward ? reply.nextForwardToken : reply.nextBackwardToken;
          if (next === nextToken) break;
          nextToken = next;
        }
        expect(seen).toEqual(["first", ...Array.from({ length: count }, (_, i) => String(i))]);
      },
    ),
  );
});
