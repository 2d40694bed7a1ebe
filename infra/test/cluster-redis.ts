// A Redis Cluster of one node, whose user has the rights that the stack gives to Gantry's in MemoryDB.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ACCESS, REDIS_USER } from "../src/redis-memorydb.ts";

export const PASSWORD = "p".repeat(64);
const ADMIN = "administrator";

export interface ClusterRedis {
  /** Without the password. */
  readonly url: string;
  /** Commands and keys that the user was refused. */
  refusals(): string[];
  stop(): Promise<void>;
}

/** Ports that nobody listens on. Another process may take one meanwhile; it is asked for at once. */
export const freePorts = async (count: number): Promise<number[]> => {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, "127.0.0.1", () => {
            const address = server.address();
            resolve(typeof address === "object" && address !== null ? address.port : 0);
          }),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
};

const program = ["redis-server", "valkey-server"].find((name) => {
  try {
    execFileSync(name, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});

/** Why there can be none here; null when there can. */
export const noRedis = program === undefined ? "needs redis-server or valkey-server" : null;

export const startClusterRedis = async (dir: string): Promise<ClusterRedis> => {
  const [port = 0, busPort = 0] = await freePorts(2);
  mkdirSync(dir);
  const config = join(dir, "redis.conf");
  writeFileSync(
    config,
    [
      `port ${port}`,
      "bind 127.0.0.1",
      `dir ${dir}`,
      'save ""',
      "maxmemory-policy noeviction",
      "cluster-enabled yes",
      "cluster-announce-ip 127.0.0.1",
      `cluster-port ${busPort}`,
      "user default off",
      `user ${REDIS_USER} ${ACCESS} >${PASSWORD}`,
      `user ${ADMIN} on >${ADMIN} ~* &* +@all`,
    ].join("\n"),
  );
  const server = spawn(program ?? "", [config], { stdio: "ignore" });
  const ask = (...words: string[]): string =>
    execFileSync(
      program === "valkey-server" ? "valkey-cli" : "redis-cli",
      ["-p", String(port), "--user", ADMIN, "--pass", ADMIN, "--no-auth-warning", ...words],
      { encoding: "utf8" },
    );
  const endMs = Date.now() + 20_000;
  for (;;) {
    try {
      if (ask("cluster", "info").includes("cluster_slots_assigned:0")) {
        ask("cluster", "addslotsrange", "0", "16383");
      }
      if (ask("cluster", "info").includes("cluster_state:ok")) break;
    } catch (error) {
      if (server.exitCode !== null) throw error;
    }
    if (Date.now() > endMs) throw new Error("the Redis Cluster does not come up");
    await sleep(50);
  }
  return {
    url: `redis+cluster://${REDIS_USER}@127.0.0.1:${port}`,
    refusals: () =>
      ask("acl", "log")
        .split("\n")
        .filter((line) => line.trim() !== ""),
    async stop() {
      const gone = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGTERM");
      await gone;
    },
  };
};
