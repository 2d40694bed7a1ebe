// Which process a pid means: pid and start time together, so that a recycled pid is never killed.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in a form that only compares for equality. */
  readonly start: string;
}

const START_TIME_FIELD = 22;
/** As much of a boot's id as tells it from others. */
const BOOT_CHARACTERS = 8;
let boot: string | undefined;

/** Which boot of the machine this is; `undefined` where it is not told (macOS). */
export const bootId = (): string | undefined => {
  if (process.platform !== "linux") return undefined;
  return (boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim());
};

const linuxStart = (pid: number): string | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name, in parentheses, may hold spaces; the fields after it begin with the third.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return null;
    // Ticks count from boot, so a start time says nothing without which boot.
    return `${bootId()?.slice(0, BOOT_CHARACTERS)}-${fields[START_TIME_FIELD - 3]}`;
  } catch {
    return null;
  }
};

const otherStart = (pid: number): string | null => {
  try {
    const text = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
    return text === "" ? null : text;
  } catch {
    return null;
  }
};

/** `null` when no such process lives. */
export const processStart = (pid: number): string | null =>
  process.platform === "linux" ? linuxStart(pid) : otherStart(pid);

export const isAlive = ({ pid, start }: ProcessIdentity): boolean => processStart(pid) === start;
