// The installation's Redis, with the settings of production: killed, restarted on its append-only file, stood still.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readdir, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { waitFor } from "../support/wait-for.ts";

const START_DEADLINE_MS = 60_000;

const exited = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });

export class ChaosRedis {
  readonly socket: string;
  readonly #directory: string;
  #child: ChildProcess | undefined;

  constructor(directory: string) {
    this.#directory = join(directory, "redis");
    this.socket = join(this.#directory, "redis.sock");
  }

  async start(): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const settings = [
      `--port 0 --unixsocket ${this.socket} --dir ${this.#directory} --save`.split(" "),
      "",
      "--appendonly yes --appendfsync everysec --maxmemory-policy noeviction".split(" "),
    ].flat();
    const child = spawn("redis-server", settings, { stdio: "ignore" });
    this.#child = child;
    await this.ask(async (redis) => {
      // PING answers LOADING while the append-only file is read.
      await waitFor(
        "redis-server to answer",
        async () => ((await redis.ping()) === "PONG" ? true : undefined),
        START_DEADLINE_MS,
      );
    });
  }

  async kill(): Promise<void> {
    if (this.#child === undefined) return;
    this.#child.kill("SIGKILL");
    await exited(this.#child);
  }

  /** What the machine's death takes with it: the end of the file. Only while the server is dead. */
  async loseTail(bytes: number): Promise<void> {
    const directory = join(this.#directory, "appendonlydir");
    const names = (await readdir(directory)).filter((name) => name.endsWith(".incr.aof"));
    const newest = names.toSorted().at(-1);
    if (newest === undefined) return;
    const file = join(directory, newest);
    await truncate(file, Math.max(0, (await stat(file)).size - bytes));
  }

  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  /** With a connection of its own, past every proxy. */
  async ask<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis({
      path: this.socket,
      maxRetriesPerRequest: null,
      retryStrategy: () => 20,
    });
    redis.on("error", () => {});
    try {
      return await question(redis);
    } finally {
      redis.disconnect();
    }
  }
}
