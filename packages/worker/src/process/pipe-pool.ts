// Real pipes for the containers' output and input. Node gives children socket pairs, and a program that opens
// /dev/stdout or /dev/stderr by name (`echo failed > /dev/stderr`) fails on a socket.
import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync, rmSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";

/** Named pipes made by one run of mkfifo(1), so that its cost is spread over this many. */
const BATCH = 64;

export interface OutputPipe {
  /** To be given to the child, then closed. */
  readonly writeEnd: number;
  readonly output: Socket;
}

export interface InputPipe {
  /** To be given to the child, then closed. */
  readonly readEnd: number;
  readonly input: Socket;
}

export class PipePool {
  readonly #directory: string;
  #ready: string[] = [];
  #made = 0;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#directory = directory;
  }

  open(): OutputPipe {
    const path = this.#take();
    const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writeEnd = openSync(path, constants.O_WRONLY);
    unlinkSync(path);
    return { writeEnd, output: new Socket({ fd: readEnd, readable: true, writable: false }) };
  }

  openInput(): InputPipe {
    const path = this.#take();
    // Opened for both it waits for nobody, and then neither does either end.
    const both = openSync(path, constants.O_RDWR);
    const readEnd = openSync(path, constants.O_RDONLY);
    const writeEnd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    closeSync(both);
    unlinkSync(path);
    return { readEnd, input: new Socket({ fd: writeEnd, readable: false, writable: true }) };
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #take(): string {
    if (this.#ready.length === 0) this.#fill();
    return this.#ready.pop() ?? "";
  }

  #fill(): void {
    const paths = Array.from({ length: BATCH }, () => join(this.#directory, String(this.#made++)));
    const { status, error, stderr } = spawnSync("mkfifo", ["-m", "666", ...paths], {
      env: { PATH: "/usr/bin:/bin:/usr/local/bin" },
    });
    if (status !== 0) throw new Error(`mkfifo failed: ${error?.message ?? stderr.toString()}`);
    this.#ready = paths;
  }
}

export const closeReadEnd = (pipe: InputPipe): void => closeSync(pipe.readEnd);

export const closeWriteEnd = (pipe: OutputPipe): void => closeSync(pipe.writeEnd);
