// Strict parser of index lists as users and status updates write them (job-spec 3.4).
import { goQuote } from "../apimachinery/go-text.ts";

export type IndexListResult =
  | { readonly ok: true; /** Number of indexes. */ readonly total: number }
  | { readonly ok: false; readonly error: string };

interface Interval {
  readonly first: number;
  readonly last: number;
}

const integer = /^[+-]?[0-9]+$/;

const outOfOrder = (previous: number, current: number): string =>
  `non-increasing order, previous: ${previous}, current: ${current}`;

function parseIndex(text: string, completions: number): number | string {
  if (!integer.test(text)) return `cannot convert string to integer for index: ${goQuote(text)}`;
  const index = Number(text);
  return index >= completions ? `too large index: ${goQuote(text)}` : index;
}

/** An interval, or what is wrong with it. */
function parseInterval(fragment: string, completions: number): Interval | string {
  const [from = "", to, ...more] = fragment.split("-");
  if (more.length > 0) {
    return (
      `the fragment ${goQuote(fragment)} violates the requirement that an index interval ` +
      "can have at most two parts separated by '-'"
    );
  }
  const first = parseIndex(from, completions);
  if (typeof first === "string") return first;
  if (to === undefined) return { first, last: first };
  const last = parseIndex(to, completions);
  if (typeof last === "string") return last;
  return first >= last ? outOfOrder(first, last) : { first, last };
}

/** `completions`: every index is below it. Spaces are errors; runs need not be joined. */
export function parseIndexList(text: string, completions: number): IndexListResult {
  if (text === "") return { ok: true, total: 0 };
  let total = 0;
  let previous: number | undefined;
  for (const fragment of text.split(",")) {
    const interval = parseInterval(fragment, completions);
    if (typeof interval === "string") return { ok: false, error: interval };
    if (previous !== undefined && previous >= interval.first) {
      return { ok: false, error: outOfOrder(previous, interval.first) };
    }
    total += interval.last - interval.first + 1;
    previous = interval.last;
  }
  return { ok: true, total };
}

const parsedIntervals = (text: string, completions: number): Interval[] =>
  text === ""
    ? []
    : text
        .split(",")
        .map((fragment) => parseInterval(fragment, completions))
        .filter((interval) => typeof interval !== "string");

/** First index that both lists hold; parts that don't parse are skipped. */
export function firstCommonIndex(
  completedText: string,
  failedText: string,
  completions: number,
): number | undefined {
  const completed = parsedIntervals(completedText, completions);
  const failed = parsedIntervals(failedText, completions);
  let c = 0;
  let f = 0;
  for (;;) {
    const one = completed[c];
    const other = failed[f];
    if (one === undefined || other === undefined) return undefined;
    if (one.first <= other.last && other.first <= one.last) {
      return Math.max(one.first, other.first);
    }
    if (one.first <= other.first) c += 1;
    else f += 1;
  }
}
