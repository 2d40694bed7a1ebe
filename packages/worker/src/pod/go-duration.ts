// Durations as Go prints them, which is how a kubelet's messages have them.

/** `350ms`, `1.234s`, `10s`, `1m20s`. */
export const goDuration = (ms: number): string => {
  const whole = Math.round(ms);
  if (whole === 0) return "0s";
  if (whole < 1000) return `${whole}ms`;
  const minutes = Math.floor(whole / 60_000);
  const seconds = `${(whole % 60_000) / 1000}s`;
  const hours = Math.floor(minutes / 60);
  if (hours > 0) return `${hours}h${minutes % 60}m${seconds}`;
  return minutes === 0 ? seconds : `${minutes}m${seconds}`;
};
