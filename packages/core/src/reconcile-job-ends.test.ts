// How Jobs end and what stays: rules that show only over several syncs.
import { describe, expect, it } from "vitest";
import { brief, JobDriver } from "../test/job-driver.ts";

describe("R66: backoffLimit beside backoffLimitPerIndex", () => {
  it("R66: the total of failed Pods still fails the Job", () => {
    const driver = new JobDriver({
      completionMode: "Indexed",
      completions: 4,
      parallelism: 4,
      backoffLimitPerIndex: 5,
      backoffLimit: 1,
    });
    driver.settle();
    driver.startAll();
    const [a, b] = driver.active;
    driver.end(a!, 1);
    driver.end(b!, 1);
    driver.settle();
    expect(brief(driver.status)["conditions"]).toEqual([
      "FailureTarget=True(BackoffLimitExceeded)",
    ]);
    expect(driver.status.failedIndexes).toBe("");
  });
});

describe("R75: terminal Events", () => {
  it("R75: come once, with the terminal condition and not with the interim one", () => {
    const driver = new JobDriver({ completions: 2, parallelism: 2, backoffLimit: 0 });
    driver.settle();
    driver.startAll();
    const [a, b] = driver.active;
    driver.end(a!, 1);
    driver.settle();
    const told = () => driver.events.filter(({ reason }) => reason === "BackoffLimitExceeded");
    expect(brief(driver.status)["conditions"]).toEqual([
      "FailureTarget=True(BackoffLimitExceeded)",
    ]);
    expect(told()).toEqual([]);
    driver.end(b!, 143);
    driver.settle();
    driver.settle();
    expect(driver.finished).toBe(true);
    const message = "Job has reached the specified backoff limit";
    expect(told()).toEqual([{ type: "Warning", reason: "BackoffLimitExceeded", message }]);
  });
});

describe("R82-R84: Pods that go and Pods that stay", () => {
  it("R82: one that vanished uncounted is replaced, and counts as nothing", () => {
    const driver = new JobDriver({ completions: 1 });
    driver.settle();
    driver.startAll();
    driver.pods.clear();
    driver.settle();
    expect(driver.active).toHaveLength(1);
    expect(driver.status.failed).toBeUndefined();
  });

  it("R83: deleting ended Pods of a Job that goes on changes no counter", () => {
    const driver = new JobDriver({ completions: 3 });
    driver.settle();
    driver.end(driver.active[0]!, 0);
    driver.settle();
    driver.advance(1_000);
    driver.end(driver.active[0]!, 1);
    driver.settle();
    const counters = () => [driver.status.succeeded, driver.status.failed];
    expect(counters()).toEqual([1, 1]);
    for (const pod of driver.pods.values()) driver.deletePod(pod);
    driver.settle();
    expect(driver.pods.size).toBe(0);
    expect(counters()).toEqual([1, 1]);
    driver.advance(10_000);
    expect(driver.active).toHaveLength(1);
  });

  it("R84: Pods that ended by themselves stay when the Job completes", () => {
    const driver = new JobDriver({ completions: 2, backoffLimit: 3 });
    driver.settle();
    driver.end(driver.active[0]!, 1);
    driver.settle();
    driver.advance(10_000);
    while (driver.active.length > 0) {
      driver.end(driver.active[0]!, 0);
      driver.settle();
    }
    expect(driver.finished).toBe(true);
    const left = [...driver.pods.values()].map(({ phase, deletion }) => [phase, deletion]);
    expect(left).toEqual([
      ["Failed", undefined],
      ["Succeeded", undefined],
      ["Succeeded", undefined],
    ]);
  });
});
