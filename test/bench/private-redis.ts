// A Redis server of the benchmark's own, with the settings of production: append-only file, synced every second.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";

export interface PrivateRedis {
  readonly url: string;
  readonly pid: number;
  readonly client: Redis;
  stop(): Promise<void>;
}

/** What the server did so far. */
export interface RedisCounters {
  /** All commands, those that scripts called included. */
  readonly commands: number;
  /** Scripts that clients ran. */
  readonly scripts: number;
  readonly scriptMicros: number;
  /** Reads from clients' sockets: requests that were sent together count once. */
  readonly reads: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export const startPrivateRedis = async (): Promise<PrivateRedis> => {
  const directory = await mkdtemp(join(tmpdir(), "gantry-bench-"));
  const socket = join(directory, "redis.sock");
  const child = spawn(
    "redis-server",
    [
      `--port 0 --unixsocket ${socket} --dir ${directory} --save`.split(" "),
      "",
      "--appendonly yes --appendfsync everysec --maxmemory-policy noeviction".split(" "),
    ].flat(),
    { stdio: "ignore" },
  );
  const failed = once(child, "exit").then(() => {
    throw new Error("redis-server ended");
  });
  failed.catch(() => {});
  const client = new Redis({ path: socket, retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on("error", () => {});
  await Promise.race([client.ping(), failed]);
  return {
    url: `unix://${socket}`,
    pid: child.pid ?? 0,
    client,
    async stop() {
      client.disconnect();
      child.kill("SIGKILL");
      await failed.catch(() => {});
      await rm(directory, { recursive: true, force: true });
    },
  };
};

const field = (info: string, name: string): number =>
  Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0);

export const redisCounters = async (client: Pick<Redis, "info">): Promise<RedisCounters> => {
  const [stats, commandStats] = await Promise.all([
    client.info("stats"),
    client.info("commandstats"),
  ]);
  let [scripts, scriptMicros] = [0, 0];
  for (const [, calls, micros] of commandStats.matchAll(
    /^cmdstat_eval(?:sha)?:calls=(\d+),usec=(\d+)/gm,
  )) {
    scripts += Number(calls);
    scriptMicros += Number(micros);
  }
  return {
    commands: field(stats, "total_commands_processed"),
    scripts,
    scriptMicros,
    reads: field(stats, "total_reads_processed"),
    bytesIn: field(stats, "total_net_input_bytes"),
    bytesOut: field(stats, "total_net_output_bytes"),
  };
};

export const usedMemory = async (client: Redis): Promise<number> =>
  field(await client.info("memory"), "used_memory");
