import { expect, test } from "vitest";
import { parseGoDuration } from "./go-duration.ts";

test.each([
  ["0", 0n],
  ["1h30m", 5_400_000_000_000n],
  ["1.5s", 1_500_000_000n],
  [".5s", 500_000_000n],
  ["1.s", 1_000_000_000n],
  ["-2m", -120_000_000_000n],
  ["+3ms", 3_000_000n],
  ["7us", 7000n],
  ["7µs", 7000n],
  ["9ns", 9n],
  ["1h1h", 7_200_000_000_000n],
])("A4: %s is %d ns", (text, nanoseconds) => {
  expect(parseGoDuration(text)).toEqual({ ok: true, nanoseconds });
});

test.each([
  ["", 'time: invalid duration ""'],
  ["x", 'time: invalid duration "x"'],
  ["-", 'time: invalid duration "-"'],
  [".", 'time: invalid duration "."'],
  ["3", 'time: missing unit in duration "3"'],
  ["1h3", 'time: missing unit in duration "1h3"'],
  ["3d", 'time: unknown unit "d" in duration "3d"'],
  ["3 s", 'time: unknown unit " s" in duration "3 s"'],
  ["99999999999h", 'time: invalid duration "99999999999h"'],
  ['1"', 'time: unknown unit "\\"" in duration "1\\""'],
  ["1é", 'time: unknown unit "\\xc3\\xa9" in duration "1\\xc3\\xa9"'],
])("A5: %j fails with Go's text", (text, error) => {
  expect(parseGoDuration(text)).toEqual({ ok: false, error });
});
