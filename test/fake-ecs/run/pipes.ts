// Pipes for containers' output. Node gives children socket pairs, and a program that opens
// /dev/stdout by name fails on a socket; containers have real pipes.
import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";

/** Named pipes made by one mkfifo(1), to spread its cost. */
const BATCH = 64;

export interface Pipe {
  readonly output: Socket;
  /** For the child; `closeWriteEnd` once it has it. */
  readonly writeEnd: number;
}

export class Pipes {
  readonly #directory: string;
  readonly #ready: string[] = [];
  #made = 0;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#directory = directory;
  }

  open(): Pipe {
    if (this.#ready.length === 0) this.#make();
    const path = this.#ready.pop() ?? "";
    const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writeEnd = openSync(path, constants.O_WRONLY);
    unlinkSync(path);
    return { writeEnd, output: new Socket({ fd: readEnd, readable: true, writable: false }) };
  }

  #make(): void {
    const paths = Array.from({ length: BATCH }, () => join(this.#directory, `${this.#made++}`));
    // Whoever a container runs as may open its output by name.
    const { status, stderr } = spawnSync("mkfifo", ["-m", "666", ...paths]);
    if (status !== 0) throw new Error(`mkfifo failed: ${String(stderr)}`);
    this.#ready.push(...paths);
  }
}

export const closeWriteEnd = ({ writeEnd }: Pipe): void => closeSync(writeEnd);
