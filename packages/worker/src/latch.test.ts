// What a latch promises those who wait for it.
import { describe, expect, test } from "vitest";
import { Latch, untilRaised } from "./latch.ts";

describe("a latch", () => {
  test("calls each that waits once, and those that come later at once", () => {
    const latch = new Latch();
    const calls: string[] = [];
    latch.whenRaised(() => calls.push("early"));
    expect([latch.raised, calls]).toEqual([false, []]);
    latch.raise();
    latch.raise();
    latch.whenRaised(() => calls.push("late"));
    expect([latch.raised, calls]).toEqual([true, ["early", "late"]]);
  });

  test("aborts its signal, asked for before or after", () => {
    const latch = new Latch();
    const early = latch.signal;
    expect(early.aborted).toBe(false);
    latch.raise();
    expect([early.aborted, latch.signal]).toEqual([true, early]);
    const other = new Latch();
    other.raise();
    expect(other.signal.aborted).toBe(true);
  });
});

describe("work until a latch is raised", () => {
  test("gives what the work gives, and its failure", async () => {
    const latch = new Latch();
    expect(await untilRaised(async () => 1, latch)).toBe(1);
    const failing = untilRaised(() => Promise.reject(new Error("no")), latch);
    await expect(failing).rejects.toThrow("no");
  });

  test("is left behind when it is raised meanwhile, and not begun after", async () => {
    const latch = new Latch();
    const left = untilRaised(() => new Promise<never>(() => {}), latch);
    latch.raise();
    expect(await left).toBeNull();
    let begun = false;
    const run = async (): Promise<void> => {
      begun = true;
    };
    expect(await untilRaised(run, latch)).toBeNull();
    expect(begun).toBe(false);
  });
});
