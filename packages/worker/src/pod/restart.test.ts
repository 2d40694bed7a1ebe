// Restart decisions and back-off as tables.
import { expect, test } from "vitest";
import { kubeletBackoff, RestartBackoff, shouldRestart } from "./restart.ts";

test.each([
  ["Never", undefined, false, 1, false],
  ["OnFailure", undefined, false, 1, true],
  ["OnFailure", undefined, false, 0, false],
  ["Always", undefined, false, 0, true],
  ["Always", undefined, true, 0, false],
  ["Always", undefined, true, 1, true],
  ["Never", "OnFailure", false, 1, true],
  ["Always", "Never", false, 1, false],
])("R46: Pod %s, container %s, to success %s, exit %i: %s", (...row) => {
  const [podPolicy, containerPolicy, runsToSuccess, exitCode, expected] = row;
  const behaviour = { podPolicy, containerPolicy, runsToSuccess };
  expect(shouldRestart(behaviour, exitCode)).toBe(expected);
});

test.each([
  ["In", 42, true],
  ["In", 1, false],
  ["NotIn", 42, false],
  ["NotIn", 1, true],
])("restartPolicyRules: exit codes %s [42], exit %i: %s", (operator, exitCode, expected) => {
  const rules = [{ operator, values: [42] }];
  expect(
    shouldRestart(
      { podPolicy: "Never", containerPolicy: "Never", rules, runsToSuccess: false },
      exitCode,
    ),
  ).toBe(expected);
});

test("R46: at once, then 10 s doubling to 300 s, and from the beginning after 10 min of running", () => {
  const backoff = new RestartBackoff(kubeletBackoff);
  const seconds = Array.from({ length: 8 }, () => backoff.delayAfter(5) / 1000);
  expect(seconds).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
  expect(backoff.delayAfter(600_000)).toBe(0);
  expect(backoff.delayAfter(5)).toBe(10_000);
});
