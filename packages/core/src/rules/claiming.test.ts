// Table tests of claiming.ts, by rule.
import { describe, expect, it } from "vitest";
import { JobDriver, START_MS, testPod } from "../../test/job-driver.ts";
import { claimPods } from "./claiming.ts";

const mine = testPod({ uid: "mine", name: "mine" });
const stranger = testPod({ uid: "s", name: "s" });
const orphan = testPod({ uid: "o", name: "o", job: undefined, tracked: false });
const deletion = { requestedAtMs: START_MS, graceSeconds: 1 };

const snapshot = (patch: object = {}) => ({
  ...new JobDriver().snapshot(),
  pods: [mine, stranger],
  orphans: [orphan],
  released: new Set(["s"]),
  ...patch,
});

describe("claiming", () => {
  it("R9: releases owned Pods whose labels no longer match, and ignores them", () => {
    const claim = claimPods(snapshot({ orphans: [] }));
    expect(claim.pods).toEqual([mine]);
    expect(claim.releases).toEqual([{ pod: stranger, release: true }]);
  });

  it("R10: adopts matching Pods that have no controller, as owned and tracked", () => {
    const claim = claimPods(snapshot());
    expect(claim.pods.at(-1)).toMatchObject({ uid: "o", tracked: true, job: { uid: "job-uid" } });
    expect(claim.adopted.get("o")).toBe(orphan);
  });

  it.each([
    ["R10: not one being deleted", { ...orphan, deletion }],
    ["R11: not one that another controls", { ...orphan, job: { name: "x", uid: "x" } }],
  ])("%s", (_, pod) => {
    const claim = claimPods(snapshot({ orphans: [pod] }));
    expect(claim.adopted.size).toBe(0);
    expect(claim.pods).toEqual([mine]);
  });

  it("R9, R10: a Job being deleted neither releases nor adopts", () => {
    const driver = new JobDriver();
    driver.deleteJob();
    const claim = claimPods(snapshot({ job: driver.job }));
    expect(claim).toEqual({ pods: [mine], adopted: new Map(), releases: [] });
  });
});
