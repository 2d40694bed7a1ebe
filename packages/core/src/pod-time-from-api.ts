// Times of an API object back to Unix milliseconds.
import { parseRfc3339, rfc3339 } from "./apimachinery/time.ts";

/** The record's time, with its milliseconds, where the text says the same second; else the text's. */
export function timeFromApi(
  text: string | null | undefined,
  previousMs: number | undefined,
): number | undefined {
  if (text === undefined || text === null) return undefined;
  if (previousMs !== undefined && rfc3339(previousMs) === text) return previousMs;
  const ms = parseRfc3339(text);
  return Number.isNaN(ms) ? undefined : ms;
}
