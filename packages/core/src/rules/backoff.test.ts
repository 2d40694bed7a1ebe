// Table tests of backoff.ts, by rule.
import { describe, expect, it } from "vitest";
import { endedPod, START_MS, testJob, testPod } from "../../test/job-driver.ts";
import { backoffDelayMs, createAgainAtMs, nextBackoff } from "./backoff.ts";

const { template } = testJob().spec;
const at = (seconds: number) => START_MS + seconds * 1000;
const failedAt = (seconds: number) => endedPod(1, at(seconds));
const succeededAt = (seconds: number) => endedPod(0, at(seconds));

describe("backoff", () => {
  it("R41: 10 s doubling to 600 s", () => {
    const delays = [0, 1, 2, 3, 4, 5, 6, 7, 8, 2000].map((n) => backoffDelayMs(n) / 1000);
    expect(delays).toEqual([0, 10, 20, 40, 80, 160, 320, 600, 600, 600]);
  });

  it.each([
    ["nothing", {}, [], [], undefined],
    ["a first failure", {}, [], [failedAt(5)], { failures: 1, lastFailureAtMs: at(5) }],
    [
      "R42: two at once",
      {},
      [],
      [failedAt(7), failedAt(5)],
      { failures: 2, lastFailureAtMs: at(7) },
    ],
    [
      "one more",
      { backoff: { failures: 2, lastFailureAtMs: at(3) } },
      [],
      [failedAt(9)],
      { failures: 3, lastFailureAtMs: at(9) },
    ],
    [
      "R41: a success resets",
      { backoff: { failures: 2, lastFailureAtMs: at(3) } },
      [succeededAt(9)],
      [],
      undefined,
    ],
    [
      "R41: only failures after the latest success count",
      {},
      [succeededAt(4), succeededAt(6)],
      [failedAt(5), failedAt(6), failedAt(8)],
      { failures: 1, lastFailureAtMs: at(8) },
    ],
    [
      "R41: in the second of the success is not after it",
      {},
      [endedPod(0, at(6) + 100)],
      [endedPod(1, at(6) + 900)],
      undefined,
    ],
    [
      "R41: a failure told late, from before a success that was counted",
      { lastSuccessAtMs: at(10) },
      [],
      [failedAt(9), failedAt(11)],
      { failures: 1, lastFailureAtMs: at(11) },
    ],
  ])("R41-R43: %s", (_, book, succeeded, failed, backoff) => {
    expect(nextBackoff(book, succeeded, failed, template).backoff).toEqual(backoff);
  });

  it("R28: creation waits for the delay after the last failure", () => {
    expect(createAgainAtMs({})).toBeUndefined();
    const backoff = { failures: 3, lastFailureAtMs: at(1) };
    expect(createAgainAtMs({ backoff })).toBe(at(41));
  });

  it("R44: a Pod that says nothing of its end ended when it was created", () => {
    const { backoff } = nextBackoff({}, [], [testPod({ phase: "Failed" })], template);
    expect(backoff).toEqual({ failures: 1, lastFailureAtMs: START_MS });
  });
});
