// The installation that is overloaded: Redis, api, scheduler and worker, each a process of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../../packages/cli/dist/main.js", import.meta.url));
const START_MS = 30_000;

export interface Installation {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
  readonly redisUrl: string;
  /** Of the scheduler. */
  readonly metricsUrl: string;
  readonly pids: Readonly<Record<string, number>>;
  /** What `gantry doctor` says. */
  doctor(): Promise<{ readonly code: number | null; readonly text: string }>;
  stop(): Promise<void>;
}

export interface InstallationOptions {
  readonly maxPendingJobs: number;
}

interface Part {
  readonly child: ChildProcess;
  readonly stderr: () => string;
}

const launch = (command: string, args: readonly string[]): Part => {
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  // The beginning says where it listens; a soak is long, and the rest is not read.
  child.stderr?.on("data", (data: Buffer) => {
    if (stderr.length < 65_536) stderr += data.toString();
  });
  return { child, stderr: () => stderr };
};

const said = async (part: Part, pattern: RegExp): Promise<string> => {
  const deadline = performance.now() + START_MS;
  for (;;) {
    const found = pattern.exec(part.stderr());
    if (found !== null) return found[1] ?? "";
    if (part.child.exitCode !== null || performance.now() > deadline) {
      throw new Error(`a part did not start:\n${part.stderr()}`);
    }
    await sleep(20);
  }
};

/** A heap that grows beyond this ends the process, and the soak with it. */
const HEAP_MIB = 256;

const gantry = (words: readonly string[]): Part =>
  launch(process.execPath, [`--max-old-space-size=${HEAP_MIB}`, main, ...words]);

export const startInstallation = async (options: InstallationOptions): Promise<Installation> => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-soak-"));
  const socket = join(dir, "redis.sock");
  const redis = launch("redis-server", [
    ...["--port", "0", "--unixsocket", socket, "--dir", dir, "--save", ""],
    ...["--appendonly", "yes", "--appendfsync", "everysec"],
  ]);
  const redisUrl = `unix://${socket}`;
  const shared = ["--redis", redisUrl];
  const parts: Record<string, Part> = { redis };
  const stop = async (): Promise<void> => {
    for (const { child } of Object.values(parts).toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      await exit;
    }
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await sleep(500);
    const api = gantry([
      ...["api", ...shared, "--data-dir", dir, "--listen", "127.0.0.1:0"],
      ...["--runtime", "simulated", "--max-pending-jobs", String(options.maxPendingJobs)],
    ]);
    parts["api"] = api;
    const url = await said(api, /ready at (https:\S+)/);
    const scheduler = gantry(["scheduler", ...shared, "--metrics-listen", "127.0.0.1:0"]);
    parts["scheduler"] = scheduler;
    const port = await said(scheduler, /metrics on port (\d+)/);
    const worker = gantry([
      ...["worker", ...shared, "--data-dir", join(dir, "worker"), "--runtime", "simulated"],
      ...["--concurrency", "500", "--cpu", "10000", "--memory", "10Ti", "--pods", "500"],
    ]);
    parts["worker"] = worker;
    await said(worker, /(ready)/);
    return {
      url,
      redisUrl,
      metricsUrl: `http://127.0.0.1:${port}`,
      ca: await readFile(join(dir, "tls/ca.crt"), "utf8"),
      token: (await readFile(join(dir, "token"), "utf8")).trim(),
      pids: Object.fromEntries(
        Object.entries(parts).map(([name, { child }]) => [name, child.pid ?? 0]),
      ),
      async doctor() {
        const child = spawn(process.execPath, [main, "doctor", ...shared, "--data-dir", dir]);
        let text = "";
        child.stdout.on("data", (data: Buffer) => (text += data.toString()));
        const [code] = (await once(child, "close")) as [number | null];
        return { code, text };
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
