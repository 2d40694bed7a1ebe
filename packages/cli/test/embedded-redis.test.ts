// The private Redis: it starts, keeps what it has, comes back when killed, and never outlives its Gantry.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isAlive } from "../src/process-identity.ts";
import { redisCommand } from "../src/redis/command.ts";
import { type EmbeddedRedis, startEmbeddedRedis } from "../src/redis/embedded.ts";
import { redisFiles } from "../src/redis/files.ts";
import { installedRedis } from "../src/redis/find.ts";

let root: string;
let dir: string;
const open: EmbeddedRedis[] = [];
const children: ChildProcess[] = [];

beforeEach((context) => {
  if (installedRedis() === undefined) context.skip("there is no redis-server on this machine");
  root = mkdtempSync(join(tmpdir(), "gantry-redis-"));
  dir = join(root, "redis");
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const redis of open.splice(0)) await redis.close();
  if (root !== undefined) rmSync(root, { recursive: true, force: true });
});

const start = async (onRestart: (detail: string) => void = () => undefined) => {
  const redis = await startEmbeddedRedis({ dir, say: () => undefined, onRestart });
  open.push(redis);
  return redis;
};
const pid = (): number => Number(readFileSync(redisFiles(dir).pid, "utf8"));
const command = (text: string) => redisCommand(redisFiles(dir).socket, text);

async function until(what: string, check: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen in 10 s`);
    await sleep(10);
  }
}

describe("the embedded Redis", () => {
  test("is private, appends to a file, never evicts, and is gone after close", async () => {
    const redis = await start();
    expect(redis.url).toMatch(/^unix:\/\/\/.*redis\.sock$/);
    const config = await info("server", "memory", "persistence");
    expect(config).toMatch(/tcp_port:0/);
    expect(config).toMatch(/maxmemory_policy:noeviction/);
    expect(config).toMatch(/aof_enabled:1/);
    const process = pid();
    await redis.close();
    expect(isAlive(process)).toBe(false);
    expect(await redisCommand(redisFiles(dir).socket, "PING")).toBeNull();
  });

  test("keeps what was written for the next start", async () => {
    const first = await start();
    expect(await command("SET kept yes")).toBe("+OK");
    await first.close();
    await start();
    expect(await command("EXISTS kept")).toBe(":1");
  });

  test("is started again within a second when it is killed, with its data", async () => {
    const restarts: string[] = [];
    await start((detail) => restarts.push(detail));
    await command("SET kept yes");
    process.kill(pid(), "SIGKILL");
    const killedAtMs = Date.now();
    await until("the restart", async () => (await command("PING").catch(() => "")) === "+PONG");
    expect(Date.now() - killedAtMs).toBeLessThan(1_000);
    expect(await command("EXISTS kept")).toBe(":1");
    expect(restarts).toHaveLength(1);
  });

  test("replaces a Redis that was left on the directory, and never runs beside it", async () => {
    const files = redisFiles(dir);
    const server = installedRedis() ?? "";
    const args = [
      "--port",
      "0",
      "--unixsocket",
      files.socket,
      "--dir",
      dir,
      "--pidfile",
      files.pid,
    ];
    const stray = spawn(server, [...args, "--appendonly", "yes", "--save", ""], {
      stdio: "ignore",
    });
    children.push(stray);
    await until("the stray Redis", async () => (await command("PING")) === "+PONG");
    await command("SET kept yes");
    await start();
    expect(pid()).not.toBe(stray.pid);
    expect(isAlive(stray.pid ?? 0)).toBe(false);
    expect(await command("EXISTS kept")).toBe(":1");
  });

  test("works in a directory whose path is too long for a socket, or has spaces", async () => {
    dir = join(root, "a directory with spaces", "x".repeat(120));
    mkdirSync(dir, { recursive: true });
    await start();
    expect(await command("PING")).toBe("+PONG");
    expect(redisFiles(dir).socket.length).toBeLessThan(104);
  });
});

describe("a Gantry that is killed", () => {
  test.each(["SIGKILL", "SIGTERM"] as const)("by %s takes its Redis with it", async (signal) => {
    const built = new URL("../dist/redis/embedded.js", import.meta.url);
    const program = `
      const { startEmbeddedRedis } = await import(${JSON.stringify(built.href)});
      await startEmbeddedRedis({ dir: ${JSON.stringify(dir)}, say() {} });
      setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    children.push(holder);
    await until("Redis", async () => (await command("PING")) === "+PONG");
    const redis = pid();
    holder.kill(signal);
    await until("the end of Redis", () => !isAlive(redis));
  });
});

/** The lines of INFO; the one-line client above is not enough for them. */
async function info(...sections: string[]): Promise<string> {
  const socket = connect(redisFiles(dir).socket);
  socket.write(`INFO ${sections.join(" ")}\r\nQUIT\r\n`);
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}
