// The Age cell and its like: time since a moment of an object (job-spec.md 11).
import { ageText } from "../apimachinery/duration-text.ts";
import { parseRfc3339 } from "../apimachinery/time.ts";

/** Time since an RFC 3339 time; `<unknown>` without one. */
export function age(time: string | null | undefined, nowMs: number): string {
  const ms = parseRfc3339(time ?? "");
  return ageText(Number.isNaN(ms) ? undefined : ms, nowMs);
}
