import { expect, test } from "vitest";
import { parseRfc3339 } from "../apimachinery/time.ts";
import { isKnownTimeZone, offsetSpan, rfc3339In, timeZoneProblem } from "./time-zone.ts";

test.each([
  "UTC",
  "Etc/UTC",
  "Etc/GMT+5",
  "GMT0",
  "EST5EDT",
  "US/Pacific",
  "Asia/Calcutta",
  "Asia/Kolkata",
  "Europe/Kiev",
  "Europe/Kyiv",
  "America/Argentina/Buenos_Aires",
  "America/Port-au-Prince",
])("A7: %s is a time zone", (name) => {
  expect(isKnownTimeZone(name)).toBe(true);
  expect(timeZoneProblem(name)).toBeUndefined();
});

test.each([
  ["", "unknown time zone "],
  ["utc", "unknown time zone utc"],
  ["europe/london", "unknown time zone europe/london"],
  ["Europe/london", "unknown time zone Europe/london"],
  ["+05:00", "unknown time zone +05:00"],
  ["+0500", "unknown time zone +0500"],
  ["EDT", "unknown time zone EDT"],
  ["Europe", "unknown time zone Europe"],
  ["../UTC", "time: invalid location name"],
  ["/UTC", "time: invalid location name"],
])("A7: %j is none", (name, problem) => {
  expect(isKnownTimeZone(name)).toBe(false);
  expect(timeZoneProblem(name)).toBe(problem);
});

test("A7: Local is not for users, yet it is UTC to schedules", () => {
  expect(isKnownTimeZone("Local")).toBe(false);
  expect(timeZoneProblem("Local")).toBeUndefined();
  expect(offsetSpan("Local", 0).offsetSeconds).toBe(0);
});

const seconds = (text: string): number => parseRfc3339(text) / 1000;

test.each([
  ["America/New_York", "2024-03-10T07:00:00Z", -5, -4],
  ["America/New_York", "2024-11-03T06:00:00Z", -4, -5],
  ["Australia/Lord_Howe", "2024-04-06T15:00:00Z", 11, 10.5],
  ["Pacific/Apia", "2011-12-30T10:00:00Z", -10, 14],
  ["Africa/Monrovia", "1972-01-07T00:44:30Z", -(44 * 60 + 30) / 3600, 0],
])("A8: %s changes at %s", (zone, change, before, after) => {
  const at = seconds(change);
  expect(offsetSpan(zone, at - 1)).toEqual({ offsetSeconds: before * 3600, untilSeconds: at });
  expect(offsetSpan(zone, at).offsetSeconds).toBe(after * 3600);
  expect(offsetSpan(zone, at).untilSeconds).toBeGreaterThan(at);
});

test.each([
  ["2022-05-19T10:00:00Z", "Asia/Tokyo", "2022-05-19T19:00:00+09:00"],
  ["2022-05-19T20:00:00Z", "Asia/Tokyo", "2022-05-20T05:00:00+09:00"],
  ["2022-05-19T10:00:00Z", "UTC", "2022-05-19T10:00:00Z"],
  ["2022-01-19T10:00:00Z", "Europe/London", "2022-01-19T10:00:00Z"],
  ["2022-05-19T10:00:00Z", "Europe/London", "2022-05-19T11:00:00+01:00"],
  ["2022-01-01T00:00:00Z", "America/St_Johns", "2021-12-31T20:30:00-03:30"],
])("C2: %s in %s is %s", (utc, zone, text) => {
  expect(rfc3339In(parseRfc3339(utc), zone)).toBe(text);
  expect(parseRfc3339(text)).toBe(parseRfc3339(utc));
});
