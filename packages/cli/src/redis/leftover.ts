// Stops a Redis that an earlier Gantry left on the same data directory: two on one append-only file would ruin it.
import { readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { commandLine, isAlive } from "../process-identity.ts";
import { redisCommand } from "./command.ts";
import type { RedisFiles } from "./files.ts";

/** Time for Redis to flush and go by itself before it is killed. */
const STOP_TIMEOUT_MS = 5_000;
const POLL_MS = 10;

export async function stopLeftover(files: RedisFiles): Promise<void> {
  const pid = leftoverPid(files);
  const answer = await redisCommand(files.socket, "SHUTDOWN").catch(() => "");
  if (answer === null && pid === undefined) return removeTraces(files);
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const gone = (await redisCommand(files.socket, "PING").catch(() => "")) === null;
    if (gone && leftoverPid(files) === undefined) return removeTraces(files);
    await sleep(POLL_MS);
  }
  // It hangs (stopped, or on a dead disk). The pid was checked to be a Redis of this very socket.
  const hanging = leftoverPid(files);
  if (hanging !== undefined) process.kill(hanging, "SIGKILL");
  while (leftoverPid(files) !== undefined) await sleep(POLL_MS);
  removeTraces(files);
}

/** The process in the pid file, if it is alive and a Redis of this directory: pids are used again. */
function leftoverPid(files: RedisFiles): number | undefined {
  let text: string;
  try {
    text = readFileSync(files.pid, "utf8");
  } catch {
    return undefined;
  }
  const pid = Number.parseInt(text, 10);
  if (!(pid > 1) || !isAlive(pid)) return undefined;
  const command = commandLine(pid);
  return command.includes(files.socket) || command.includes(files.config) ? pid : undefined;
}

function removeTraces(files: RedisFiles): void {
  rmSync(files.socket, { force: true });
  rmSync(files.pid, { force: true });
}
