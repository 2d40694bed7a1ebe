// Live progress of a Job on stderr: a line that redraws itself on a terminal, a line a change otherwise.
import type { Job } from "@gantry/sdk";
import { humanDuration } from "../duration.ts";

export interface ProgressOutput {
  write(text: string): void;
  readonly isTTY: boolean;
  readonly columns: number;
}

const BAR_WIDTH = 20;
const REDRAW_MS = 250;
/** Without a terminal, not more than one line in this time. */
const PLAIN_EVERY_MS = 1_000;
const CLEAR_LINE = "\r\u001B[2K";

export class Progress {
  readonly #out: ProgressOutput;
  readonly #now: () => number;
  readonly #startedAtMs: number;
  #job: Job | undefined;
  #drawn = false;
  #lastText = "";
  #lastAtMs = Number.NEGATIVE_INFINITY;
  /** Program output stands in the current line: a redraw would overwrite it. */
  #midLine = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(out: ProgressOutput, now: () => number = Date.now) {
    this.#out = out;
    this.#now = now;
    this.#startedAtMs = now();
    if (out.isTTY) this.#timer = setInterval(() => this.#draw(), REDRAW_MS).unref();
  }

  update(job: Job): void {
    this.#job = job;
    if (this.#out.isTTY) this.#draw();
    else this.#plain();
  }

  /** A message of its own line. */
  note(text: string): void {
    this.#clear();
    this.#out.write(`gantry: ${text}\n`);
    this.#draw();
  }

  /** Lets somebody else write to the terminal. `endsLine`: whether that text ends a line. */
  around(write: () => void, endsLine: boolean): void {
    this.#clear();
    write();
    this.#midLine = !endsLine;
    this.#draw();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#clear();
  }

  #clear(): void {
    if (this.#drawn) this.#out.write(CLEAR_LINE);
    this.#drawn = false;
  }

  #draw(): void {
    if (this.#timer === undefined || this.#job === undefined || this.#midLine) return;
    const elapsed = humanDuration(this.#now() - this.#startedAtMs);
    const text = `${progressBar(this.#job)}${progressText(this.#job)}  ${elapsed}`;
    this.#out.write(`${CLEAR_LINE}${text.slice(0, Math.max(10, this.#out.columns - 1))}`);
    this.#drawn = true;
  }

  #plain(): void {
    if (this.#job === undefined) return;
    const text = progressText(this.#job);
    if (text === this.#lastText || this.#now() - this.#lastAtMs < PLAIN_EVERY_MS) return;
    this.#lastText = text;
    this.#lastAtMs = this.#now();
    this.#out.write(`gantry: ${text}\n`);
  }
}

/** `[=====>              ]  `, for Jobs that say how many Pods must succeed. */
function progressBar(job: Job): string {
  const wanted = job.spec?.completions;
  if (wanted === undefined || wanted < 2) return "";
  const full = Math.min(BAR_WIDTH, Math.floor((BAR_WIDTH * (job.status?.succeeded ?? 0)) / wanted));
  const head = full < BAR_WIDTH ? ">" : "";
  return `[${"=".repeat(full)}${head}${" ".repeat(BAR_WIDTH - full - head.length)}] `;
}

export function progressText(job: Job): string {
  const { spec, status } = job;
  const succeeded = status?.succeeded ?? 0;
  const ready = status?.ready ?? 0;
  const starting = Math.max(0, (status?.active ?? 0) - ready);
  const parts = [
    spec?.completions === undefined
      ? `${succeeded} succeeded`
      : `${succeeded}/${spec.completions} succeeded`,
    ...(ready > 0 ? [`${ready} running`] : []),
    ...(starting > 0 ? [`${starting} starting`] : []),
    ...(status?.terminating ? [`${status.terminating} ending`] : []),
    ...(status?.failed ? [`${status.failed} failed`] : []),
    ...(spec?.suspend === true ? ["suspended"] : []),
  ];
  return `${job.metadata.name}: ${parts.join(", ")}`;
}
