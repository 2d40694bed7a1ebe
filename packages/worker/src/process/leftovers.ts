// Kills what a Pod's containers left running: their process groups, and what escaped from these.
import { readdirSync, readFileSync } from "node:fs";
import { isAlive, type ProcessIdentity } from "./process-identity.ts";

/** In every container's environment; descendants keep it, whatever session they move to. */
export const POD_MARKER = "GANTRY_POD";

/** False when there is no such group. */
export const signalGroup = (pid: number, signal: NodeJS.Signals): boolean => {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
};

/** Groups of which the leader still is the process that was recorded. */
export const killGroups = (leaders: Iterable<ProcessIdentity>): void => {
  for (const leader of leaders) if (isAlive(leader)) signalGroup(leader.pid, "SIGKILL");
};

const marker = Buffer.from(`\0${POD_MARKER}=`);

const podOf = (pid: string): string | null => {
  try {
    const environ = Buffer.concat([Buffer.of(0), readFileSync(`/proc/${pid}/environ`)]);
    const at = environ.indexOf(marker);
    if (at === -1) return null;
    const from = at + marker.length;
    const end = environ.indexOf(0, from);
    return environ.toString("utf8", from, end === -1 ? undefined : end);
  } catch {
    // Ended meanwhile, or another user's.
    return null;
  }
};

/**
 * Kills every process that carries one of these Pods' marks; the number killed. Linux only:
 * elsewhere environments of other processes can't be read, and groups are all there is.
 */
export const sweepMarked = (uids: ReadonlySet<string>): number => {
  if (process.platform !== "linux" || uids.size === 0) return 0;
  let killed = 0;
  for (const entry of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(entry)) continue;
    const uid = podOf(entry);
    if (uid === null || !uids.has(uid)) continue;
    try {
      process.kill(Number(entry), "SIGKILL");
      killed += 1;
    } catch {
      // Ended meanwhile.
    }
  }
  return killed;
};
