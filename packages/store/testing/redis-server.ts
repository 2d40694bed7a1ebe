// A real Redis of a test's own: private socket, private directory, gone afterwards.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";

export interface TestRedis {
  readonly url: string;
  /** SIGKILL; `restart` starts it again on the same directory and socket. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const exited = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });

const answers = async (path: string, child: ChildProcess): Promise<void> => {
  const redis = new Redis({ path, lazyConnect: true, retryStrategy: () => 20 });
  redis.on("error", () => {});
  try {
    await Promise.race([
      (async () => {
        // PING answers LOADING while the append-only file is read.
        while ((await redis.ping().catch(() => "")) !== "PONG") {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      })(),
      exited(child).then(() => {
        throw new Error("redis-server did not start");
      }),
    ]);
  } finally {
    redis.disconnect();
  }
};

/** `appendOnly`: keeps every write (`appendfsync always`), so that a kill loses nothing. */
export const startRedis = async (how: { appendOnly?: boolean } = {}): Promise<TestRedis> => {
  const directory = await mkdtemp(join(tmpdir(), "gantry-redis-"));
  const socket = join(directory, "redis.sock");
  const launch = async (): Promise<ChildProcess> => {
    const args = ["--port", "0", "--unixsocket", socket, "--dir", directory, "--save", ""];
    if (how.appendOnly === true) args.push("--appendonly", "yes", "--appendfsync", "always");
    const child = spawn("redis-server", args, { stdio: "ignore" });
    await answers(socket, child);
    return child;
  };
  let child = await launch();
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited(child);
  };
  return {
    url: `unix://${socket}`,
    kill,
    async restart() {
      child = await launch();
    },
    async stop() {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
};
