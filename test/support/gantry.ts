// Starts the real command line as a user does, in a data directory of the test's own.
import { type ChildProcess, spawn } from "node:child_process";
import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Gantry } from "@gantry/sdk";
import { emptySharedRedis, sharedRedisUrl } from "./shared-redis.ts";
import { waitFor } from "./wait-for.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const main = join(root, "packages/cli/dist/main.js");

export const example = (name: string): string => join(root, "examples", name);

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Environment of a fresh user: nothing of the test's own leaks in. */
const environment = (extra: Record<string, string>): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  HOME: tmpdir(),
  ...extra,
});

/** Runs a program to its end. */
export const runProgram = (
  command: string,
  args: readonly string[],
  extra: Record<string, string> = {},
  input = "",
  cwd = root,
): Promise<Finished> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: environment(extra), cwd });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
    child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
    child.stdin.end(input);
  });

export const runGantry = (
  args: readonly string[],
  extra: Record<string, string> = {},
  input = "",
): Promise<Finished> => runProgram(process.execPath, [main, ...args], extra, input);

const exited = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });

/** One `gantry` process that goes on: `up`, `api`, `scheduler` or `worker`. */
export class GantryProcess {
  readonly child: ChildProcess;
  #stderr = "";

  constructor(args: readonly string[], extra: Record<string, string> = {}) {
    this.child = spawn(process.execPath, [main, ...args], {
      env: environment(extra),
      cwd: root,
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.child.stderr?.on("data", (data: Buffer) => {
      this.#stderr += data.toString();
    });
  }

  get stderr(): string {
    return this.#stderr;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await exited(this.child);
  }

  /** As Ctrl-C does. Resolves with the exit code. */
  async stop(): Promise<number | null> {
    this.child.kill("SIGINT");
    await exited(this.child);
    return this.child.exitCode;
  }
}

export interface Installation {
  readonly dataDir: string;
  readonly kubeconfig: string;
  process: GantryProcess;
  readonly client: Gantry;
  kubectl(...args: string[]): Promise<Finished>;
  gantry(...args: string[]): Promise<Finished>;
  /** Starts `up` again on the same data directory. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export const freshDataDir = (): Promise<string> => mkdtemp(join(tmpdir(), "gantry-test-"));

export const waitForFile = (path: string): Promise<void> =>
  waitFor(`${path} to exist`, () =>
    access(path).then(
      () => true,
      () => undefined,
    ),
  ).then(() => {});

/** `gantry up`, ready to take Jobs. */
export const gantryUp = (...extra: string[]): Promise<Installation> => gantryUpWith({}, ...extra);

/** The same, with variables in its environment. */
export const gantryUpWith = async (
  variables: Record<string, string>,
  ...extra: string[]
): Promise<Installation> => {
  const dataDir = await freshDataDir();
  const kubeconfig = join(dataDir, "kubeconfig");
  if (sharedRedisUrl !== undefined) await emptySharedRedis(sharedRedisUrl);
  const args = [
    ...["up", "--data-dir", dataDir, "--listen", "127.0.0.1:0", "--ops-listen", "off"],
    ...(sharedRedisUrl === undefined ? [] : ["--redis", sharedRedisUrl]),
    ...extra,
  ];
  let client: Gantry | undefined;
  const launch = async (): Promise<GantryProcess> => {
    await rm(kubeconfig, { force: true });
    const process_ = new GantryProcess(args, variables);
    await Promise.race([
      waitForFile(kubeconfig),
      exited(process_.child).then(() => {
        throw new Error(`gantry up ended: ${process_.stderr}`);
      }),
    ]);
    client = Gantry.fromKubeconfig(kubeconfig);
    await waitFor("gantry to be ready", async () => (await client?.ready()) || undefined);
    return process_;
  };
  const installation: Installation = {
    dataDir,
    kubeconfig,
    process: await launch(),
    get client() {
      if (client === undefined) throw new Error("not started");
      return client;
    },
    kubectl: (...words) => runProgram("kubectl", ["--kubeconfig", kubeconfig, ...words]),
    gantry: (...words) => runGantry([...words, "--data-dir", dataDir]),
    async restart() {
      installation.process = await launch();
    },
    async stop() {
      await installation.process.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  return installation;
};
