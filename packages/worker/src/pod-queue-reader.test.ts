// The reader of a queue of Pods: what it asks of the queue, and when.
import type { EndedJob, JobEnd, TakenPod } from "@gantry/store";
import { pino } from "pino";
import { afterEach, describe, expect, test } from "vitest";
import { PodQueueReader } from "./pod-queue-reader.ts";

class FakeQueue {
  readonly name = "pods";
  readonly waiting: string[] = [];
  readonly ended: EndedJob[] = [];
  calls = 0;
  broken = false;
  nextAtMs: number | null = null;

  async take(room: number, ended: readonly EndedJob[]) {
    this.calls += 1;
    if (this.broken) throw new Error("Connection is closed.");
    this.ended.push(...ended);
    const pods = this.waiting.splice(0, room).map((uid): TakenPod => {
      return { uid, namespace: "ns", name: uid, attempt: 1, pod: null };
    });
    return { pods, nextAtMs: this.nextAtMs };
  }

  async extend(): Promise<void> {}
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const until = async (holds: () => boolean): Promise<void> => {
  const deadline = Date.now() + 5_000;
  while (!holds() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(holds()).toBe(true);
};

const readers: PodQueueReader[] = [];
afterEach(async () => {
  await Promise.all(readers.splice(0).map((reader) => reader.close()));
});

const open = (concurrency = 2) => {
  const queue = new FakeQueue();
  const running = new Map<string, (end: JobEnd) => void>();
  const runs: string[] = [];
  const reader = new PodQueueReader({
    queue,
    concurrency,
    by: "n",
    run: ({ uid }) =>
      new Promise((resolve) => {
        runs.push(uid);
        running.set(uid, (end) => {
          running.delete(uid);
          resolve(end);
        });
      }),
    log: pino({ level: "silent" }),
    now: Date.now,
  });
  readers.push(reader);
  const done: JobEnd = { kind: "completed", result: null };
  const endAll = (): void => {
    for (const end of [...running.values()]) end(done);
  };
  return { queue, reader, running, runs, endAll, done };
};

describe("PodQueueReader", () => {
  test("takes what it has room for, and the next with the end of the last", async () => {
    const { queue, reader, running, endAll } = open(2);
    queue.waiting.push("a", "b", "c");
    reader.ring();
    await settled();
    expect([...running.keys()]).toEqual(["a", "b"]);
    expect(reader.room).toBe(0);
    const before = queue.calls;
    endAll();
    await settled();
    expect(queue.ended.map(({ uid }) => uid)).toEqual(["a", "b"]);
    expect([...running.keys()]).toEqual(["c"]);
    expect(queue.calls).toBe(before + 1);
    endAll();
  });

  test("tells who waits for room when there is some", async () => {
    const { queue, reader, endAll } = open(1);
    queue.waiting.push("a");
    reader.ring();
    await settled();
    let roomy = false;
    void reader.roomy().then(() => (roomy = true));
    await settled();
    expect(roomy).toBe(false);
    endAll();
    await settled();
    expect(roomy).toBe(true);
  });

  test("a job that is handed out again while it runs is run and ended once", async () => {
    const { queue, reader, runs, endAll } = open(3);
    queue.waiting.push("a", "a");
    reader.ring();
    await settled();
    endAll();
    await settled();
    expect(runs).toEqual(["a"]);
    expect(queue.ended).toHaveLength(1);
  });

  test("an end is told until the queue has heard it", async () => {
    const { queue, reader, endAll } = open();
    queue.waiting.push("a");
    reader.ring();
    await settled();
    queue.broken = true;
    endAll();
    await settled();
    expect(queue.ended).toEqual([]);
    queue.broken = false;
    await until(() => queue.ended.length === 1);
  });

  test("looks again when a delayed job is due", async () => {
    const { queue, reader, runs, endAll } = open();
    queue.nextAtMs = Date.now() + 30;
    reader.ring();
    await settled();
    queue.waiting.push("later");
    queue.nextAtMs = null;
    await until(() => runs.length === 1);
    endAll();
  });

  test("once stopped it takes nothing, and closing waits for what runs", async () => {
    const { queue, reader, running, endAll } = open();
    queue.waiting.push("a");
    reader.ring();
    await settled();
    reader.stop();
    queue.waiting.push("b");
    reader.ring();
    await settled();
    expect([...running.keys()]).toEqual(["a"]);
    let closed = false;
    const closing = reader.close().then(() => (closed = true));
    await settled();
    expect(closed).toBe(false);
    endAll();
    await closing;
    expect(queue.ended.map(({ uid }) => uid)).toEqual(["a"]);
    expect(queue.waiting).toEqual(["b"]);
  });
});
