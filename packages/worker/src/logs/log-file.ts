// A container's log on disk: `<restart>-<sequence>.log`, rotated by size, the newest files kept.
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { encodeChunk, logTime, type Stream } from "./log-record.ts";

export interface LogLimits {
  readonly maxFileBytes: number;
  readonly maxFiles: number;
}

/** A kubelet's containerLogMaxSize and containerLogMaxFiles. */
export const kubeletLogLimits: LogLimits = { maxFileBytes: 10 * 1024 * 1024, maxFiles: 5 };

export const logFileName = (restart: number, sequence: number): string =>
  `${restart}-${sequence}.log`;

/** Sequences of one run's files that exist, oldest first. */
export const logSequences = (directory: string, restart: number): number[] => {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names
    .filter((name) => name.startsWith(`${restart}-`))
    .map((name) => Number.parseInt(name.slice(name.indexOf("-") + 1), 10))
    .toSorted((a, b) => a - b);
};

/**
 * Writes one run's log. Files are never renamed, so a reader goes on from one sequence to the
 * next; nothing is created before the first output, which most small Pods never have.
 */
export class LogFile {
  readonly #directory: string;
  readonly #restart: number;
  readonly #limits: LogLimits;
  #fd: number | null = null;
  #sequence = 0;
  #bytes = 0;
  /** The last record on disk is cut short. */
  #isTorn = false;

  constructor(directory: string, restart: number, limits: LogLimits) {
    this.#directory = directory;
    this.#restart = restart;
    this.#limits = limits;
  }

  /** A full disk loses output; the program and its Pod go on. */
  write(stream: Stream, chunk: Buffer): void {
    const records = encodeChunk(logTime(), stream, chunk);
    let written = 0;
    try {
      this.#rotate(records.length);
      this.#fd ??= this.#open();
      // A record that was cut short must not swallow the next.
      if (this.#isTorn) writeSync(this.#fd, "\n");
      this.#isTorn = false;
      this.#bytes += records.length;
      while (written < records.length) written += writeSync(this.#fd, records, written);
    } catch {
      this.#isTorn ||= written > 0;
    }
  }

  #rotate(bytes: number): void {
    if (this.#fd === null || this.#bytes + bytes <= this.#limits.maxFileBytes) return;
    closeSync(this.#fd);
    this.#fd = null;
    this.#isTorn = false;
    this.#sequence += 1;
    const oldest = this.#sequence - this.#limits.maxFiles;
    if (oldest >= 0) rmSync(this.#path(oldest), { force: true });
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #open(): number {
    this.#bytes = 0;
    mkdirSync(this.#directory, { recursive: true });
    return openSync(this.#path(this.#sequence), "a", 0o640);
  }

  #path(sequence: number): string {
    return join(this.#directory, logFileName(this.#restart, sequence));
  }
}

/** Logs of the present and the previous run are kept, as a kubelet keeps one dead container. */
export const dropOldLogs = (directory: string, restart: number): void => {
  for (const sequence of logSequences(directory, restart - 2)) {
    rmSync(join(directory, logFileName(restart - 2, sequence)), { force: true });
  }
};
