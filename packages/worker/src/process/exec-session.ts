// A command of a client's beside a running container: its streams, its terminal, its end.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { constants } from "node:os";
import { PassThrough, type Readable } from "node:stream";
import type { Session, SessionEnd, SessionRequest } from "../sessions/session.ts";
import { SessionRefused } from "../sessions/session.ts";
import { besideLaunch, type ProcessHost } from "./beside-launch.ts";
import { signalGroup } from "./leftovers.ts";
import { closeReadEnd, closeWriteEnd, type OutputPipe, type PipePool } from "./pipe-pool.ts";
import type { ContainerPlan } from "./pod-plan.ts";

/** What a command gets to end in when its client is gone. */
const HANGUP_GRACE_MS = 2000;
/** Output that a process which left the group still holds open is not waited for longer than this. */
const DRAIN_MS = 500;
const LOOKS = 5;
const SIGNAL_BASE = 128;
/** The descriptor on which the name of the terminal is told. */
const TERMINAL_DESCRIPTOR = 3;

export interface ExecSession extends Session {
  kill(): void;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

let terminals: boolean | undefined;

/** Whether script(1) is util-linux's, which has the options that we need. */
const hasTerminals = (): boolean => {
  const env = { PATH: "/usr/bin:/bin" };
  terminals ??=
    process.platform === "linux" &&
    /util-linux/.test(spawnSync("script", ["--version"], { env }).stdout?.toString() ?? "");
  return terminals;
};

const TERMINALS_NEED =
  "the process runtime gives commands a terminal by script(1) of util-linux, which this host " +
  "does not have: leave the terminal out (tty: false, kubectl exec without -t)";

/** script(1) opens a terminal and runs `argv` in it. */
const inTerminal = (argv: readonly string[]): string[] => {
  const told = `tty >&${TERMINAL_DESCRIPTOR}; exec ${TERMINAL_DESCRIPTOR}>&-; exec `;
  const command = told + argv.map(quoted).join(" ");
  return ["script", "-q", "-e", "-f", "-E", "always", "-c", command, "/dev/null"];
};

/** Tells a terminal its size, once its name is known. */
class TerminalSize {
  #name: string | null = null;
  #size: readonly [columns: number, rows: number] | null = null;

  named(name: string): void {
    this.#name = name;
    this.#apply();
  }

  set(columns: number, rows: number): void {
    this.#size = [columns, rows];
    this.#apply();
  }

  #apply(): void {
    if (this.#name === null || this.#size === null) return;
    const [columns, rows] = this.#size.map(String);
    const argv = ["-F", this.#name, "cols", columns ?? "", "rows", rows ?? ""];
    // The terminal may be gone already.
    spawn("stty", argv, { stdio: "ignore", env: { PATH: "/usr/bin:/bin" } }).on("error", () => {});
  }
}

const exitOf = (child: ChildProcess, argv: readonly string[]): Promise<SessionEnd> =>
  new Promise((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "ENOENT" ? "executable file not found in $PATH" : error.message;
      resolve({ kind: "failed", message: `exec: ${JSON.stringify(argv[0] ?? "")}: ${why}` });
    });
    child.once("exit", (code, signal) => {
      const number = signal === null ? 0 : constants.signals[signal];
      resolve({ kind: "exited", exitCode: code ?? SIGNAL_BASE + number });
    });
  });

interface FollowedOutput {
  readonly stream: Readable;
  /** The command has ended: so does its output, unless a process that left the group goes on. */
  finish(): void;
}

const follow = ({ output }: OutputPipe): FollowedOutput => {
  const stream = new PassThrough();
  let movedMs = 0;
  output.on("data", (chunk: Buffer) => {
    movedMs = performance.now();
    if (!stream.write(chunk)) output.pause();
  });
  stream.on("drain", () => {
    movedMs = performance.now();
    output.resume();
  });
  output.on("error", () => output.destroy());
  output.once("close", () => stream.end());
  return {
    stream,
    finish: () => {
      movedMs = performance.now();
      const look = setInterval(() => {
        // A client that reads slowly gets all of it: only an empty pipe is given up.
        const idle = !output.isPaused() && performance.now() - movedMs > DRAIN_MS;
        if (idle || stream.destroyed) output.destroy();
      }, DRAIN_MS / LOOKS);
      output.once("close", () => clearInterval(look));
    },
  };
};

/** Starts the command; `pid` is the container's first process. Throws `SessionRefused`. */
export const openExec = (
  plan: ContainerPlan,
  pod: ProcessHost,
  pid: number,
  pipes: PipePool,
  request: SessionRequest & { readonly command: readonly string[] },
): ExecSession => {
  const { tty, command } = request;
  if (tty && !hasTerminals()) throw new SessionRefused(TERMINALS_NEED);
  const { argv, ...options } = besideLaunch(plan, pod, pid, command, tty);
  const shown = tty ? inTerminal(argv) : argv;
  const input = request.stdin ? pipes.openInput() : null;
  const stdout = request.stdout ? pipes.open() : null;
  const stderr = request.stderr && !tty ? pipes.open() : null;
  const child = spawn(shown[0] ?? "", shown.slice(1), {
    ...options,
    env: tty ? { TERM: "xterm", ...plan.env, SHELL: "/bin/sh" } : plan.env,
    detached: true,
    stdio: [
      input?.readEnd ?? "ignore",
      stdout?.writeEnd ?? "ignore",
      // What script(1) itself has to say belongs to the output, too.
      stderr?.writeEnd ?? (tty ? stdout?.writeEnd : undefined) ?? "ignore",
      ...(tty ? (["pipe"] as const) : []),
    ],
  });
  if (input !== null) closeReadEnd(input);
  for (const pipe of [stdout, stderr]) if (pipe !== null) closeWriteEnd(pipe);
  const size = new TerminalSize();
  child.stdio[TERMINAL_DESCRIPTOR]?.once("data", (name: Buffer) =>
    size.named(name.toString().trim()),
  );
  const signal = (name: NodeJS.Signals): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      signalGroup(child.pid, name);
  };
  const outputs = { stdout: stdout && follow(stdout), stderr: stderr && follow(stderr) };
  const ended = exitOf(child, command).finally(() => {
    if (child.pid !== undefined) signalGroup(child.pid, "SIGKILL");
    input?.input.destroy();
    outputs.stdout?.finish();
    outputs.stderr?.finish();
  });
  return {
    stdin: input?.input ?? null,
    stdout: outputs.stdout?.stream ?? null,
    stderr: outputs.stderr?.stream ?? null,
    resize: (columns, rows) => size.set(columns, rows),
    ended,
    abandon: () => {
      input?.input.destroy();
      outputs.stdout?.stream.destroy();
      outputs.stderr?.stream.destroy();
      signal("SIGHUP");
      setTimeout(() => signal("SIGKILL"), HANGUP_GRACE_MS);
    },
    kill: () => signal("SIGKILL"),
  };
};
