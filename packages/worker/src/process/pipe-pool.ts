// Real pipes for the containers' output. Node gives children socket pairs, and a program that opens
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

export class PipePool {
  readonly #directory: string;
  #ready: string[] = [];
  #made = 0;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#directory = directory;
  }

  open(): OutputPipe {
    if (this.#ready.length === 0) this.#fill();
    const path = this.#ready.pop() ?? "";
    const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writeEnd = openSync(path, constants.O_WRONLY);
    unlinkSync(path);
    return { writeEnd, output: new Socket({ fd: readEnd, readable: true, writable: false }) };
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
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

export const closeWriteEnd = (pipe: OutputPipe): void => closeSync(pipe.writeEnd);
