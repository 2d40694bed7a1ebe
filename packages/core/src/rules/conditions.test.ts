// R20, R36, R37 and the Suspended condition of R68-R70.
import { describe, expect, it } from "vitest";
import { START_MS, testJob } from "../../test/job-driver.ts";
import { trueCondition, withCondition } from "./conditions.ts";
import { decidedFailure, decidedSuccess, startOfEnding, terminalStatus } from "./finish.ts";
import { observeSuspension } from "./suspend.ts";

const since = "2026-11-23T08:00:00Z";
const set = { type: "X", status: "True" as const, reason: "R", message: "M" };
const written = { ...set, lastProbeTime: since, lastTransitionTime: since };

describe("R37: setting a condition", () => {
  it.each([
    ["adds it with both times", [], set, [written]],
    ["does not add a False one", [], { ...set, status: "False" as const }, []],
    [
      "turns one False in its place",
      [written, { type: "Y" }],
      { ...set, status: "False" as const },
      [{ ...written, status: "False" }, { type: "Y" }],
    ],
    ["rewrites it for another message", [{ ...written, message: "old" }], set, [written]],
  ])("%s", (_, before, next, after) => {
    expect(withCondition(before, next, START_MS + 999)).toEqual(after);
  });

  it("leaves the list alone when nothing differs", () => {
    const before = [{ ...written, lastTransitionTime: "2020-01-01T00:00:00Z" }];
    expect(withCondition(before, set, START_MS)).toBe(before);
  });
});

describe("R20, F1, F2: decided already", () => {
  it("a False condition doesn't count", () => {
    expect(trueCondition([{ type: "X", status: "False" }], "X")).toBeUndefined();
    const job = testJob();
    job.status = { conditions: [{ type: "FailureTarget", status: "False" }] };
    expect(decidedFailure(job)).toBeUndefined();
    expect(decidedSuccess(job)).toBeUndefined();
  });

  it("keeps reason and message", () => {
    const job = testJob();
    const told = { status: "True", reason: "R", message: "M" };
    job.status = { conditions: [{ type: "SuccessCriteriaMet", ...told }] };
    expect(decidedSuccess(job)).toEqual({
      type: "SuccessCriteriaMet",
      reason: "R",
      message: "M",
    });
  });
});

describe("R35, R36: the terminal condition", () => {
  const interim = { startTime: since, terminating: 0, ready: 0 };
  const verdict = { reason: "R", message: "M" };

  it("Complete has a completionTime, Failed none", () => {
    const complete = terminalStatus(
      interim,
      { type: "SuccessCriteriaMet", ...verdict },
      START_MS,
      START_MS,
    );
    expect(complete).toMatchObject({ completionTime: since, conditions: [{ type: "Complete" }] });
    const failed = terminalStatus(
      interim,
      { type: "FailureTarget", ...verdict },
      START_MS,
      START_MS,
    );
    expect(failed.conditions).toMatchObject([{ type: "Failed", ...verdict }]);
    expect(failed).not.toHaveProperty("completionTime");
  });

  it("never completes before its start, though the clock went back", () => {
    const early = terminalStatus(
      interim,
      { type: "SuccessCriteriaMet", ...verdict },
      START_MS,
      START_MS - 5000,
    );
    expect(early.completionTime).toBe(since);
  });

  it.each([
    [{}, START_MS, START_MS],
    [{}, undefined, START_MS],
    [{ suspend: true, completions: 3 }, undefined, START_MS],
    [{ suspend: true, completions: 0 }, undefined, undefined],
  ])("R19: %j started at %s ends with start %s", (spec, startMs, expected) => {
    expect(startOfEnding(testJob(spec), startMs, START_MS)).toBe(expected);
  });
});

describe("R68-R70: Suspended", () => {
  const suspendedTrue = {
    type: "Suspended",
    status: "True",
    reason: "JobSuspended",
    message: "Job suspended",
  };
  it("suspended: condition, event, no start", () => {
    const seen = observeSuspension(true, [], START_MS, START_MS);
    expect(seen.conditions).toMatchObject([suspendedTrue]);
    expect(seen.events).toEqual([
      { type: "Normal", reason: "Suspended", message: "Job suspended" },
    ]);
    expect(seen.startMs).toBeUndefined();
    const again = observeSuspension(true, seen.conditions, undefined, START_MS);
    expect(again.events).toEqual([]);
  });

  it("resumed: condition, event, a new start", () => {
    const seen = observeSuspension(false, [suspendedTrue], START_MS - 9000, START_MS + 500);
    expect(seen.conditions).toMatchObject([
      { type: "Suspended", status: "False", reason: "JobResumed", message: "Job resumed" },
    ]);
    expect(seen.events).toEqual([{ type: "Normal", reason: "Resumed", message: "Job resumed" }]);
    expect(seen.startMs).toBe(START_MS);
  });

  it("never suspended: no condition, no event, the same start", () => {
    expect(observeSuspension(false, [], START_MS, START_MS + 9000)).toEqual({
      conditions: [],
      events: [],
      startMs: START_MS,
    });
  });
});
