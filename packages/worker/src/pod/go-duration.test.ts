// Durations as Go prints them.
import { expect, test } from "vitest";
import { goDuration } from "./go-duration.ts";

test.each([
  [0, "0s"],
  [0.4, "0s"],
  [7, "7ms"],
  [999.6, "1s"],
  [1234, "1.234s"],
  [10_000, "10s"],
  [80_000, "1m20s"],
  [300_000, "5m0s"],
  [3_661_500, "1h1m1.5s"],
])("%d ms: %s", (ms, text) => {
  expect(goDuration(ms)).toBe(text);
});
