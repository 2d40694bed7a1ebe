// Starts one run of a container as a local process and collects what it leaves: output and exit.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { LogFile } from "../logs/log-file.ts";
import type { ContainerExit } from "../pod/container-driver.ts";
import { type ExecResult, MAX_EXEC_OUTPUT_BYTES } from "../pod/prober.ts";
import { besideLaunch, type ProcessHost } from "./beside-launch.ts";
import { Cgroup, joiningArgv } from "./cgroup.ts";
import { ContainerIo } from "./container-io.ts";
import { signalGroup } from "./leftovers.ts";
import { mountedArgv } from "./mount-script.ts";
import { closeReadEnd, closeWriteEnd, type OutputPipe, type PipePool } from "./pipe-pool.ts";
import type { ContainerPlan } from "./pod-plan.ts";
import { processStart, type ProcessIdentity } from "./process-identity.ts";

export interface ContainerProcess {
  /** `null` when it could not be started. */
  readonly identity: ProcessIdentity | null;
  readonly io: ContainerIo | null;
  /** Resolves once the process is gone, its group is killed and its output is in the log. */
  readonly exited: Promise<ContainerExit>;
}

/** Output that a process which left the group still holds open is not waited for longer than this. */
const DRAIN_MS = 500;
/** Exit code of a container that could not be started, as containerd reports it. */
const START_ERROR_CODE = 128;

const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};

const missingProgram = (plan: ContainerPlan, program: string): string =>
  `this host has no program "${program}"; the process runtime uses the host's programs and ignores ` +
  `the image ${plan.image}: the runtimes that would use it are docker and ecs`;

const spawnFault = (plan: ContainerPlan, error: NodeJS.ErrnoException): string => {
  const program = plan.argv[0] ?? "";
  try {
    if (!statSync(plan.cwd).isDirectory()) return `working directory ${plan.cwd} is no directory`;
  } catch {
    return `working directory ${plan.cwd} does not exist`;
  }
  if (error.code === "ENOENT") return missingProgram(plan, program);
  if (error.code === "EACCES") return `program "${program}" is not executable: permission denied`;
  return `program "${program}" could not be started: ${error.message}`;
};

const drained = async (pipes: readonly OutputPipe[]): Promise<void> => {
  const closed = pipes.map(
    ({ output }) =>
      new Promise<void>((resolve) => {
        if (output.destroyed) resolve();
        else output.once("close", () => resolve());
      }),
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, DRAIN_MS)));
  await Promise.race([Promise.all(closed), late]);
  clearTimeout(timer);
  for (const { output } of pipes) output.destroy();
};

const errorFileOf = (podDirectory: string, container: string): string =>
  join(podDirectory, `start-error-${container}`);

/** Whether the container's process still makes its mounts or enters its control group. */
export const isPreparing = (plan: ContainerPlan, pod: ProcessHost, pid: number): boolean => {
  if (plan.mounts === undefined && plan.limits === undefined) return false;
  try {
    // Until it becomes the program it has the script, or its parts, as arguments.
    const argv = readFileSync(`/proc/${pid}/cmdline`, "latin1");
    return argv.includes(errorFileOf(pod.directory, plan.name));
  } catch {
    return false;
  }
};

/** What the script that prepares a container wrote before the program could run. */
const startFault = (plan: ContainerPlan, errorFile: string): string | undefined => {
  let text: string;
  try {
    text = readFileSync(errorFile, "utf8").trim();
  } catch {
    return undefined;
  }
  rmSync(errorFile, { force: true });
  if (text === "") return undefined;
  return text.startsWith("program:") ? missingProgram(plan, text.slice("program:".length)) : text;
};

interface Launch {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly credentials: { uid: number; gid: number } | undefined;
  readonly errorFile?: string | undefined;
}

const launchOf = (
  plan: ContainerPlan,
  podDirectory: string,
  rootless: boolean,
  group: Cgroup | null,
): Launch => {
  const launch = ungroupedLaunch(plan, podDirectory, rootless, group !== null);
  if (group === null) return launch;
  const errorFile = errorFileOf(podDirectory, plan.name);
  const program = plan.mounts === undefined ? (plan.argv[0] ?? "") : (launch.argv[0] ?? "");
  return { ...launch, errorFile, argv: joiningArgv(group, errorFile, program, launch.argv) };
};

/** `keepsUser`: the first program has work to do as the worker's user before it becomes another. */
const ungroupedLaunch = (
  plan: ContainerPlan,
  podDirectory: string,
  rootless: boolean,
  keepsUser: boolean,
): Launch => {
  if (plan.mounts !== undefined) {
    const scratch = join(podDirectory, "scratch");
    const errorFile = errorFileOf(podDirectory, plan.name);
    mkdirSync(scratch, { recursive: true });
    const argv = mountedArgv(plan, rootless, scratch, errorFile);
    return { argv, cwd: "/", credentials: undefined, errorFile };
  }
  if (plan.user === undefined) return { argv: plan.argv, cwd: plan.cwd, credentials: undefined };
  const { uid, gid, groups } = plan.user;
  if (groups.length === 0 && !keepsUser) {
    return { argv: plan.argv, cwd: plan.cwd, credentials: { uid, gid } };
  }
  const ids = ["--reuid", String(uid), "--regid", String(gid)];
  const others = groups.length === 0 ? ["--clear-groups"] : ["--groups", groups.join(",")];
  const argv = ["setpriv", ...ids, ...others, "--", ...plan.argv];
  return { argv, cwd: plan.cwd, credentials: undefined };
};

const groupOf = (plan: ContainerPlan, { uid, cgroupRoot }: ProcessHost): Cgroup | null => {
  const path = Cgroup.pathOf(cgroupRoot, uid, plan);
  return path === null || plan.limits === undefined ? null : Cgroup.create(path, plan.limits);
};

export const startContainer = (
  plan: ContainerPlan,
  pod: ProcessHost,
  pipes: PipePool,
  log: LogFile,
): ContainerProcess => {
  let group: Cgroup | null;
  try {
    group = groupOf(plan, pod);
  } catch (error) {
    const startError = `limits could not be set: ${(error as Error).message}`;
    log.close();
    const exited = Promise.resolve({ exitCode: START_ERROR_CODE, startError });
    return { identity: null, io: null, exited };
  }
  const launch = launchOf(plan, pod.directory, pod.rootless, group);
  const [stdout, stderr] = [pipes.open(), pipes.open()];
  const input = plan.stdin === undefined ? null : pipes.openInput();
  const child = spawn(launch.argv[0] ?? "", launch.argv.slice(1), {
    cwd: launch.cwd,
    env: plan.env,
    // A session of its own: no terminal, and one group to signal.
    detached: true,
    stdio: [input?.readEnd ?? "ignore", stdout.writeEnd, stderr.writeEnd],
    ...launch.credentials,
  });
  closeWriteEnd(stdout);
  closeWriteEnd(stderr);
  if (input !== null) closeReadEnd(input);
  const once = plan.stdin === "once";
  const io = new ContainerIo({ stdout, stderr }, log, input && { pipe: input, once });
  const { pid } = child;
  const start = pid === undefined ? null : processStart(pid);
  const exited = ended(plan, child).then(async (exit) => {
    // As the end of a container's first process ends all of them.
    if (pid !== undefined) signalGroup(pid, "SIGKILL");
    io.release();
    await drained([stdout, stderr]);
    log.close();
    io.close();
    const outOfMemory = group?.ranOutOfMemory === true;
    await group?.remove();
    const fault = launch.errorFile === undefined ? undefined : startFault(plan, launch.errorFile);
    if (fault !== undefined) return { ...exit, exitCode: START_ERROR_CODE, startError: fault };
    return outOfMemory ? { ...exit, reason: "OOMKilled" } : exit;
  });
  return { identity: pid === undefined ? null : { pid, start: start ?? "" }, io, exited };
};

const ended = (plan: ContainerPlan, child: ChildProcess): Promise<ContainerExit> =>
  new Promise((resolve) => {
    child.once("error", (error) =>
      resolve({
        exitCode: START_ERROR_CODE,
        startError: spawnFault(plan, error),
      }),
    );
    child.once("exit", (code, name) => {
      const signal = name === null ? undefined : (signalNumbers[name] ?? 0);
      resolve({ exitCode: code ?? START_ERROR_CODE + (signal ?? 0), signal });
    });
  });

/** Runs a probe's or hook's command beside a running container. */
export const execBeside = (
  plan: ContainerPlan,
  pod: ProcessHost,
  pid: number,
  command: readonly string[],
  timeoutMs: number,
): Promise<ExecResult> =>
  new Promise((resolve) => {
    const { argv, ...options } = besideLaunch(plan, pod, pid, command, false);
    const child = spawn(argv[0] ?? "", argv.slice(1), {
      ...options,
      env: plan.env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let timedOut = false;
    const keep = (chunk: Buffer): void => {
      if (output.length < MAX_EXEC_OUTPUT_BYTES) output += chunk.toString();
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const timer = setTimeout(() => {
      timedOut = true;
      if (child.pid !== undefined) signalGroup(child.pid, "SIGKILL");
    }, timeoutMs);
    const done = (exitCode: number, text: string): void => {
      clearTimeout(timer);
      resolve({ exitCode, output: text.slice(0, MAX_EXEC_OUTPUT_BYTES), timedOut });
    };
    child.once("error", (error) => done(-1, error.message));
    child.once("exit", (code) => {
      if (child.pid !== undefined) signalGroup(child.pid, "SIGKILL");
      setImmediate(() => done(code ?? -1, output));
    });
  });
