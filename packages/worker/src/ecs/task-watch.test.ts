// Which tasks are asked about, and that one bad task or cluster does not keep the others from being heard of.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RefusedCall } from "./ecs-api.ts";
import { type TaskNews, TaskWatch, type TaskWatchOptions } from "./task-watch.ts";

const SECOND_MS = 1_000;

let asked: { cluster: string; tasks: string[] }[];
let refuse: (cluster: string, tasks: readonly string[]) => string | undefined;
let watch: TaskWatch;
let news: Map<string, string[]>;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  news = new Map();
  refuse = () => undefined;
  const describe = ({ input }: { input: { cluster: string; tasks: string[] } }) => {
    asked.push(input);
    const why = refuse(input.cluster, input.tasks);
    if (why !== undefined) {
      const judged = { class: why, retry: "none", podReason: "", message: why } as never;
      throw new RefusedCall("DescribeTasks", judged, undefined);
    }
    return { tasks: input.tasks.map((taskArn) => ({ taskArn, lastStatus: "RUNNING" })) };
  };
  const options = {
    settings: { watch: { youngPollSeconds: 5, oldPollSeconds: 60, maxDescribeCallsPerSecond: 5 } },
    client: { send: async (command: never) => describe(command) },
    api: { once: (_name: string, _bucket: string, call: () => unknown) => call() },
    counters: { count: () => {} },
    log: { warn: () => {} },
    now: Date.now,
  } as unknown as TaskWatchOptions;
  watch = new TaskWatch(options);
});
afterEach(async () => {
  await watch.close();
  vi.useRealTimers();
});

const add = (arn: string, cluster = "one"): void => {
  const tell = (one: TaskNews): void => {
    news.set(arn, [...(news.get(arn) ?? []), one.kind]);
  };
  watch.add(arn, cluster, tell, true);
};

test("tasks that are due are asked about together, and again when they are due again", async () => {
  for (const arn of ["a", "b", "c"]) add(arn);
  await vi.advanceTimersByTimeAsync(SECOND_MS);
  expect(asked).toEqual([{ cluster: "one", tasks: ["a", "b", "c"] }]);
  await vi.advanceTimersByTimeAsync(5 * SECOND_MS);
  expect(asked).toHaveLength(2);
  expect(news.get("b")).toEqual(["task", "task"]);
});

test("what ECS takes for no task is told as missing, and the others are heard of", async () => {
  refuse = (_cluster, tasks) => (tasks.includes("bad") ? "permanent" : undefined);
  for (const arn of ["a", "bad", "b", "c", "d"]) add(arn);
  await vi.advanceTimersByTimeAsync(SECOND_MS);
  expect(Object.fromEntries(news)).toEqual({
    a: ["task"],
    b: ["task"],
    c: ["task"],
    d: ["task"],
    bad: ["missing"],
  });
});

test("a cluster that refuses does not keep another from being asked about", async () => {
  refuse = (cluster) => (cluster === "one" ? "operator" : undefined);
  add("a", "one");
  add("b", "two");
  await vi.advanceTimersByTimeAsync(SECOND_MS);
  expect(news.get("b")).toEqual(["task"]);
  expect(news.get("a")).toBeUndefined();
  refuse = () => undefined;
  await vi.advanceTimersByTimeAsync(2 * SECOND_MS);
  expect(news.get("a")).toEqual(["task"]);
});
