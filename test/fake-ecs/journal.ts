// What really happened, whatever clients were told: for checkers of exactly-once. Nothing is
// purged.
import { appendFileSync } from "node:fs";

export interface ContainerRun {
  readonly name: string;
  readonly pid: number;
  readonly startedAtMs: number;
  endedAtMs: number | null;
  exitCode: number | null;
  signal: string | null;
}

/** One task from its making to its end. */
export interface TaskRun {
  readonly taskArn: string;
  readonly cluster: string;
  readonly startedBy: string | null;
  readonly clientToken: string | null;
  readonly taskDefinitionArn: string;
  /** Environment given in the overrides, of all containers: `GANTRY_POD_UID` and its like. */
  readonly environment: Readonly<Record<string, string>>;
  /** Made after the caller was told that there are only failures. */
  readonly ghost: boolean;
  readonly createdAtMs: number;
  /** When its first container ran; null if none ever did. */
  startedAtMs: number | null;
  /** When nothing of it ran any more and it was STOPPED, or gone. */
  endedAtMs: number | null;
  stopCode: string | null;
  stoppedReason: string | null;
  readonly containers: ContainerRun[];
}

export interface RequestEntry {
  readonly atMs: number;
  readonly operation: string;
  readonly input: unknown;
  /** 200 or the error's code; `dropped` when no answer went out. */
  outcome: string;
  fault: string | null;
}

/** Requests kept; the oldest go first, so that a long run by hand does not grow without end. */
const MAX_REQUESTS = 200_000;

export class Journal {
  readonly runs: TaskRun[] = [];
  readonly requests: RequestEntry[] = [];
  /** Requests that were not as the model says. */
  readonly violations: string[] = [];
  /** Faults of the fake itself, such as an answer that is not as the model says. */
  readonly defects: string[] = [];
  readonly #file: string | undefined;

  constructor(file: string | undefined) {
    this.#file = file;
  }

  /** Tasks that have not ended. */
  live(): readonly TaskRun[] {
    return this.runs.filter(({ endedAtMs }) => endedAtMs === null);
  }

  addRequest(entry: RequestEntry): void {
    this.requests.push(entry);
    if (this.requests.length > MAX_REQUESTS) this.requests.splice(0, MAX_REQUESTS / 10);
  }

  /** Writes a line to the file, if there is one. */
  note(atMs: number, what: string, about: Readonly<Record<string, unknown>>): void {
    if (this.#file === undefined) return;
    appendFileSync(this.#file, `${JSON.stringify({ atMs, what, ...about })}\n`);
  }
}
