// Parses the schedule of a CronJob (A1-A6); the error texts are those that users of Kubernetes know.
import { fieldRanges, parseField, ScheduleError } from "./field.ts";
import type { CronField } from "./field.ts";
import { parseGoDuration } from "./go-duration.ts";
import { timeZoneProblem } from "./time-zone.ts";

export interface FieldSchedule {
  readonly kind: "fields";
  readonly minutes: CronField;
  readonly hours: CronField;
  readonly daysOfMonth: CronField;
  readonly months: CronField;
  readonly daysOfWeek: CronField;
  /** From a `TZ=` or `CRON_TZ=` prefix; outranks any other time zone (A6). */
  readonly zone?: string;
}

export interface EverySchedule {
  readonly kind: "every";
  /** Whole, at least 1. */
  readonly seconds: number;
}

export type Schedule = FieldSchedule | EverySchedule;

export type ParsedSchedule =
  | { readonly ok: true; readonly schedule: Schedule }
  | { readonly ok: false; readonly error: string };

/** A4 */
const macros: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

const FIELD_COUNT = 5;

/** Go's unicode.IsSpace, which JavaScript's `\s` widens by U+FEFF and narrows by U+0085. */
const space = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/** Zone prefix and rest. Upstream's parser crashes where no space follows the zone. */
function splitZone(text: string): { zone?: string; rest: string } {
  if (!text.startsWith("TZ=") && !text.startsWith("CRON_TZ=")) return { rest: text };
  const end = text.indexOf(" ");
  if (end < 0) {
    throw new ScheduleError(
      "invalid schedule format: runtime error: slice bounds out of range [:-1]",
    );
  }
  const zone = text.slice(text.indexOf("=") + 1, end);
  const problem = zone === "" ? undefined : timeZoneProblem(zone);
  if (problem !== undefined) throw new ScheduleError(`provided bad location ${zone}: ${problem}`);
  return { zone: zone === "" ? "UTC" : zone, rest: text.slice(end).trim() };
}

function parseFields(text: string, zone: string | undefined): FieldSchedule {
  const words = text.split(space).filter((word) => word !== "");
  if (words.length !== FIELD_COUNT) {
    const found = `found ${words.length}: [${words.join(" ")}]`;
    throw new ScheduleError(`expected exactly ${FIELD_COUNT} fields, ${found}`);
  }
  const [minute = "", hour = "", dayOfMonth = "", month = "", dayOfWeek = ""] = words;
  return {
    kind: "fields",
    minutes: parseField(minute, fieldRanges.minute),
    hours: parseField(hour, fieldRanges.hour),
    daysOfMonth: parseField(dayOfMonth, fieldRanges.dayOfMonth),
    months: parseField(month, fieldRanges.month),
    daysOfWeek: parseField(dayOfWeek, fieldRanges.dayOfWeek),
    ...(zone === undefined ? {} : { zone }),
  };
}

const EVERY = "@every ";
const NANOSECONDS = 1_000_000_000n;

function parseDescriptor(text: string, zone: string | undefined): Schedule {
  const macro = macros[text];
  if (macro !== undefined) return parseFields(macro, zone);
  if (!text.startsWith(EVERY)) throw new ScheduleError(`unrecognized descriptor: ${text}`);
  const duration = parseGoDuration(text.slice(EVERY.length));
  if (!duration.ok) throw new ScheduleError(`failed to parse duration ${text}: ${duration.error}`);
  const seconds = duration.nanoseconds / NANOSECONDS;
  return { kind: "every", seconds: seconds < 1n ? 1 : Number(seconds) };
}

function parse(text: string): Schedule {
  if (text === "") throw new ScheduleError("empty spec string");
  const { zone, rest } = splitZone(text);
  return rest.startsWith("@") ? parseDescriptor(rest, zone) : parseFields(rest, zone);
}

/** The schedule, or the text that belongs into the error or Event about it. */
export function parseSchedule(text: string): ParsedSchedule {
  try {
    return { ok: true, schedule: parse(text) };
  } catch (error) {
    if (error instanceof ScheduleError) return { ok: false, error: error.message };
    throw error;
  }
}
