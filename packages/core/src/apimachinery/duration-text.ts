// Durations and ages as Kubernetes prints them in tables (section 11).

const secondMs = 1000;

function hoursText(hours: number, minutes: number): string {
  if (hours < 3) return `${minutes}m`;
  if (hours < 8) return joined(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 24 * 8) return joined(days, "d", hours % 24, "h");
  if (hours < 24 * 365 * 2) return `${days}d`;
  const years = Math.floor(days / 365);
  return hours < 24 * 365 * 8 ? joined(years, "y", days % 365, "d") : `${years}y`;
}

const joined = (major: number, majorUnit: string, minor: number, minorUnit: string): string =>
  minor === 0 ? `${major}${majorUnit}` : `${major}${majorUnit}${minor}${minorUnit}`;

/** `duration.HumanDuration`: at most two units, coarser the longer it is. */
export function durationText(ms: number): string {
  const seconds = Math.trunc(ms / secondMs);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return joined(minutes, "m", seconds % 60, "s");
  return hoursText(Math.floor(minutes / 60), minutes);
}

/** Age of an object; `<unknown>` without a creation time. */
export const ageText = (createdAtMs: number | undefined, nowMs: number): string =>
  createdAtMs === undefined ? "<unknown>" : durationText(nowMs - createdAtMs);
