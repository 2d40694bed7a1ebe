import { expect, test } from "vitest";
import { parseRfc3339, rfc3339 } from "../apimachinery/time.ts";
import { missedTimes, requeueAtMs } from "./missed-times.ts";
import { parseSchedule } from "./schedule.ts";
import type { Schedule } from "./schedule.ts";

const schedule = (text: string): Schedule => {
  const parsed = parseSchedule(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.schedule;
};

const missed = (text: string, earliest: string, now: string): string => {
  const found = missedTimes(schedule(text), parseRfc3339(earliest), parseRfc3339(now), "UTC");
  if (found.kind !== "missed") return found.kind;
  const recent = found.recentMs === null ? "lost" : rfc3339(found.recentMs);
  return found.many ? `${recent} many` : recent;
};

test.each([
  ["0 * * * *", "2024-01-01T09:55:00Z", "2024-01-01T09:59:59Z", "none"],
  ["0 * * * *", "2024-01-01T09:55:00Z", "2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"],
  ["0 * * * *", "2024-01-01T08:00:00Z", "2024-01-01T11:30:00Z", "2024-01-01T11:00:00Z"],
  ["0 * * * *", "2024-01-01T11:20:00Z", "2024-01-01T11:30:00Z", "none"],
  ["*/5 * * * *", "2024-01-01T00:00:00Z", "2024-01-08T00:01:00Z", "2024-01-08T00:00:00Z many"],
  ["0 * * * *", "2024-01-01T00:00:00Z", "2024-01-05T04:30:00Z", "2024-01-05T04:00:00Z"],
  ["0 * * * *", "2024-01-01T00:00:00Z", "2024-01-05T05:00:00Z", "2024-01-05T05:00:00Z many"],
  ["30 6-16/4 * * 1-5", "2024-01-05T14:30:00Z", "2024-01-08T10:31:00Z", "2024-01-08T10:30:00Z"],
  ["30 10,11,12 * * 1-5", "2024-01-04T10:30:00Z", "2024-01-05T16:30:00Z", "lost"],
  ["@every 1h", "2024-01-01T09:10:10Z", "2024-01-01T12:30:00Z", "2024-01-01T12:10:10Z"],
  ["0 0 31 2 *", "2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z", "invalid"],
  ["0 0 29 2 *", "2096-02-01T00:00:00Z", "2096-02-28T00:00:00Z", "none"],
  ["0 0 29 2 *", "2096-02-01T00:00:00Z", "2096-03-01T00:00:00Z", "invalid"],
])("B7, B8: %s since %s at %s: %s -> %s", (text, earliest, now, expected) => {
  expect(missed(text, earliest, now)).toBe(expected);
});

test.each([
  ["0 * * * *", "2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z", "2024-01-01T11:00:00Z"],
  ["0 * * * *", "2024-01-01T09:55:00Z", "2024-01-01T10:00:00Z", "2024-01-01T11:00:00Z"],
  ["0 * * * *", "2024-01-01T08:00:00Z", "2024-01-01T11:30:00Z", "2024-01-01T12:00:00Z"],
  ["30 10,11,12 * * 1-5", "2024-01-04T10:30:00Z", "2024-01-05T16:30:00Z", "2024-01-08T10:30:00Z"],
  ["@every 1h", "2024-01-01T09:10:10Z", "2024-01-01T12:30:00Z", "2024-01-01T13:10:10Z"],
])("B15: %s since %s at %s: requeue at %s + 100 ms", (text, earliest, now, expected) => {
  const at = requeueAtMs(schedule(text), parseRfc3339(earliest), parseRfc3339(now), "UTC");
  expect(at).toBe(parseRfc3339(expected) + 100);
});

test("B15: no next time", () => {
  expect(requeueAtMs(schedule("0 0 31 2 *"), 0, 1000, "UTC")).toBeNull();
});

test("B7: minutes of a whole month missed are found in time", () => {
  const started = performance.now();
  expect(missed("* * * 1 *", "2023-01-31T23:58:00Z", "2024-02-01T00:00:00Z")).toBe(
    "2024-01-31T23:59:00Z",
  );
  expect(performance.now() - started).toBeLessThan(5000);
});
