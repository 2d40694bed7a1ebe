import { describe, expect, it } from "vitest";
import { JobDriver } from "../../test/job-driver.ts";
import type { JobTally } from "../job-plan.ts";

const first = (driver: JobDriver) => driver.active[0]!;

describe("what a sync tells the metrics", () => {
  it.each<[string, Parameters<(typeof JobDriver.prototype)["edit"]>[0], string, string]>([
    ["R81: a Pod that was deleted", {}, "recreate_terminating_or_failed", "deleted"],
    ["a Pod that failed", {}, "recreate_terminating_or_failed", "failed"],
    ["R13: one that failed", { podReplacementPolicy: "Failed" }, "recreate_failed", "failed"],
  ])("%s, %j: %s", (_title, spec, reason, fate) => {
    const driver = new JobDriver({});
    driver.edit(spec);
    expect(driver.sync().tally).toMatchObject({ action: "pods_created", creation: "new" });
    driver.startAll();
    if (fate === "failed") driver.end(first(driver), 1);
    else driver.deletePod(first(driver));
    const plans: JobTally[] = [];
    driver.onPlan = ({ tally }) => plans.push(tally);
    driver.sync();
    driver.advance(10_000);
    const creations = plans.flatMap(({ creation }) => (creation === undefined ? [] : [creation]));
    expect(creations).toEqual([reason]);
  });

  it("R23: scaling down is pods_deleted, waiting is tracking", () => {
    const driver = new JobDriver({ completions: 4, parallelism: 2 });
    driver.settle();
    driver.startAll();
    expect(driver.sync().tally.action).toBe("tracking");
    driver.edit({ parallelism: 1 });
    expect(driver.sync().tally).toMatchObject({ action: "pods_deleted", endedPodsReleased: 0 });
  });

  it("R3, R4: a sync that is skipped has no action and counts nothing", () => {
    const driver = new JobDriver({ completions: 1 });
    driver.settle();
    driver.end(first(driver), 0);
    expect(driver.sync().tally).toEqual({
      action: "tracking",
      podsSucceeded: 1,
      podsFailed: 0,
      indexesSucceeded: 0,
      indexesFailed: 0,
      policyActions: {},
      endedPodsReleased: 1,
      finished: { result: "succeeded", reason: "CompletionsReached" },
    });
    const nothing = {
      podsSucceeded: 0,
      podsFailed: 0,
      indexesSucceeded: 0,
      indexesFailed: 0,
      policyActions: {},
      endedPodsReleased: 0,
    };
    expect(driver.sync().tally).toEqual(nothing);
    driver.edit({ managedBy: "example.com/other" });
    expect(driver.sync().tally).toEqual(nothing);
  });
});
