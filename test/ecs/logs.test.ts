// Logs of tasks out of CloudWatch Logs: pages, ends, late lines, followers that share a cursor, and every option.
import type { Readable } from "node:stream";
import { type PodTask, TaskLogs } from "@gantry/worker/testing/ecs";
import { afterEach, describe, expect, test } from "vitest";
import { fixture, type Fixture, inStatus, shell, start, until } from "../fake-ecs/fixture.ts";

type Options = Parameters<TaskLogs["read"]>[1];

const pod = { namespace: "default", name: "pod-1", uid: "uid-1" };
const LINES_MAX = 100_000;

interface Bench extends Fixture {
  readonly logs_: TaskLogs;
  readonly tasks: PodTask[];
  taken: number;
  slowed: number;
  /** The whole text that a reader gets. */
  text(options?: Partial<Options>): Promise<string>;
  /** A follower, with what it has got so far. */
  follow(
    options?: Partial<Options>,
  ): Promise<{ text: () => string; stream: Readable; ended: Promise<void> }>;
  calls(): { startFromHead?: boolean; nextToken?: string; startTime?: number }[];
}

const benches: Bench[] = [];
afterEach(() => {
  for (const bench of benches.splice(0)) bench.logs_.close();
});

const bench = async (options: Parameters<typeof fixture>[0] = {}): Promise<Bench> => {
  const our = await fixture({ ...options, timings: { logMs: 0, ...options.timings } });
  const tasks: PodTask[] = [];
  const { clock } = our.fake;
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        cancel();
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const cancel = clock.after(ms, end);
      signal?.addEventListener("abort", end);
    });
  const made: Bench = {
    ...our,
    tasks,
    taken: 0,
    slowed: 0,
    logs_: new TaskLogs({
      client: our.logs,
      group: "gantry",
      streamPrefix: "gantry",
      limiter: {
        take: async () => void (made.taken += 1),
        slow: async () => void (made.slowed += 1),
      },
      clock: { nowMs: () => clock.nowMs(), sleep },
      tasksOf: async () => tasks,
    }),
    text: async (more = {}) => {
      let text = "";
      for await (const chunk of await made.logs_.read(pod, { container: "main", ...more })) {
        text += String(chunk);
        if (text.length > LINES_MAX * 20) throw new Error("endless");
      }
      return text;
    },
    follow: async (more = {}) => {
      const stream = await made.logs_.read(pod, { container: "main", follow: true, ...more });
      let text = "";
      stream.on("data", (chunk) => (text += String(chunk)));
      const ended = new Promise<void>((resolve, reject) => {
        stream.once("close", resolve);
        stream.once("error", reject);
      });
      return { text: () => text, stream, ended };
    },
    calls: () =>
      our.fake.journal.requests
        .filter(({ operation }) => operation === "GetLogEvents")
        .map(({ input }) => input as never),
  };
  benches.push(made);
  return made;
};

/** Starts a task of this script and makes it the Pod's latest. */
const launch = async (our: Bench, script: string): Promise<string> => {
  const arn = await start(our, [shell(script, { stopTimeout: 2 })]);
  our.tasks.push({ taskId: arn.split("/").at(-1) ?? "", attempt: our.tasks.length + 1 });
  return arn;
};

const ended = async (our: Bench, arn: string): Promise<void> => {
  const { stoppedAt } = await inStatus(our, arn, "STOPPED");
  const n = our.tasks.findIndex(({ taskId }) => arn.endsWith(taskId));
  const task = our.tasks[n];
  if (task !== undefined) our.tasks[n] = { ...task, stoppedAtMs: stoppedAt?.getTime() ?? 0 };
};

const ran = async (our: Bench, script: string): Promise<string> => {
  const arn = await launch(our, script);
  await ended(our, arn);
  our.fake.clock.advance(2_000);
  return arn;
};

/** Waits in real time while the clock of both sides is moved on. */
const passing = (our: Bench, what: string, holds: () => boolean): Promise<true> =>
  until(what, () => {
    if (holds()) return true;
    our.fake.clock.advance(500);
    return undefined;
  });

/** Prints a line for each file name that appears: `go 1` prints "1". */
const steps = (directory: string): string =>
  `n=1; while :; do if [ -e ${directory}/$n ]; then echo step $n; n=$((n+1)); fi; [ -e ${directory}/end ] && exit 0; sleep 0.01; done`;

const stepper = async (our: Bench) => {
  const { mkdtempSync, rmSync, writeFileSync } = await import("node:fs");
  const { join } = await import("node:path");
  const { tmpdir } = await import("node:os");
  const directory = mkdtempSync(join(tmpdir(), "gantry-log-steps-"));
  const arn = await launch(our, steps(directory));
  let at = 0;
  return {
    arn,
    step: () => writeFileSync(join(directory, String((at += 1))), ""),
    end: async () => {
      writeFileSync(join(directory, "end"), "");
      await ended(our, arn);
      rmSync(directory, { recursive: true });
    },
  };
};

describe("what is there", () => {
  test("ecs.md 5: forward to the token that comes back, past empty pages", async () => {
    const our = await bench();
    await ran(our, "for i in 1 2 3; do echo line $i; done");
    our.fake.faults.script({ on: "logPage", fault: "emptyPage", times: 2 });
    expect(await our.text()).toBe("line 1\nline 2\nline 3\n");
    expect(our.calls()).toHaveLength(4);
    expect(our.calls().every(({ startFromHead }) => startFromHead === true)).toBe(true);
    expect(our.taken).toBe(4);
  });

  test("more than a page has, forward and as a tail", async () => {
    const our = await bench();
    await ran(our, "i=0; while [ $i -lt 25000 ]; do echo $i; i=$((i+1)); done");
    const lines = (await our.text()).trimEnd().split("\n");
    expect(lines).toHaveLength(25_000);
    expect(lines.every((line, n) => line === String(n))).toBe(true);
    const tail = (await our.text({ tailLines: 15_000 })).trimEnd().split("\n");
    expect(tail).toEqual(lines.slice(-15_000));
    expect((await our.text({ tailLines: 100_000 })).length).toBe(lines.join("\n").length + 1);
  });

  test("tailLines reads from the end, past empty pages; 0 is nothing", async () => {
    const our = await bench();
    await ran(our, "for i in 1 2 3 4; do echo $i; done");
    our.fake.faults.script({ on: "logPage", fault: "emptyPage", times: 2 });
    expect(await our.text({ tailLines: 2 })).toBe("3\n4\n");
    expect(our.calls().every(({ startFromHead }) => startFromHead !== true)).toBe(true);
    expect(await our.text({ tailLines: 0 })).toBe("");
  });

  test("timestamps, sinceMs, limitBytes", async () => {
    const our = await bench();
    await ran(our, "echo a; sleep 0.05; echo b; printf c");
    const stamped = (await our.text({ timestamps: true })).trimEnd().split("\n");
    expect(stamped.map((line) => line.split(" ")[1])).toEqual(["a", "b", "c"]);
    expect(stamped[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000000Z a$/);
    const secondMs = Date.parse(stamped[1]?.split(" ")[0] ?? "");
    expect(await our.text({ sinceMs: secondMs })).toBe("b\nc\n");
    expect(await our.text({ sinceMs: secondMs + 0.5 })).not.toContain("a");
    expect(await our.text({ sinceMs: secondMs, tailLines: 5 })).toBe("b\nc\n");
    expect(await our.text({ limitBytes: 3 })).toBe("a\nb");
  });

  test("each container has its own stream", async () => {
    const our = await bench();
    const side = shell("echo side", { name: "side", essential: false });
    const arn = await start(our, [side, shell("sleep 0.1; echo main")]);
    our.tasks.push({ taskId: arn.split("/").at(-1) ?? "", attempt: 1 });
    await ended(our, arn);
    our.fake.clock.advance(1_000);
    expect(await our.text({ container: "side" })).toBe("side\n");
    expect(await our.text()).toBe("main\n");
  });

  test("a task without a line yet has an empty log; a Pod without a task has none", async () => {
    const our = await bench();
    await expect(our.text()).rejects.toThrow(
      'container "main" in pod "pod-1" is waiting to start: ContainerCreating',
    );
    await ran(our, "true");
    expect(await our.text()).toBe("");
    expect(await our.text({ tailLines: 3 })).toBe("");
  });

  test("previous is the task before, whatever the order they are told in", async () => {
    const our = await bench();
    await ran(our, "echo first");
    await expect(our.text({ previous: true })).rejects.toThrow(
      'previous terminated container "main" in pod "pod-1" not found',
    );
    await ran(our, "echo second");
    our.tasks.reverse();
    expect(await our.text({ previous: true })).toBe("first\n");
    expect(await our.text()).toBe("second\n");
  });
});

describe("faults of the service", () => {
  test("throttles, errors and dropped connections are waited out", async () => {
    const our = await bench();
    await ran(our, "echo here");
    for (const fault of ["throttle", "serverError", "unavailable", "dropBefore"] as const) {
      our.fake.faults.script({ on: "GetLogEvents", fault });
    }
    const reading = our.text();
    let text: string | undefined;
    void reading.then((got) => (text = got));
    await passing(our, "the text", () => text !== undefined);
    expect(text).toBe("here\n");
    expect(our.slowed).toBe(1);
  });

  test("a group that is not there and a role that may not read say so", async () => {
    const missing = await bench({ logGroups: ["other"] });
    missing.tasks.push({ taskId: "0".repeat(32), attempt: 1 });
    await expect(missing.text()).rejects.toThrow("the log group gantry does not exist");
    const denied = await bench();
    await ran(denied, "echo x");
    denied.fake.faults.script({ on: "GetLogEvents", fault: "accessDenied" });
    await expect(denied.text()).rejects.toThrow(/logs:GetLogEvents/);
  });
});

describe("follow", () => {
  test("ecs.md 5: from before the first line to 30 s after the stop, with lines that were late", async () => {
    const our = await bench();
    our.fake.faults.script({ on: "logStream", fault: "lateLines", ms: 25_000 });
    const arn = await launch(our, "echo late");
    const follower = await our.follow();
    await ended(our, arn);
    const { stoppedAtMs = 0 } = our.tasks[0] ?? {};
    let over = false;
    void follower.ended.then(() => (over = true));
    await passing(our, "the late line", () => follower.text() === "late\n");
    expect(over).toBe(false);
    await passing(our, "the end", () => over);
    expect(our.fake.clock.nowMs()).toBeGreaterThanOrEqual(stoppedAtMs + 30_000);
    expect(follower.text()).toBe("late\n");
  });

  test("a log that is over for long ends at once", async () => {
    const our = await bench();
    await ran(our, "echo old");
    our.fake.clock.advance(60_000);
    const follower = await our.follow();
    let over = false;
    void follower.ended.then(() => (over = true));
    await passing(our, "the end", () => over);
    expect(follower.text()).toBe("old\n");
  });

  test("1 s between looks at first, 5 s when nothing comes, 1 s again when something did", async () => {
    const our = await bench();
    const task = await stepper(our);
    task.step();
    const follower = await our.follow();
    await passing(our, "step 1", () => follower.text() === "step 1\n");
    const before = our.calls().length;
    const fromMs = our.fake.clock.nowMs();
    await passing(our, "30 s", () => our.fake.clock.nowMs() >= fromMs + 30_000);
    const quiet = our.calls().length - before;
    expect(quiet).toBeGreaterThanOrEqual(4);
    expect(quiet).toBeLessThanOrEqual(12);
    await task.end();
    let over = false;
    void follower.ended.then(() => (over = true));
    await passing(our, "the end", () => over);
  });

  test("several followers share one cursor, whenever they come; each gets every line once", async () => {
    const our = await bench();
    const task = await stepper(our);
    task.step();
    const first = await our.follow();
    await passing(our, "step 1", () => first.text() === "step 1\n");
    task.step();
    task.step();
    const whole = await our.follow();
    const tail = await our.follow({ tailLines: 1 });
    const fresh = await our.follow({ tailLines: 0 });
    await passing(our, "step 3", () => first.text().endsWith("step 3\n"));
    const before = our.calls().length;
    const fromMs = our.fake.clock.nowMs();
    await passing(our, "20 s", () => our.fake.clock.nowMs() >= fromMs + 20_000);
    // One cursor's looks, not four.
    expect(our.calls().length - before).toBeLessThanOrEqual(10);
    task.step();
    await passing(our, "step 4", () =>
      [first, whole, tail, fresh].every((one) => one.text().endsWith("step 4\n")),
    );
    const all = "step 1\nstep 2\nstep 3\nstep 4\n";
    expect(first.text()).toBe(all);
    expect(whole.text()).toBe(all);
    expect(tail.text()).toMatch(/^step \d\n/);
    expect(all.endsWith(tail.text())).toBe(true);
    expect(all.endsWith(fresh.text())).toBe(true);
    const before2 = our.calls().length;
    first.stream.destroy();
    await first.ended;
    task.step();
    await passing(our, "step 5", () => whole.text().endsWith("step 5\n"));
    expect(our.calls().length).toBeGreaterThan(before2);
    expect(first.text()).toBe(all);
    await task.end();
    await passing(our, "the ends", () => [whole, tail, fresh].every(({ stream }) => stream.closed));
    expect(whole.text()).toBe(`${all}step 5\n`);
  });

  test("an abort ends a follower and its looks, without an error", async () => {
    const our = await bench();
    const task = await stepper(our);
    const stop = new AbortController();
    const follower = await our.follow({ signal: stop.signal });
    task.step();
    await passing(our, "step 1", () => follower.text() === "step 1\n");
    stop.abort();
    await follower.ended;
    const before = our.calls().length;
    our.fake.clock.advance(20_000);
    await task.end();
    expect(our.calls().length).toBeLessThanOrEqual(before + 1);
  });

  test("limitBytes ends a follow; sinceMs keeps older lines out of it", async () => {
    const our = await bench();
    const task = await stepper(our);
    task.step();
    const limited = await our.follow({ limitBytes: 10 });
    const later = await our.follow({ sinceMs: our.fake.clock.nowMs() + 60_000 });
    task.step();
    await passing(our, "the limit", () => limited.stream.closed);
    expect(limited.text()).toBe("step 1\nste");
    our.fake.clock.advance(90_000);
    task.step();
    await passing(our, "step 3", () => later.text() !== "");
    expect(later.text()).toBe("step 3\n");
    await task.end();
    await passing(our, "the end", () => later.stream.closed);
  });

  test("a token lives 24 hours: a log that was silent for longer goes on without loss or repetition", async () => {
    const our = await bench();
    const task = await stepper(our);
    task.step();
    task.step();
    const follower = await our.follow();
    await passing(our, "step 2", () => follower.text() === "step 1\nstep 2\n");
    for (let day = 0; day < 2; day += 1) our.fake.clock.advance(25 * 3_600_000);
    const refused = (): number =>
      our.fake.journal.requests.filter(({ outcome }) => outcome === "InvalidParameterException")
        .length;
    await passing(our, "an expired token", () => refused() > 0);
    task.step();
    await passing(our, "step 3", () => follower.text().includes("step 3"));
    expect(follower.text()).toBe("step 1\nstep 2\nstep 3\n");
    await task.end();
    await passing(our, "the end", () => follower.stream.closed);
  });

  test("a follower of a log longer than is held reads it from its beginning", async () => {
    const our = await bench();
    const arn = await launch(
      our,
      `x=$(printf '%01000d' 0); i=0; while [ $i -lt 12000 ]; do echo $x$i; i=$((i+1)); done; sleep 0.5`,
    );
    await ended(our, arn);
    const follower = await our.follow();
    await passing(our, "the end", () => follower.stream.closed);
    const lines = follower.text().trimEnd().split("\n");
    expect(lines).toHaveLength(12_000);
    expect(lines.every((line, n) => line === `${"0".repeat(1000)}${n}`)).toBe(true);
  });

  test("a reader that stands still loses nothing", async () => {
    const our = await bench();
    const arn = await launch(
      our,
      `x=$(printf '%01000d' 0); i=0; while [ $i -lt 6000 ]; do echo $x$i; i=$((i+1)); [ $((i%100)) = 0 ] && sleep 0.02; done`,
    );
    const slow = await our.logs_.read(pod, { container: "main", follow: true });
    const fast = await our.follow();
    await ended(our, arn);
    await passing(our, "the fast one's end", () => fast.stream.closed);
    let text = "";
    slow.on("data", (chunk) => (text += String(chunk)));
    await passing(our, "the slow one's end", () => slow.closed);
    expect(text).toBe(fast.text());
    expect(text.trimEnd().split("\n")).toHaveLength(6_000);
  });
});
