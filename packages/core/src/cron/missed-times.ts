// Which scheduled time a CronJob is to run now, and when to look again (B6-B8, B15).
import { nextAfter } from "./next-time.ts";
import type { Schedule } from "./schedule.ts";

/** B8: more missed times than this are worth a warning: a clock or a deadline is probably wrong. */
const MANY_MISSED = 100;
/** B15: wake up just after the time, so that a clock read then is past it. */
const REQUEUE_DELAY_MS = 100;

export type MissedTimes =
  /** No two next times to measure the interval by (A9); B8. */
  | { readonly kind: "invalid" }
  /** Nothing is due since `earliestMs`. */
  | { readonly kind: "none" }
  /** B7: `recentMs` is null where the estimate finds nothing although times were missed. */
  | { readonly kind: "missed"; readonly recentMs: number | null; readonly many: boolean };

/** B7: the most recent time t with earliest < t <= now, by the estimate that Kubernetes makes. */
export function missedTimes(
  schedule: Schedule,
  earliestMs: number,
  nowMs: number,
  zone: string,
): MissedTimes {
  const first = nextAfter(schedule, earliestMs, zone);
  if (first === null) return { kind: "invalid" };
  if (nowMs < first) return { kind: "none" };
  const second = nextAfter(schedule, first, zone);
  if (second === null) return { kind: "invalid" };
  if (nowMs < second) return { kind: "missed", recentMs: first, many: false };
  const intervalMs = second - first;
  const count = Math.floor((nowMs - first) / intervalMs) + 1;
  let recentMs: number | null = null;
  // One interval early: an irregular schedule may have its time before the estimate.
  let at = nextAfter(schedule, first + (count - 2) * intervalMs, zone);
  while (at !== null && at <= nowMs) {
    recentMs = at;
    at = nextAfter(schedule, at, zone);
  }
  return { kind: "missed", recentMs, many: count > MANY_MISSED };
}

/** B15: `earliestMs` is not raised by the deadline. Null when the schedule has no next time. */
export function requeueAtMs(
  schedule: Schedule,
  earliestMs: number,
  nowMs: number,
  zone: string,
): number | null {
  const missed = missedTimes(schedule, earliestMs, nowMs, zone);
  const recentMs = missed.kind === "missed" ? missed.recentMs : null;
  const base = missed.kind === "none" ? earliestMs : (recentMs ?? nowMs);
  const next = nextAfter(schedule, base, zone);
  return next === null ? null : next + REQUEUE_DELAY_MS;
}
