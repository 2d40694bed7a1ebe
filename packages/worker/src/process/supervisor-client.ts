// The worker's side of the socket, and how a supervisor is found or started.
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { ProcessIdentity } from "./process-identity.ts";
import { receive, send, type SupervisorMessage, type WorkerMessage } from "./protocol.ts";
import { liveSupervisors, type Registration } from "./registration.ts";

/** Far beyond what a loaded machine needs to start Node. */
const START_LIMIT_MS = 30_000;

export class SupervisorClient {
  readonly registration: Registration;
  readonly #socket: Socket;

  private constructor(registration: Registration, socket: Socket) {
    this.registration = registration;
    this.#socket = socket;
  }

  static async connect(
    registration: Registration,
    handle: (message: SupervisorMessage) => void,
    closed: (client: SupervisorClient) => void,
  ): Promise<SupervisorClient> {
    const socket = connect(registration.socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    const client = new SupervisorClient(registration, socket);
    // Its close follows and says the same.
    socket.on("error", () => {});
    socket.on("close", () => closed(client));
    receive(socket, handle);
    return client;
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  send(message: WorkerMessage): void {
    send(this.#socket, message);
  }

  /** Leaves the supervisor running. */
  disconnect(): Promise<void> {
    if (this.#socket.closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#socket.once("close", () => resolve());
      this.#socket.end();
    });
  }

  get closed(): Promise<void> {
    if (this.#socket.closed) return Promise.resolve();
    return new Promise((resolve) => this.#socket.once("close", () => resolve()));
  }

  isOf(supervisor: ProcessIdentity): boolean {
    const { pid, start } = this.registration;
    return supervisor.pid === pid && supervisor.start === start;
  }
}

export interface SupervisorSettings {
  readonly dataDir: string;
  readonly version: string;
  /** The compiled supervisor-main. */
  readonly entry: string;
  readonly idleMs: number;
  /** Without a word from a worker for this long it stops its Pods. */
  readonly awayMs: number;
}

/** Starts a supervisor and waits until it is registered. */
export const startSupervisor = async (settings: SupervisorSettings): Promise<Registration> => {
  const { dataDir, version, entry, idleMs, awayMs } = settings;
  mkdirSync(dataDir, { recursive: true });
  const log = openSync(join(dataDir, "supervisor.log"), "a", 0o600);
  const times = [String(idleMs), String(awayMs)];
  const argv = ["--max-semi-space-size=1", entry, dataDir, version, ...times];
  const child = spawn(process.execPath, argv, {
    cwd: "/",
    detached: true,
    env: { PATH: process.env["PATH"] ?? "", TMPDIR: process.env["TMPDIR"] ?? "/tmp" },
    stdio: ["ignore", "ignore", log, "pipe"],
  });
  closeSync(log);
  const ready = child.stdio[3] as Readable;
  await new Promise<void>((resolve, reject) => {
    const failed = (why: string): void =>
      reject(
        new Error(`the supervisor did not start (${why}); see ${join(dataDir, "supervisor.log")}`),
      );
    const timer = setTimeout(() => failed("no answer"), START_LIMIT_MS);
    ready.once("data", resolve);
    child.once("exit", (code) => failed(`exit code ${code}`));
    child.once("error", (error) => failed(error.message));
    ready.once("close", () => clearTimeout(timer));
  });
  ready.destroy();
  child.unref();
  const found = liveSupervisors(dataDir).find(({ pid }) => pid === child.pid);
  if (found === undefined) throw new Error("the supervisor is not registered");
  return found;
};
