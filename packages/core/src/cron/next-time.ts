// The next time of a schedule after a moment (A3, A4, A8, A9).
import { civil, daysFromCivil } from "../apimachinery/time.ts";
import type { FieldSchedule, Schedule } from "./schedule.ts";
import { offsetSpan } from "./time-zone.ts";

const DAY_SECONDS = 86_400;
/** A9: the search ends with the fifth calendar year after that of the reference time. */
const MAX_YEARS = 5;

/** A3. 1970-01-01 was a Thursday. */
function dayMatches(schedule: FieldSchedule, day: number, dayOfMonth: number): boolean {
  const { daysOfMonth, daysOfWeek } = schedule;
  const inMonth = daysOfMonth.values.includes(dayOfMonth);
  const inWeek = daysOfWeek.values.includes((((day + 4) % 7) + 7) % 7);
  return daysOfMonth.star || daysOfWeek.star ? inMonth && inWeek : inMonth || inWeek;
}

/** First allowed minute of a day from `fromMinute` on. */
function minuteOfDay(schedule: FieldSchedule, fromMinute: number): number | undefined {
  const fromHour = Math.floor(fromMinute / 60);
  for (const hour of schedule.hours.values) {
    if (hour < fromHour) continue;
    const least = hour === fromHour ? fromMinute % 60 : 0;
    const minute = schedule.minutes.values.find((value) => value >= least);
    if (minute !== undefined) return hour * 60 + minute;
  }
  return undefined;
}

/** First match on the wall clock in [from, end), all in seconds since 1970-01-01T00:00 local time. */
function matchOnWall(schedule: FieldSchedule, from: number, end: number): number | undefined {
  let day = Math.floor(from / DAY_SECONDS);
  let fromMinute = Math.ceil((from - day * DAY_SECONDS) / 60);
  while (day * DAY_SECONDS < end) {
    const { year, month, day: dayOfMonth } = civil(day);
    if (!schedule.months.values.includes(month)) {
      day = month === 12 ? daysFromCivil(year + 1, 1, 1) : daysFromCivil(year, month + 1, 1);
    } else {
      if (dayMatches(schedule, day, dayOfMonth)) {
        const minute = minuteOfDay(schedule, fromMinute);
        const match = day * DAY_SECONDS + (minute ?? 0) * 60;
        if (minute !== undefined) return match < end ? match : undefined;
      }
      day += 1;
    }
    fromMinute = 0;
  }
  return undefined;
}

/**
 * Walks through spans of one offset, in which wall clock and time advance alike: so a wall time that
 * is left out never matches, and one that occurs twice matches twice (A8).
 */
function nextOfFields(schedule: FieldSchedule, fromSeconds: number, zone: string): number | null {
  let at = fromSeconds + 1;
  let span = offsetSpan(zone, at);
  const { year } = civil(Math.floor((at + span.offsetSeconds) / DAY_SECONDS));
  const wallLimit = daysFromCivil(year + MAX_YEARS + 1, 1, 1) * DAY_SECONDS;
  for (;;) {
    const wallEnd = span.untilSeconds + span.offsetSeconds;
    const match = matchOnWall(schedule, at + span.offsetSeconds, Math.min(wallEnd, wallLimit));
    if (match !== undefined) return match - span.offsetSeconds;
    if (wallEnd >= wallLimit) return null;
    at = span.untilSeconds;
    span = offsetSpan(zone, at);
  }
}

/**
 * First time of the schedule after `fromMs`, a whole second; null when there is none within five years.
 * `zone` (an IANA name) applies unless the schedule carries its own; `@every` needs none.
 */
export function nextAfter(schedule: Schedule, fromMs: number, zone: string): number | null {
  const fromSeconds = Math.floor(fromMs / 1000);
  if (schedule.kind === "every") return (fromSeconds + schedule.seconds) * 1000;
  const next = nextOfFields(schedule, fromSeconds, schedule.zone ?? zone);
  return next === null ? null : next * 1000;
}
