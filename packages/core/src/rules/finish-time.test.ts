// Table tests of finish-time.ts, by rule.
import { describe, expect, it } from "vitest";
import { START_MS, testJob, testPod } from "../../test/job-driver.ts";
import type { ContainerRecord } from "../pod-record.ts";
import { finishedAtMs } from "./finish-time.ts";

const { template } = testJob().spec;
const ended = (finishedAtMs_?: number): ContainerRecord => ({
  state: "terminated",
  exitCode: 1,
  restartCount: 0,
  ready: false,
  ...(finishedAtMs_ !== undefined && { finishedAtMs: finishedAtMs_ }),
});
const deletion = { requestedAtMs: START_MS + 7, graceSeconds: 30 };
const notReady = { ready: false, readyChangedAtMs: START_MS + 5 };

describe("R44: finish time, first available of", () => {
  it.each([
    ["(1) the latest end of all containers", { containers: [ended(3), ended(9)], ...notReady }, 9],
    [
      "(2) not while one runs",
      { containers: [ended(3), { ...ended(), state: "running" as const }], ...notReady, deletion },
      START_MS + 5,
    ],
    [
      "(2) nor when one does not say when",
      { containers: [ended(3), ended()], ...notReady },
      START_MS + 5,
    ],
    ["(3) the request for deletion", { deletion }, START_MS + 7],
    [
      "(3) a ready Pod has no time of Ready=False",
      { ...notReady, ready: true, deletion },
      START_MS + 7,
    ],
    ["(4) creation", {}, START_MS],
  ])("%s", (_, patch, expected) => {
    expect(finishedAtMs(testPod(patch), template)).toBe(expected);
  });

  it("(1) waits for init containers that restart always, and only for those", () => {
    const spec = {
      containers: [{ name: "c" }],
      initContainers: [{ name: "once" }, { name: "sidecar", restartPolicy: "Always" }],
    };
    const pod = testPod({ containers: [ended(3)], initContainers: [ended(99), ended(8)] });
    expect(finishedAtMs(pod, { spec })).toBe(8);
  });
});
