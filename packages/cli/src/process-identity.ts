// Telling one process from a later one with the same pid.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Whether a process with this pid exists and is not merely waiting to be reaped. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return statFields(pid)?.[0] !== "Z";
}

/** When the process started, in a unit of the system's own; equal only for the same process. */
export function startOf(pid: number): string | undefined {
  if (process.platform === "linux") return statFields(pid)?.[19];
  return ps(pid, "lstart=") || undefined;
}

export function commandLine(pid: number): string {
  if (process.platform !== "linux") return ps(pid, "command=");
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}

/** Fields of /proc/PID/stat from the third (state) on; the second, the name, may hold spaces. */
function statFields(pid: number): string[] | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

function ps(pid: number, field: string): string {
  try {
    return execFileSync("ps", ["-o", field, "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch {
    return "";
  }
}
