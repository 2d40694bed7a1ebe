// Table tests of settle.ts, by rule.
import { describe, expect, it } from "vitest";
import { endedPod, runningPod, START_MS, testJob, testPod } from "../../test/job-driver.ts";
import type { PodRecord } from "../pod-record.ts";
import type { Verdict } from "./conditions.ts";
import { viewJob } from "./job-view.ts";
import { settle } from "./settle.ts";

const failing: Verdict = { type: "FailureTarget", reason: "R", message: "M" };
const succeeding: Verdict = { type: "SuccessCriteriaMet", reason: "R", message: "M" };
const deletion = { requestedAtMs: START_MS, graceSeconds: 30 };
const indexed = { completionMode: "Indexed", completions: 2 };

const ok = endedPod(0, START_MS, { uid: "ok" });
const bad = endedPod(1, START_MS, { uid: "bad" });
const busy = runningPod({ uid: "busy" });
const dying = runningPod({ uid: "dying", deletion });
const all = [ok, bad, busy, dying];

describe("R32, R38, R78: what is counted and let go", () => {
  it.each<[string, object, PodRecord[], Verdict | undefined, string[], number, number]>([
    ["R38: ended Pods", {}, all, undefined, ["ok", "bad", "dying"], 1, 2],
    [
      "R13: a dying one only when it has ended",
      { podReplacementPolicy: "Failed" },
      all,
      undefined,
      ["ok", "bad"],
      1,
      1,
    ],
    [
      "R32: a failing Job counts every other Pod as failed",
      { podReplacementPolicy: "Failed" },
      all,
      failing,
      ["ok", "bad", "busy", "dying"],
      1,
      3,
    ],
    [
      "R32: a succeeding Job counts those that had failed",
      {},
      all,
      succeeding,
      ["ok", "bad", "busy", "dying"],
      1,
      2,
    ],
    [
      "R32: and not those that end with it",
      { podReplacementPolicy: "Failed" },
      all,
      succeeding,
      ["ok", "bad", "busy", "dying"],
      1,
      1,
    ],
    [
      "R14: none twice",
      {},
      [
        { ...bad, tracked: false },
        { ...ok, tracked: false },
      ],
      undefined,
      [],
      0,
      0,
    ],
    [
      "R60: none without a valid index",
      indexed,
      [bad, { ...bad, uid: "b2", index: 2 }],
      undefined,
      ["bad", "b2"],
      0,
      0,
    ],
    [
      "R59: Indexed successes are counted by their index",
      indexed,
      [{ ...ok, index: 0 }],
      undefined,
      ["ok"],
      0,
      0,
    ],
  ])("%s", (_, spec, pods, verdict, untracked, succeeded, failed) => {
    const view = viewJob(testJob(spec), pods, START_MS);
    const settled = settle(view, verdict, new Set());
    expect(settled.untrack.map(({ uid }) => uid)).toEqual(untracked);
    expect(settled).toMatchObject({ succeeded, failed });
  });

  it("R50: an ignored failure is let go uncounted, and told to the metrics", () => {
    const rules = [{ action: "Ignore", onExitCodes: { operator: "In", values: [1] } }];
    const view = viewJob(testJob({ podFailurePolicy: { rules } }), [bad], START_MS);
    expect(settle(view, undefined, new Set())).toMatchObject({
      untrack: [bad],
      failed: 0,
      policyActions: { Ignore: 1 },
    });
  });

  it("R65: the failed Pod of an index in retry is held, until the Job ends", () => {
    const spec = { ...indexed, backoffLimitPerIndex: 3 };
    const view = viewJob(testJob(spec), [{ ...bad, index: 0 }], START_MS);
    expect(settle(view, undefined, new Set()).untrack).toEqual([]);
    expect(settle(view, failing, new Set())).toMatchObject({ failed: 1 });
  });

  it("R78: a Job being deleted lets all go, and counts those that ended", () => {
    const job = testJob({ podReplacementPolicy: "Failed" });
    job.metadata.deletionTimestamp = "2026-11-23T08:00:00Z";
    const settled = settle(viewJob(job, [...all, testPod()], START_MS), undefined, new Set());
    expect(settled.untrack).toHaveLength(5);
    expect(settled).toMatchObject({ succeeded: 1, failed: 1 });
  });

  it("R25: spares what it is told to", () => {
    const view = viewJob(testJob(), all, START_MS);
    expect(settle(view, failing, new Set([busy, dying])).untrack).toEqual([ok, bad]);
  });
});
