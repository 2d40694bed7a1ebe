// Who runs on a data directory: one process at a time, and where to reach it.
import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { DataDir } from "../data-dir.ts";
import { privateDir, writePrivate } from "../private-file.ts";
import { isAlive, startOf } from "../process-identity.ts";

export interface Instance {
  readonly pid: number;
  /** Tells the process from a later one with the same pid. */
  readonly start: string | undefined;
  /** `up` or `run`: a `run` ends with its Job. */
  readonly command: "up" | "run";
  /** Address of the API; undefined while it starts. */
  readonly url?: string;
  readonly opsUrl?: string;
}

/** The right to run on the directory. */
export interface Claim {
  /** Makes the address known. */
  announce(address: { url: string; opsUrl?: string }): void;
  release(): void;
}

/** Who runs there now, if anyone. */
export function runningInstance(dir: DataDir): Instance | undefined {
  let instance: Instance;
  try {
    instance = JSON.parse(readFileSync(dir.instance, "utf8")) as Instance;
  } catch {
    return undefined;
  }
  const same = isAlive(instance.pid) && startOf(instance.pid) === instance.start;
  return same ? instance : undefined;
}

/** Takes the directory, or says who has it. */
export async function claimDataDir(
  dir: DataDir,
  command: Instance["command"],
): Promise<Claim | Instance> {
  privateDir(dir.root);
  const release = await guard(`${dir.instance}.lock`);
  try {
    const running = runningInstance(dir);
    if (running !== undefined && running.pid !== process.pid) return running;
    const own: Instance = { pid: process.pid, start: startOf(process.pid), command };
    const write = (instance: Instance): void =>
      writePrivate(dir.instance, JSON.stringify(instance));
    write(own);
    return {
      announce: (address) => write({ ...own, ...address }),
      release: () => rmSync(dir.instance, { force: true }),
    };
  } finally {
    release();
  }
}

export const isClaim = (result: Claim | Instance): result is Claim => "release" in result;

/** Held for a few milliseconds; one this old was left by a process that was killed while it held it. */
const GUARD_STALE_MS = 5_000;
const GUARD_POLL_MS = 10;

/** Makes looking and taking one step: without it two starts could both find the directory free. */
async function guard(path: string): Promise<() => void> {
  for (;;) {
    try {
      const fd = openSync(path, "wx", 0o600);
      writeSync(fd, String(process.pid));
      closeSync(fd);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > GUARD_STALE_MS) rmSync(path, { force: true });
    else await sleep(GUARD_POLL_MS);
  }
}
