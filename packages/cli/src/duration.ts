// Durations as people write them: 90s, 1m30s, 2h, 500ms; and as they read them: 2m5s.
import { UsageError } from "./usage-error.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of `1m30s`; a bare number is seconds. */
export function parseDurationMs(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) {
    throw new UsageError(`${JSON.stringify(text)} is no duration: write it as 30s, 1m30s or 2h`);
  }
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(number) * (UNIT_MS[unit ?? ""] ?? 0);
  }
  return total;
}

/** The two largest units: `45s`, `2m5s`, `3h10m`, `4d2h`. */
export function humanDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 120) return `${seconds}s`;
  const steps: [number, string, number, string][] = [
    [3_600, "m", 60, "s"],
    [86_400, "h", 3_600, "m"],
    [Number.POSITIVE_INFINITY, "d", 86_400, "h"],
  ];
  const [, big, , small] = steps.find(([below]) => seconds < below) ?? [0, "d", 0, "h"];
  const bigSeconds = (UNIT_MS[big] ?? 1) / 1_000;
  const smallSeconds = (UNIT_MS[small] ?? 1) / 1_000;
  const rest = Math.floor((seconds % bigSeconds) / smallSeconds);
  return `${Math.floor(seconds / bigSeconds)}${big}${rest === 0 ? "" : `${rest}${small}`}`;
}
