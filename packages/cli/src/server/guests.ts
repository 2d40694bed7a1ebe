// Commands that use a Gantry which belongs to a `gantry run`: its owner waits for them before it stops.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { DataDir } from "../data-dir.ts";
import { privateDir, writePrivate } from "../private-file.ts";
import { isAlive, startOf } from "../process-identity.ts";

/** Registers this process; the result takes it off the list again. */
export function checkIn(dir: DataDir): () => void {
  const file = join(privateDir(dir.guests), String(process.pid));
  writePrivate(file, startOf(process.pid) ?? "");
  return () => rmSync(file, { force: true });
}

/** How many others are there; files of processes that are gone are cleared away. */
export function countGuests(dir: DataDir): number {
  let names: string[];
  try {
    names = readdirSync(dir.guests);
  } catch {
    return 0;
  }
  let count = 0;
  for (const name of names) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    if (isAlive(pid) && startOf(pid) === readStart(dir, name)) count++;
    else rmSync(join(dir.guests, name), { force: true });
  }
  return count;
}

function readStart(dir: DataDir, name: string): string | undefined {
  try {
    return readFileSync(join(dir.guests, name), "utf8") || undefined;
  } catch {
    return undefined;
  }
}
