// A Pod's journal on disk: who runs it, which processes it has, and every state it was in.
// Lines of JSON, appended in single writes and never synced: it has to survive the death of
// processes, not of the machine, and a Pod's processes don't survive that either.
import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Observation } from "../runtime.ts";
import type { ProcessIdentity } from "./process-identity.ts";

export type JournalEntry =
  | {
      /** `null`: a worker took the journal to make sure that nothing starts. */
      readonly supervisor: ProcessIdentity | null;
      /** The machine's boot in which this was written, where it is known. */
      readonly boot?: string | undefined;
      readonly namespace: string;
      readonly name: string;
      readonly names: readonly string[];
    }
  | { readonly process: ProcessIdentity }
  | { readonly observation: Observation };

export interface JournalContent {
  readonly supervisor: ProcessIdentity | null;
  readonly boot?: string | undefined;
  readonly namespace: string;
  readonly name: string;
  /** Init containers' names, then the containers', in the spec's order. */
  readonly names: readonly string[];
  readonly processes: readonly ProcessIdentity[];
  readonly observation: Observation | null;
}

/** A full disk is looked at again after this long. */
const RETRY_MS = 500;

const journalPath = (podDirectory: string): string => join(podDirectory, "journal");

export class Journal {
  readonly #fd: number;
  /** What a full disk did not take yet. */
  #unwritten = Buffer.alloc(0);
  #retry: NodeJS.Timeout | undefined;
  #closing = false;
  #onWritten: (() => void)[] = [];

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * `null` when the Pod has a journal: whoever made it has the right to run the Pod. Throws, and
   * leaves no journal, when its first entries can't be written.
   */
  static create(podDirectory: string, ...entries: readonly JournalEntry[]): Journal | null {
    const path = journalPath(podDirectory);
    let fd: number;
    try {
      fd = openSync(path, "ax", 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return null;
      throw error;
    }
    try {
      const text = Buffer.from(lines(entries));
      for (let from = 0; from < text.length;) from += writeSync(fd, text, from);
    } catch (error) {
      closeSync(fd);
      rmSync(path, { force: true });
      throw error;
    }
    return new Journal(fd);
  }

  /** For the end of a Pod whose supervisor is dead. */
  static reopen(podDirectory: string): Journal {
    return new Journal(openSync(journalPath(podDirectory), "a", 0o600));
  }

  /** What the disk does not take now is written as soon as it does; the Pod goes on meanwhile. */
  append(...entries: readonly JournalEntry[]): void {
    this.#unwritten = Buffer.concat([this.#unwritten, Buffer.from(lines(entries))]);
    this.#write();
  }

  /** Resolves when everything appended is on disk. */
  written(): Promise<void> {
    if (this.#unwritten.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onWritten.push(resolve));
  }

  /** Nothing more is appended. */
  close(): void {
    this.#closing = true;
    if (this.#unwritten.length === 0) closeSync(this.#fd);
  }

  #write(): void {
    clearTimeout(this.#retry);
    try {
      while (this.#unwritten.length > 0) {
        this.#unwritten = this.#unwritten.subarray(writeSync(this.#fd, this.#unwritten));
      }
    } catch {
      this.#retry = setTimeout(() => this.#write(), RETRY_MS).unref();
      return;
    }
    if (this.#closing) closeSync(this.#fd);
    for (const resolve of this.#onWritten.splice(0)) resolve();
  }
}

const lines = (entries: readonly JournalEntry[]): string =>
  entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");

const parsed = (line: string): JournalEntry | null => {
  try {
    return JSON.parse(line) as JournalEntry;
  } catch {
    // The last line of a writer that was killed in the middle.
    return null;
  }
};

/** `null` when the Pod has no journal: nothing of it was ever started here. */
export const readJournal = (podDirectory: string): JournalContent | null => {
  let text: string;
  try {
    text = readFileSync(journalPath(podDirectory), "utf8");
  } catch {
    return null;
  }
  let supervisor: ProcessIdentity | null = null;
  let boot: string | undefined;
  let [namespace, name] = ["", ""];
  let names: readonly string[] = [];
  let observation: Observation | null = null;
  const processes: ProcessIdentity[] = [];
  for (const line of text.split("\n")) {
    const entry = line === "" ? null : parsed(line);
    if (entry === null) continue;
    if ("supervisor" in entry) ({ supervisor, boot, namespace, name, names } = entry);
    else if ("process" in entry) processes.push(entry.process);
    else observation = entry.observation;
  }
  return { supervisor, boot, namespace, name, names, processes, observation };
};
