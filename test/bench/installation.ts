// Gantry as a user starts it, beside the benchmark's Redis: one process, or its parts apart.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Submitter } from "./submitter.ts";

const main = fileURLToPath(new URL("../../../packages/cli/dist/main.js", import.meta.url));

/** Pods at once of one worker: more than any row asks for. */
const CONCURRENCY = "1000";

const START_DEADLINE_MS = 30_000;

/** How many processes of each, beside one API. */
export interface Apart {
  readonly schedulers: number;
  readonly workers: number;
}

export interface InstallationOptions {
  readonly redisUrl: string;
  readonly runtime: "simulated" | "process";
  /** Parts as processes of their own; all in one process where it is left out. */
  readonly apart: Apart | undefined;
  /** Where CPU profiles are written. */
  readonly profileDir: string | undefined;
}

export interface Installation {
  readonly submitter: Submitter;
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

const launch = (words: readonly string[], profileDir: string | undefined): ChildProcess =>
  spawn(
    process.execPath,
    [
      // As `gantry` does.
      "--max-semi-space-size=64",
      ...(profileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`]),
      main,
      ...words,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

const stopped = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
};

const commands = (options: InstallationOptions, dir: string): string[][] => {
  const redis = ["--redis", options.redisUrl, "--runtime", options.runtime];
  const api = ["--listen", "127.0.0.1:0", "--ops-listen", "off", "--data-dir", dir];
  const pods = ["--concurrency", CONCURRENCY];
  const { apart } = options;
  if (apart === undefined) return [["up", ...redis, ...api, ...pods]];
  const worker = (name: string): string[] => [
    "worker",
    ...redis,
    ...pods,
    "--node",
    name,
    "--data-dir",
    join(dir, name),
  ];
  return [
    ["api", ...redis, ...api],
    ...Array.from({ length: apart.schedulers }, () => ["scheduler", "--redis", options.redisUrl]),
    ...Array.from({ length: apart.workers }, (_, n) => worker(`bench-${n + 1}`)),
  ];
};

export const startInstallation = async (options: InstallationOptions): Promise<Installation> => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-bench-data-"));
  let stderr = "";
  const children = commands(options, dir).map((words) => launch(words, options.profileDir));
  for (const child of children) {
    child.stderr?.on("data", (data: Buffer) => (stderr += data.toString()));
  }
  const stop = async (): Promise<void> => {
    await Promise.all(children.toReversed().map(stopped));
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const submitter = await connected(children, dir, () => stderr);
    return {
      submitter,
      pids: children.map((child) => child.pid ?? 0),
      async stop() {
        submitter.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** Resolves when the API is ready to take Jobs. */
const connected = async (
  children: readonly ChildProcess[],
  dir: string,
  stderr: () => string,
): Promise<Submitter> => {
  const deadline = performance.now() + START_DEADLINE_MS;
  const check = (): void => {
    const over = children.some((child) => child.exitCode !== null) || performance.now() > deadline;
    if (over) throw new Error(`Gantry did not start:\n${stderr()}`);
  };
  let url: string | undefined;
  while (url === undefined) {
    check();
    await pause();
    url = /ready at (https:\S+)/.exec(stderr())?.[1];
  }
  const submitter = new Submitter({
    url,
    ca: await readFile(join(dir, "tls/ca.crt"), "utf8"),
    token: (await readFile(join(dir, "token"), "utf8")).trim(),
  });
  while (!(await submitter.ready())) {
    check();
    await pause();
  }
  return submitter;
};

const TICKS_PER_SECOND = 100;

/** Processor time of a process so far, in milliseconds; 0 where /proc does not tell. */
export const cpuMs = async (pid: number): Promise<number> => {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 1000) / TICKS_PER_SECOND;
};
