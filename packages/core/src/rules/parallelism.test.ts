// Table tests of parallelism.ts, by rule.
import { describe, expect, it } from "vitest";
import { testJob } from "../../test/job-driver.ts";
import { createCount, wantedActive } from "./parallelism.ts";

describe("R23: wanted active Pods", () => {
  it.each([
    ["suspended", { suspend: true, parallelism: 3, completions: 9 }, 2, 0, 0],
    ["a work queue before its first success", { parallelism: 3 }, 1, 0, 3],
    ["a work queue after it", { parallelism: 3 }, 2, 1, 2],
    ["all that parallelism allows", { parallelism: 3, completions: 9 }, 0, 0, 3],
    ["what is missing", { parallelism: 3, completions: 9 }, 0, 7, 2],
    ["never less than none", { parallelism: 3, completions: 2 }, 0, 5, 0],
    ["none", { parallelism: 0, completions: 2 }, 0, 0, 0],
  ])("%s", (_, spec, active, succeeded, wanted) => {
    expect(wantedActive(testJob(spec), active, succeeded)).toBe(wanted);
  });
});

describe("R27: Pods to create", () => {
  const policy = { podFailurePolicy: { rules: [] } };
  it.each([
    ["those missing", {}, 5, 2, 2, 3],
    [
      "podReplacementPolicy Failed: terminating ones keep their place",
      { podReplacementPolicy: "Failed" },
      5,
      2,
      2,
      1,
    ],
    ["podFailurePolicy: likewise", policy, 5, 2, 3, 0],
    ["never less than none", { podReplacementPolicy: "Failed" }, 2, 2, 2, 0],
  ])("%s", (_, spec, wanted, active, terminating, count) => {
    expect(createCount(testJob(spec), wanted, active, terminating)).toBe(count);
  });
});
