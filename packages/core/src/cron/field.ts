// One field of a cron schedule: which values it allows, and whether it counts as a star (A2, A3).

export interface CronField {
  /** Allowed values, ascending. */
  readonly values: readonly number[];
  /** An item is `*` or `?` with a step of at most 1 (A3). */
  readonly star: boolean;
}

export interface FieldRange {
  readonly min: number;
  readonly max: number;
  /** Names of the values from `min` on. */
  readonly names?: readonly string[];
}

const monthNames = [
  "jan",
  "feb",
  "mar",
  "apr",
  "may",
  "jun",
  "jul",
  "aug",
  "sep",
  "oct",
  "nov",
  "dec",
];
const dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** A1, in the order in which the fields stand. */
export const fieldRanges = {
  minute: { min: 0, max: 59 },
  hour: { min: 0, max: 23 },
  dayOfMonth: { min: 1, max: 31 },
  month: { min: 1, max: 12, names: monthNames },
  dayOfWeek: { min: 0, max: 6, names: dayNames },
} as const satisfies Record<string, FieldRange>;

/** The parser's own failure: its text is what the user sees (A5). */
export class ScheduleError extends Error {
  override readonly name = "ScheduleError";
}

/** strconv.Atoi: a sign is allowed, anything past 64 bits is out of range. */
function parseNumber(text: string): number {
  const failure = (why: string): ScheduleError =>
    new ScheduleError(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: ${why}`,
    );
  if (!/^[+-]?\d+$/.test(text)) throw failure("invalid syntax");
  const value = BigInt(text.replace(/^\+/, ""));
  if (value !== BigInt.asIntN(64, value)) throw failure("value out of range");
  if (value < 0n) throw new ScheduleError(`negative number (${value}) not allowed: ${text}`);
  return Number(value);
}

function parseValue(text: string, range: FieldRange): number {
  const named = range.names?.indexOf(text.toLowerCase()) ?? -1;
  return named >= 0 ? named + range.min : parseNumber(text);
}

interface Bounds {
  readonly start: number;
  readonly end: number;
  readonly star: boolean;
}

function parseBounds(text: string, item: string, range: FieldRange): Bounds {
  const [low = "", high, ...more] = text.split("-");
  // What follows a star and a hyphen is never looked at.
  if (low === "*" || low === "?") return { start: range.min, end: range.max, star: true };
  const start = parseValue(low, range);
  if (high === undefined) return { start, end: start, star: false };
  if (more.length > 0) throw new ScheduleError(`too many hyphens: ${item}`);
  return { start, end: parseValue(high, range), star: false };
}

interface Item extends Bounds {
  readonly step: number;
}

function parseItem(item: string, range: FieldRange): Item {
  const [bounds = "", stepText, ...more] = item.split("/");
  const parsed = parseBounds(bounds, item, range);
  if (more.length > 0) throw new ScheduleError(`too many slashes: ${item}`);
  if (stepText === undefined) return { ...parsed, step: 1 };
  const step = parseNumber(stepText);
  // `n/step` runs to the end of the field.
  const end = bounds.includes("-") ? parsed.end : range.max;
  return { start: parsed.start, end, step, star: parsed.star && step <= 1 };
}

function checkItem({ start, end, step }: Item, item: string, { min, max }: FieldRange): void {
  if (start < min) {
    throw new ScheduleError(`beginning of range (${start}) below minimum (${min}): ${item}`);
  }
  if (end > max) throw new ScheduleError(`end of range (${end}) above maximum (${max}): ${item}`);
  if (start > end) {
    throw new ScheduleError(`beginning of range (${start}) beyond end of range (${end}): ${item}`);
  }
  if (step === 0) throw new ScheduleError(`step of range should be a positive number: ${item}`);
}

/** Throws ScheduleError. A field of nothing but commas allows nothing, as upstream. */
export function parseField(text: string, range: FieldRange): CronField {
  const values = new Set<number>();
  let star = false;
  for (const item of text.split(",")) {
    if (item === "") continue;
    const parsed = parseItem(item, range);
    checkItem(parsed, item, range);
    star ||= parsed.star;
    for (let value = parsed.start; value <= parsed.end; value += parsed.step) values.add(value);
  }
  return { values: [...values].toSorted((a, b) => a - b), star };
}
