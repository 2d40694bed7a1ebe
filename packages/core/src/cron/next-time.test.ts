import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRfc3339, rfc3339 } from "../apimachinery/time.ts";
import { nextAfter } from "./next-time.ts";
import { parseSchedule } from "./schedule.ts";
import type { Schedule } from "./schedule.ts";
import { rfc3339In } from "./time-zone.ts";

const schedule = (text: string): Schedule => {
  const parsed = parseSchedule(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.schedule;
};

const next = (text: string, from: string, zone = "UTC"): string | null => {
  const ms = nextAfter(schedule(text), parseRfc3339(from), zone);
  return ms === null ? null : rfc3339(ms);
};

const times = (text: string, from: string, zone: string, count: number): string[] => {
  const found: string[] = [];
  let at: number | null = parseRfc3339(from);
  while (found.length < count) {
    at = nextAfter(schedule(text), at, zone);
    if (at === null) break;
    found.push(rfc3339In(at, zone));
  }
  return found;
};

test.each([
  ["* * * * *", "2024-01-01T00:00:00Z", "2024-01-01T00:01:00Z"],
  ["* * * * *", "2024-01-01T00:00:59.999Z", "2024-01-01T00:01:00Z"],
  ["*/15 * * * *", "2024-01-01T00:45:00Z", "2024-01-01T01:00:00Z"],
  ["0 0 1 1 *", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"],
  ["30 6-16/4 * * 1-5", "2024-01-05T14:30:00Z", "2024-01-08T06:30:00Z"],
  ["59 23 31 12 *", "2024-12-31T23:59:00Z", "2025-12-31T23:59:00Z"],
  ["0 0 29 2 *", "2024-02-29T00:00:00Z", "2028-02-29T00:00:00Z"],
  ["0 0 29 2 1", "2024-03-01T00:00:00Z", "2025-02-03T00:00:00Z"],
  ["0 0 31 * *", "2024-01-31T00:00:00Z", "2024-03-31T00:00:00Z"],
  ["@every 90s", "2024-01-01T00:00:10.7Z", "2024-01-01T00:01:40Z"],
])("A1-A4: %s after %s", (text, from, expected) => {
  expect(next(text, from)).toBe(expected);
});

test.each([
  ["0 0 13 * 5", "2024-01-01T00:00:00Z", ["05", "12", "13", "19"]],
  ["0 0 13 * *", "2024-01-01T00:00:00Z", ["13", "13"]],
  ["0 0 * * 5", "2024-01-01T00:00:00Z", ["05", "12"]],
  ["0 0 */2 * 1", "2024-01-06T12:00:00Z", ["07", "08", "09", "11"]],
  ["0 0 */1 * 1", "2024-01-06T12:00:00Z", ["08", "15"]],
  ["0 0 1-7 * ?", "2024-01-06T12:00:00Z", ["07", "01"]],
])("A3: days of %s", (text, from, days) => {
  expect(times(text, from, "UTC", days.length).map((time) => time.slice(8, 10))).toEqual(days);
});

test.each([
  ["0 0 31 2 *", "2024-01-01T00:00:00Z", null],
  ["59 23 31 11 *", "2024-01-01T00:00:00Z", null],
  [", * * * *", "2024-01-01T00:00:00Z", null],
  ["0 0 29 2 *", "2096-03-01T00:00:00Z", null],
  ["0 0 29 2 *", "2098-12-31T23:59:58Z", null],
  ["0 0 29 2 *", "2098-12-31T23:59:59Z", "2104-02-29T00:00:00Z"],
])("A9: %s after %s", (text, from, expected) => {
  expect(next(text, from)).toBe(expected);
});

describe("A8: daylight saving time", () => {
  test("a wall time left out is skipped", () => {
    expect(times("30 2 * * *", "2024-03-09T00:00:00Z", "America/New_York", 2)).toEqual([
      "2024-03-09T02:30:00-05:00",
      "2024-03-11T02:30:00-04:00",
    ]);
  });

  test("a wall time that occurs twice fires twice", () => {
    expect(times("30 1 * * *", "2024-11-02T12:00:00Z", "America/New_York", 3)).toEqual([
      "2024-11-03T01:30:00-04:00",
      "2024-11-03T01:30:00-05:00",
      "2024-11-04T01:30:00-05:00",
    ]);
  });

  test("an hourly schedule runs through both changes", () => {
    expect(times("0 * * * *", "2024-03-10T05:30:00Z", "America/New_York", 3)).toEqual([
      "2024-03-10T01:00:00-05:00",
      "2024-03-10T03:00:00-04:00",
      "2024-03-10T04:00:00-04:00",
    ]);
    expect(times("0 * * * *", "2024-11-03T04:30:00Z", "America/New_York", 3)).toEqual([
      "2024-11-03T01:00:00-04:00",
      "2024-11-03T01:00:00-05:00",
      "2024-11-03T02:00:00-05:00",
    ]);
  });

  test("midnight that does not exist", () => {
    expect(times("0 0 * * *", "2018-11-03T12:00:00Z", "America/Sao_Paulo", 1)).toEqual([
      "2018-11-05T00:00:00-02:00",
    ]);
  });

  test("a change of half an hour", () => {
    expect(times("45 1 * * *", "2024-04-06T12:00:00Z", "Australia/Lord_Howe", 2)).toEqual([
      "2024-04-07T01:45:00+11:00",
      "2024-04-07T01:45:00+10:30",
    ]);
  });

  test("a day that a zone left out", () => {
    expect(times("0 12 * * *", "2011-12-29T12:00:00Z", "Pacific/Apia", 2)).toEqual([
      "2011-12-29T12:00:00-10:00",
      "2011-12-31T12:00:00+14:00",
    ]);
  });

  test("A6: the zone in the schedule outranks the one beside it", () => {
    expect(next("TZ=Asia/Tokyo 0 9 * * *", "2024-01-01T01:00:00Z", "UTC")).toBe(
      "2024-01-02T00:00:00Z",
    );
  });
});

/** Walks minute by minute and asks Intl for the wall clock: slow, but with nothing in common. */
function bruteForce(text: string, fromMs: number, zone: string, untilMs: number): number | null {
  const clock = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    weekday: "short",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  });
  const names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  const parsed = schedule(text);
  if (parsed.kind !== "fields") throw new Error("fields only");
  for (let at = (Math.floor(fromMs / 60_000) + 1) * 60_000; at <= untilMs; at += 60_000) {
    const parts = Object.fromEntries(clock.formatToParts(at).map((p) => [p.type, p.value]));
    const inMonth = parsed.daysOfMonth.values.includes(Number(parts["day"]));
    const inWeek = parsed.daysOfWeek.values.includes(names.indexOf(parts["weekday"] ?? ""));
    const either = !parsed.daysOfMonth.star && !parsed.daysOfWeek.star;
    if (
      parsed.minutes.values.includes(Number(parts["minute"])) &&
      parsed.hours.values.includes(Number(parts["hour"])) &&
      parsed.months.values.includes(Number(parts["month"])) &&
      (either ? inMonth || inWeek : inMonth && inWeek)
    ) {
      return at;
    }
  }
  return null;
}

const field = (min: number, max: number): fc.Arbitrary<string> =>
  fc.oneof(
    { arbitrary: fc.constantFrom("*", "?"), weight: 3 },
    { arbitrary: fc.integer({ min, max }).map(String), weight: 3 },
    fc.tuple(fc.integer({ min, max }), fc.integer({ min: 1, max: 7 })).map(([n, s]) => `${n}/${s}`),
    fc.integer({ min: 1, max: 7 }).map((step) => `*/${step}`),
    fc
      .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
      .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    fc
      .array(fc.integer({ min, max }), { minLength: 1, maxLength: 4 })
      .map((list) => list.join(",")),
  );

const schedules = fc
  .tuple(
    field(0, 59),
    field(0, 23),
    field(1, 31),
    fc.oneof({ arbitrary: fc.constant("*"), weight: 6 }, field(1, 12)),
    field(0, 6),
  )
  .map((fields) => fields.join(" "));

const HOUR_MS = 3_600_000;

/** Moments near changes of offset, and any others. */
const starts = fc
  .tuple(
    fc.constantFrom(
      ["America/New_York", "2024-03-10T07:00:00Z"],
      ["America/New_York", "2024-11-03T06:00:00Z"],
      ["Europe/London", "2025-03-30T01:00:00Z"],
      ["Europe/London", "2025-10-26T01:00:00Z"],
      ["Australia/Lord_Howe", "2024-04-06T15:00:00Z"],
      ["Australia/Lord_Howe", "2024-10-05T15:30:00Z"],
      ["Asia/Kathmandu", "2024-02-29T00:00:00Z"],
      ["Africa/Casablanca", "2024-03-10T02:00:00Z"],
      ["America/Havana", "2024-03-10T05:00:00Z"],
      ["Asia/Beirut", "2024-10-26T21:00:00Z"],
      ["UTC", "2024-12-31T23:00:00Z"],
    ),
    fc.integer({ min: -30 * HOUR_MS, max: 6 * HOUR_MS }),
  )
  .map(([[zone = "", at = ""], delta]) => ({ zone, fromMs: parseRfc3339(at) + delta }));

test("A1-A3, A8: the next time is what a minute by minute walk finds", () => {
  fc.assert(
    fc.property(schedules, starts, (text, { zone, fromMs }) => {
      const untilMs = fromMs + 40 * HOUR_MS;
      const found = nextAfter(schedule(text), fromMs, zone);
      const expected = bruteForce(text, fromMs, zone, untilMs);
      expect(found !== null && found <= untilMs ? found : null).toBe(expected);
    }),
    { numRuns: 300 },
  );
});
