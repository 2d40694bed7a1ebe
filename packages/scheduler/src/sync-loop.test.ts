// The loop that takes keys and syncs them: what it asks of the workqueue, and when.
import type { TakenKey } from "@gantry/store";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { SyncLoop } from "./sync-loop.ts";

/** The workqueue's rules in memory, for one scheduler. */
class Queue {
  readonly waiting: string[] = [];
  readonly held = new Set<string>();
  readonly calls: string[] = [];
  broken = false;

  async take(room: number, done: readonly string[]): Promise<TakenKey[]> {
    this.calls.push(`take ${room} ${done.join()}`);
    if (this.broken) throw new Error("Connection is closed.");
    for (const key of done) this.held.delete(key);
    const taken = this.waiting.splice(0, room);
    for (const key of taken) this.held.add(key);
    return taken.map((key) => ({ key, readySinceMs: 0, takenAtMs: 0 }));
  }

  async sweep(held: readonly string[]) {
    this.calls.push(`sweep ${held.join()}`);
    return { givenBack: 0, put: 0 };
  }

  async leave(): Promise<void> {
    this.calls.push("leave");
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const open = (sync: (key: string) => Promise<void>, concurrency = 4) => {
  const queue = new Queue();
  const naps: { ms: number; end: () => void }[] = [];
  const loop = new SyncLoop({
    queue,
    sync,
    concurrency,
    context: { log: pino({ level: "silent" }), now: () => 0 },
    sleep: (ms) => new Promise((end) => naps.push({ ms, end })),
  });
  return { queue, loop, naps };
};

/** Syncs that end when the test says so. */
const manual = () => {
  const running = new Map<string, () => void>();
  let most = 0;
  const sync = (key: string): Promise<void> =>
    new Promise((end) => {
      running.set(key, () => {
        running.delete(key);
        end();
      });
      most = Math.max(most, running.size);
    });
  return { running, sync, most: () => most };
};

describe("SyncLoop", () => {
  test("takes what there is, and gives back what ended together in one call", async () => {
    const { running, sync } = manual();
    const { queue, loop } = open(sync);
    queue.waiting.push("a", "b");
    loop.ring();
    await settled();
    for (const end of [...running.values()]) end();
    await settled();
    expect(queue.calls).toEqual(["take 4 ", "take 4 a,b"]);
    expect(queue.held.size).toBe(0);
  });

  test("never has more under way than it may, and goes on as soon as one ends", async () => {
    const { running, sync, most } = manual();
    const { queue, loop } = open(sync, 2);
    queue.waiting.push("a", "b", "c", "d", "e");
    loop.ring();
    for (let n = 0; n < 5; n++) {
      await settled();
      const [end] = running.values();
      end?.();
    }
    await settled();
    expect(queue.waiting).toEqual([]);
    expect(running.size).toBe(0);
    expect(most()).toBe(2);
  });

  test("holds a key whose sync failed back, ever longer, and lets others have its place", async () => {
    let failing = true;
    const { queue, loop, naps } = open(async () => {
      if (failing) throw new Error("no");
    }, 1);
    queue.waiting.push("bad", "good");
    loop.ring();
    await settled();
    expect(queue.held).toEqual(new Set(["bad", "good"]));
    expect(naps.map(({ ms }) => ms)).toEqual([1_000, 1_000]);
    queue.waiting.push("bad");
    naps[0]?.end();
    await settled();
    expect(naps.at(-1)?.ms).toBe(2_000);
    failing = false;
    queue.waiting.push("bad");
    for (const { end } of naps) end();
    await settled();
    expect(queue.held.size).toBe(0);
  });

  test("a key that is handed out anew while it is synced is not synced twice at once", async () => {
    const { running, sync, most } = manual();
    const { queue, loop } = open(sync);
    queue.waiting.push("a", "a");
    loop.ring();
    await settled();
    expect(running.size).toBe(1);
    running.get("a")?.();
    await settled();
    running.get("a")?.();
    await settled();
    expect(most()).toBe(1);
    expect(queue.held.size).toBe(0);
  });

  test("a queue that does not answer is asked again, and nothing done is forgotten", async () => {
    const { running, sync } = manual();
    const { queue, loop, naps } = open(sync);
    queue.waiting.push("a");
    loop.ring();
    await settled();
    queue.broken = true;
    running.get("a")?.();
    await settled();
    expect(naps).toHaveLength(1);
    queue.broken = false;
    naps[0]?.end();
    await settled();
    expect(queue.held.size).toBe(0);
  });

  test("tells a sweep all that it holds", async () => {
    const { sync } = manual();
    const { queue, loop } = open(sync);
    queue.waiting.push("a", "b");
    loop.ring();
    await settled();
    await loop.sweep();
    expect(queue.calls).toContain("sweep a,b");
  });

  test("closing waits for what is under way, gives all back, and takes nothing more", async () => {
    const { running, sync } = manual();
    const { queue, loop } = open(sync);
    queue.waiting.push("a");
    loop.ring();
    await settled();
    queue.waiting.push("b");
    const closed = loop.close();
    loop.ring();
    await settled();
    expect(running.size).toBe(1);
    running.get("a")?.();
    await closed;
    expect(queue.calls.slice(-2)).toEqual(["take 0 a", "leave"]);
    expect(queue.waiting).toEqual(["b"]);
    expect(queue.held.size).toBe(0);
  });
});
