// Table tests of deletion-order.ts, by rule.
import { describe, expect, it } from "vitest";
import { runningPod, START_MS, testJob, testPod } from "../../test/job-driver.ts";
import type { PodRecord } from "../pod-record.ts";
import { compareForRemoval, podsToRemove } from "./deletion-order.ts";

const running = (name: string, patch: Partial<PodRecord> = {}) => runningPod({ name, ...patch });
const names = (pods: readonly PodRecord[]) => pods.map(({ name }) => name);
const container = { state: "running" as const, ready: true };

describe("R26: the first to go first", () => {
  const worn = { containers: [{ ...container, restartCount: 4 }] };
  it.each([
    ["without a node before bound", testPod(), testPod({ node: "n" })],
    ["Pending before Unknown", testPod({ node: "n" }), testPod({ node: "n", phase: "Unknown" })],
    [
      "Unknown before Running",
      testPod({ node: "n", phase: "Unknown" }),
      running("a", { ready: false }),
    ],
    ["not ready before ready", running("a", { ready: false }), running("b")],
    ["ready for a shorter time", running("a", { readyChangedAtMs: START_MS + 9 }), running("b")],
    ["more restarts", running("a", worn), running("b")],
    ["newer", running("a", { createdAtMs: START_MS + 1 }), running("b")],
    ["by name, when all else is equal", running("a"), running("b")],
  ])("%s", (_, first, second) => {
    expect(compareForRemoval(first, second)).toBeLessThan(0);
    expect(compareForRemoval(second, first)).toBeGreaterThan(0);
  });
});

describe("R24: what to delete", () => {
  const job = testJob({ completionMode: "Indexed", completions: 3 });

  it("the lowest ranked, as many as must", () => {
    const pods = [running("a"), testPod({ name: "b" }), running("c", { ready: false })];
    expect(names(podsToRemove(testJob(), pods, 2))).toEqual(["b", "c"]);
    expect(podsToRemove(testJob(), pods, -1)).toEqual([]);
  });

  it("Indexed: Pods without an index, beyond completions, and all but the best of an index", () => {
    const pods = [
      running("none"),
      running("beyond", { index: 3 }),
      running("best", { index: 1 }),
      testPod({ name: "pending", index: 1 }),
      running("unready", { index: 1, ready: false }),
      running("alone", { index: 0 }),
    ];
    expect(names(podsToRemove(job, pods, 0)).sort()).toEqual([
      "beyond",
      "none",
      "pending",
      "unready",
    ]);
    expect(names(podsToRemove(job, pods.toReversed(), 0)).sort()).toEqual([
      "beyond",
      "none",
      "pending",
      "unready",
    ]);
  });

  it("Indexed: then more in R26's order", () => {
    const pods = [
      running("x", { index: 7 }),
      running("a", { index: 0 }),
      testPod({ name: "b", index: 1 }),
    ];
    expect(names(podsToRemove(job, pods, 2))).toEqual(["x", "b"]);
  });
});
