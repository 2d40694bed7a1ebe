// What is left on the machine and in Redis once everything is deleted and stopped.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { processesWith } from "../support/processes.ts";
import { type Installation, workerNames } from "./installation.ts";
import type { ChaosRedis } from "./redis.ts";

const CELL = "{gantry}:";

/** Kept on purpose while the installation lives. */
const KEPT = new Set(
  "rv meta fence settled leases usage shared evx members schedulers bell".split(" "),
);
const KEPT_OBJECTS = /^[oi]:(nodes|namespaces|events|serviceaccounts|configmaps|leases)$/;

/** Keys of objects that are gone: timers, dirty marks, indexes, queue jobs. */
export const redisLeftovers = (redis: ChaosRedis): Promise<string[]> =>
  redis.ask(async (connection) => {
    const left: string[] = [];
    for (const full of (await connection.keys(`${CELL}*`)).toSorted()) {
      const key = full.slice(CELL.length);
      if (KEPT.has(key) || KEPT_OBJECTS.test(key)) continue;
      if (/^(w|inbox|q):/.test(key)) continue;
      // What expires by itself is not left for ever.
      if ((await connection.ttl(full)) > 0) continue;
      left.push(`${key} (${await sample(connection, full)})`);
    }
    for (const name of ["pods", "pods-process", "pods-simulated"]) {
      for (const [state, command] of [
        ["active", "llen"],
        ["wait", "llen"],
        ["paused", "llen"],
        ["delayed", "zcard"],
      ] as const) {
        const key = `${CELL}q:${name}:${state}`;
        const count = Number(await connection.call(command, key));
        if (count > 0) left.push(`queue ${name}: ${count} ${state}`);
      }
    }
    return left;
  });

const sample = async (
  connection: Parameters<Parameters<ChaosRedis["ask"]>[0]>[0],
  key: string,
): Promise<string> => {
  const type = await connection.type(key);
  const read = {
    hash: () => connection.hgetall(key),
    set: () => connection.smembers(key),
    zset: () => connection.zrange(key, "0", "-1", "WITHSCORES"),
    list: () => connection.lrange(key, 0, -1),
  }[type];
  return read === undefined ? type : JSON.stringify(await read()).slice(0, 300);
};

/** Directories of Pods in the workers' data directories. */
export const podDirectories = async (installation: Installation): Promise<string[]> => {
  const left: string[] = [];
  for (const name of workerNames) {
    const pods = join(installation.part(name).dataDir, "pods");
    for (const entry of await readdir(pods).catch(() => [])) left.push(`${name}: ${entry}`);
  }
  return left;
};

/** Processes and mounts of a directory, redis-server left out. */
export const machineLeftovers = async (directory: string): Promise<string[]> => {
  const processes = [...(await processesWith(directory))].flatMap(([pid, command]) =>
    command.startsWith("redis-server") || command === "" ? [] : [`process ${pid}: ${command}`],
  );
  const mounts = (await readFile("/proc/mounts", "utf8"))
    .split("\n")
    .filter(
      (line) => line.includes(`${directory}/`) && !line.includes(`${directory}/worker-1 tmpfs`),
    )
    .map((line) => `mount ${line}`);
  return [...processes, ...mounts];
};
