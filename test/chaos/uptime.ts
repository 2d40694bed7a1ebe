// The clock that Pods, faults and checks share: the machine's uptime, which no fault can move.
import { readFileSync } from "node:fs";

/** Seconds, to the hundredth; what a shell reads from /proc/uptime. */
export const uptime = (): number => Number(readFileSync("/proc/uptime", "utf8").split(" ", 1)[0]);

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
