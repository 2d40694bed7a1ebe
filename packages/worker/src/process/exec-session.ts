// A command of a client's beside a running container: its streams, its terminal, its end.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import type { Readable } from "node:stream";
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
      const number = signal === null ? 0 : signalNumber(signal);
      resolve({ kind: "exited", exitCode: code ?? SIGNAL_BASE + number });
    });
  });

/** The output's end, or soon after the command's. */
const closeAfter = async (pipes: readonly OutputPipe[]): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const closed = pipes.map(
    ({ output }) =>
      new Promise<void>((resolve) => {
        if (output.readableEnded || output.destroyed) resolve();
        else output.once("close", () => resolve());
      }),
  );
  const idle = new Promise<void>((resolve) => {
    const wait = (): void => {
      timer = setTimeout(resolve, DRAIN_MS);
    };
    wait();
    // As long as the client reads what is there, there may be more.
    for (const { output } of pipes) {
      output.on("data", () => {
        clearTimeout(timer);
        wait();
      });
    }
  });
  await Promise.race([Promise.all(closed), idle]);
  clearTimeout(timer);
};
