// A Pod's journal on disk: who runs it, which processes it has, and every state it was in.
// Lines of JSON, appended in single writes and never synced: it has to survive the death of
// processes, not of the machine, and a Pod's processes don't survive that either.
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
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

const journalPath = (podDirectory: string): string => join(podDirectory, "journal");

export class Journal {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** `null` when the Pod has a journal: whoever made it has the right to run the Pod. */
  static create(podDirectory: string): Journal | null {
    try {
      return new Journal(openSync(journalPath(podDirectory), "ax", 0o600));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return null;
      throw error;
    }
  }

  /** For the end of a Pod whose supervisor is dead. */
  static reopen(podDirectory: string): Journal {
    return new Journal(openSync(journalPath(podDirectory), "a", 0o600));
  }

  append(...entries: readonly JournalEntry[]): void {
    writeSync(this.#fd, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  }

  close(): void {
    closeSync(this.#fd);
  }
}

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
