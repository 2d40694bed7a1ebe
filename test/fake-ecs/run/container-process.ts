// Runs a container's command as a process of this host, in a process group of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { type Mount, mountedArgv } from "./mounts.ts";
import { closeWriteEnd, type Pipe, type Pipes } from "./pipes.ts";

export interface Program {
  readonly name: string;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Undefined: a fresh directory, as an image would have one. */
  readonly workingDirectory: string | undefined;
  /** `uid` or `uid:gid`, by number or `root`. */
  readonly user: string | undefined;
  readonly mounts: readonly Mount[];
  /** The container's own place on this host, and the prefix of others. */
  readonly directory: string;
}

export interface Exit {
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
}

export interface Running {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  signal(name: NodeJS.Signals): void;
  /** Runs a command beside it, as a health check does; true when it exits with 0 in time. */
  probe(argv: readonly string[], timeoutMs: number): Promise<boolean>;
}

/** The program could not be started; the message is what a container runtime would say. */
export class StartFailure extends Error {}

/** Output that somebody outside the group holds open is not waited for longer than this. */
const DRAIN_MS = 500;
/** Added to a signal's number in the exit code. */
const SIGNALLED = 128;

const numericUser = (user: string): { uid: number; gid: number } => {
  const [uid = "", gid = uid] = user.split(":").map((part) => (part === "root" ? "0" : part));
  if (!/^\d+$/.test(uid) || !/^\d+$/.test(gid)) {
    throw new StartFailure(`unable to find user ${user}: no matching entries in passwd file`);
  }
  return { uid: Number(uid), gid: Number(gid) };
};

const runtimeError = (what: string): string =>
  `CannotStartContainerError: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: ${what}: unknown`;

const killGroup = (pid: number): void => {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Everyone in it is gone.
  }
};

/** Groups that run; none of them outlives the fake's own process. */
const alive = new Set<number>();
process.on("exit", () => {
  for (const pid of alive) killGroup(pid);
});

const closed = async (pipes: readonly Pipe[]): Promise<void> => {
  const all = pipes.map(
    ({ output }) =>
      new Promise<void>((resolve) => {
        if (output.closed) resolve();
        else output.once("close", () => resolve());
      }),
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, DRAIN_MS)));
  await Promise.race([Promise.all(all), late]);
  clearTimeout(timer);
  for (const { output } of pipes) output.destroy();
};

const startError = async (child: ChildProcess, program: Program): Promise<StartFailure> => {
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once("error", resolve));
  const [file = ""] = program.argv;
  const directory = program.workingDirectory;
  const missing = `exec: "${file}": executable file not found in $PATH`;
  if (error.code === "EACCES")
    return new StartFailure(runtimeError(`exec: "${file}": permission denied`));
  // Node says ENOENT for a missing directory too.
  const what = directory === undefined ? missing : `chdir to cwd ("${directory}") or ${missing}`;
  return new StartFailure(runtimeError(what));
};

export const startProgram = async (
  program: Program,
  pipes: Pipes,
  output: (stream: "stdout" | "stderr", chunk: Buffer) => void,
): Promise<Running> => {
  if (program.argv.length === 0) {
    throw new StartFailure(
      "CannotCreateContainerError: Error response from daemon: no command specified",
    );
  }
  const home = program.directory;
  const scratch = `${program.directory}.root`;
  const mounted = program.mounts.length > 0;
  for (const directory of mounted ? [home, scratch] : [home]) {
    mkdirSync(directory, { recursive: true, mode: 0o777 });
  }
  const cwd = program.workingDirectory ?? home;
  const argv = mounted ? mountedArgv({ ...program, cwd, scratch }) : [...program.argv];
  const credentials = program.user === undefined || mounted ? {} : numericUser(program.user);
  const [out, err] = [pipes.open(), pipes.open()];
  const child = spawn(argv[0] ?? "", argv.slice(1), {
    cwd: mounted ? "/" : cwd,
    env: { ...program.environment },
    detached: true,
    stdio: ["ignore", out.writeEnd, err.writeEnd, ...(mounted ? ["pipe" as const] : [])],
    ...credentials,
  });
  for (const pipe of [out, err]) closeWriteEnd(pipe);
  out.output.on("data", (chunk: Buffer) => output("stdout", chunk));
  err.output.on("data", (chunk: Buffer) => output("stderr", chunk));
  for (const { output: stream } of [out, err]) stream.on("error", () => stream.destroy());
  const { pid } = child;
  if (pid === undefined) {
    const failure = await startError(child, program);
    await closed([out, err]);
    throw failure;
  }
  alive.add(pid);
  const exited = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) => {
      killGroup(pid);
      alive.delete(pid);
      const exitCode = code ?? SIGNALLED + (signal === null ? 0 : constants.signals[signal]);
      void closed([out, err]).then(() => resolve({ exitCode, signal }));
    });
  });
  const mountFault = mounted ? await textOf(child.stdio[3] as Readable) : "";
  if (mountFault !== "") {
    await exited;
    throw new StartFailure(runtimeError(mountFault));
  }
  return {
    pid,
    exited,
    signal: (name) => {
      if (name === "SIGKILL") return killGroup(pid);
      try {
        process.kill(pid, name);
      } catch {
        // Gone already; its exit is on the way.
      }
    },
    probe: (probeArgv, timeoutMs) => {
      const enter = mounted ? ["nsenter", "-t", String(pid), "-m", "-r", "-w", "--"] : [];
      return probe([...enter, ...probeArgv], { cwd, env: program.environment }, timeoutMs);
    },
  };
};

const textOf = async (stream: Readable): Promise<string> => {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text.trim();
};

const probe = (
  argv: readonly string[],
  { cwd, env }: { cwd: string; env: Readonly<Record<string, string>> },
  timeoutMs: number,
): Promise<boolean> =>
  new Promise((resolve) => {
    const options = { cwd, env: { ...env }, detached: true, stdio: "ignore" as const };
    const child = spawn(argv[0] ?? "", argv.slice(1), options);
    const timer = setTimeout(() => {
      if (child.pid !== undefined) killGroup(child.pid);
    }, timeoutMs);
    child.once("error", () => {
      clearTimeout(timer);
      resolve(false);
    });
    child.once("exit", (code) => {
      clearTimeout(timer);
      resolve(code === 0);
    });
  });
