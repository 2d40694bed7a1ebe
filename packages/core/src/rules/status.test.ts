// Table tests of status.ts, by rule.
import { describe, expect, it } from "vitest";
import { START_MS, testJob, testPod } from "../../test/job-driver.ts";
import type { JobStatus } from "../job.ts";
import { viewJob } from "./job-view.ts";
import { nextStatus, sameStatus } from "./status.ts";

const settled = { untrack: [], succeeded: 0, failed: 0, policyActions: {} };
const parts = { conditions: [], startMs: START_MS, active: 0, ready: 0, terminating: 0 };

describe("section 12: the status as written", () => {
  it("omits zero counters and empty completedIndexes; shows ready, terminating and {}", () => {
    const view = viewJob(testJob(), [], START_MS);
    expect(nextStatus(view, settled, parts)).toEqual({
      startTime: "2026-11-23T08:00:00Z",
      terminating: 0,
      uncountedTerminatedPods: {},
      ready: 0,
    });
  });

  it("R64: failedIndexes is there from the first write, even empty", () => {
    const spec = { completionMode: "Indexed", completions: 2, backoffLimitPerIndex: 1 };
    const view = viewJob(testJob(spec), [], START_MS);
    expect(nextStatus(view, settled, parts)).toMatchObject({ failedIndexes: "" });
  });

  it("R15, R74: counters grow by what was settled", () => {
    const job = testJob();
    job.status = { succeeded: 2, failed: 1 };
    const view = viewJob(job, [testPod()], START_MS);
    const status = nextStatus(
      view,
      { ...settled, succeeded: 1, failed: 2 },
      { ...parts, active: 1 },
    );
    expect(status).toMatchObject({ active: 1, succeeded: 3, failed: 3 });
  });
});

describe("R39: whether anything changed", () => {
  const base: JobStatus = {
    startTime: "2026-11-23T08:00:00Z",
    active: 1,
    terminating: 0,
    ready: 0,
    uncountedTerminatedPods: {},
    conditions: [{ type: "Suspended", status: "False" }],
  };
  it.each<[string, JobStatus, boolean]>([
    ["the same", { ...base, conditions: [{ type: "Suspended", status: "False" }] }, true],
    ["0 is as absent", { ...base, failed: 0, completedIndexes: "" }, true],
    ["active", { ...base, active: 2 }, false],
    ["ready", { ...base, ready: 1 }, false],
    ["terminating for the first time", { ...base, terminating: undefined }, false],
    ["failedIndexes for the first time", { ...base, failedIndexes: "" }, false],
    ["uncounted Pods", { ...base, uncountedTerminatedPods: { failed: ["x"] } }, false],
    ["never tracked", { ...base, uncountedTerminatedPods: undefined }, false],
    ["a condition", { ...base, conditions: [{ type: "Suspended", status: "True" }] }, false],
    ["one condition more", { ...base, conditions: [] }, false],
    ["the start", { ...base, startTime: undefined }, false],
  ])("%s: %#", (_, stored, same) => {
    expect(sameStatus(stored, base)).toBe(same);
  });
});
