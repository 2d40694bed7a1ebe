// A simulated world: a clock, processes, and the steps that they wait for. Nothing here takes real time.
import type { Random } from "./random.ts";

/** 14 November 2023: any time whose seconds are whole. */
const START_MS = 1_700_000_000_000;

/** A process that can die or stand still at any step. What it held in memory dies with it. */
export class SimulatedProcess {
  readonly name: string;
  alive = true;
  /** Stands still (a stalled machine, a long collection) until then. */
  pausedUntilMs = 0;

  constructor(name: string) {
    this.name = name;
  }
}

/** What one process is about to do to the world outside it: one command, one queue call. */
export interface Step {
  readonly process: SimulatedProcess;
  readonly what: string;
  /** How it may go wrong: `kill` names crash points, `fault` what the caller may be told instead. */
  readonly run: (how: StepFault | undefined) => Promise<void> | void;
}

/**
 * `refused`: not done, the caller gets an error. `unheard`: done, the caller gets an error.
 * `resent`: done twice, the caller gets the second answer (a connection that came back).
 * `cut`: of several parts only some are done, and the process dies.
 */
export type StepFault = "refused" | "unheard" | "resent" | "cut";

interface Appointment {
  readonly atMs: number;
  readonly order: number;
  readonly what: string;
  readonly run: () => void;
}

export class World {
  readonly random: Random;
  readonly trace: string[] = [];
  nowMs = START_MS;
  steps: Step[] = [];
  #agenda: Appointment[] = [];
  #order = 0;
  /** Looked at between two steps, undisturbed. */
  audits: (() => Promise<void>)[] = [];

  constructor(random: Random) {
    this.random = random;
  }

  say(text: string): void {
    this.trace.push(`${((this.nowMs - START_MS) / 1000).toFixed(3).padStart(9)} ${text}`);
  }

  /** A dead process takes no more steps: whoever waits for this one waits for ever. */
  step(process: SimulatedProcess, what: string, run: Step["run"]): void {
    if (process.alive) this.steps.push({ process, what, run });
  }

  at(atMs: number, what: string, run: () => void): void {
    this.#agenda.push({ atMs: Math.ceil(atMs), order: this.#order++, what, run });
  }

  get nextAtMs(): number {
    return this.#agenda.reduce((least, { atMs }) => Math.min(least, atMs), Infinity);
  }

  /** Moves the clock and does what is due by then, in order. */
  moveTo(atMs: number): void {
    this.nowMs = Math.max(this.nowMs, atMs);
    for (;;) {
      let first: Appointment | undefined;
      for (const one of this.#agenda) {
        if (one.atMs > this.nowMs) continue;
        if (first === undefined || one.atMs < first.atMs) first = one;
        else if (one.atMs === first.atMs && one.order < first.order) first = one;
      }
      if (first === undefined) return;
      const due = first;
      this.#agenda = this.#agenda.filter((one) => one !== due);
      this.say(`-- ${due.what}`);
      due.run();
    }
  }

  sleep(process: SimulatedProcess, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      let over = false;
      const end = (): void => {
        if (over) return;
        over = true;
        this.step(process, "wakes up", () => resolve());
      };
      this.at(this.nowMs + ms, `${process.name} has slept`, end);
      signal?.addEventListener("abort", end);
      if (signal?.aborted === true) end();
    });
  }

  runnable(): Step[] {
    return this.steps.filter((step) => step.process.pausedUntilMs <= this.nowMs);
  }

  take(step: Step): void {
    this.steps.splice(this.steps.indexOf(step), 1);
  }

  kill(process: SimulatedProcess): void {
    process.alive = false;
    this.steps = this.steps.filter((step) => step.process !== process);
  }
}

/** Lets everything that follows from a step happen, up to the next steps. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
