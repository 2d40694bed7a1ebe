// Writes the output of Pods to stdout, byte for byte, at the pace its reader takes it.
import { once } from "node:events";
import type { Writable } from "node:stream";
import type { Progress } from "./progress.ts";

const NEWLINE = 0x0a;

export class LogWriter {
  readonly #out: Writable;
  readonly #progress: Pick<Progress, "around" | "note">;
  readonly #prefix: boolean;
  /** The Pod whose text stands in an unfinished line. */
  #openLineOf: string | undefined;
  #closed = false;

  constructor(out: Writable, progress: Pick<Progress, "around" | "note">, prefix: boolean) {
    this.#out = out;
    this.#progress = progress;
    this.#prefix = prefix;
    out.on("error", () => this.#lost());
  }

  /** `line` ends with a newline, or is a Pod's last. */
  async write(pod: string, line: Buffer): Promise<void> {
    if (this.#closed) return;
    const parts: Buffer[] = [];
    if (this.#openLineOf !== undefined && this.#openLineOf !== pod) parts.push(Buffer.from("\n"));
    if (this.#prefix) parts.push(Buffer.from(`[${pod}] `));
    parts.push(line);
    const whole = line.at(-1) === NEWLINE;
    this.#openLineOf = whole ? undefined : pod;
    let room = true;
    this.#progress.around(() => {
      room = this.#out.write(Buffer.concat(parts));
    }, whole);
    if (!room && !this.#closed)
      await Promise.race([once(this.#out, "drain"), once(this.#out, "close")]);
  }

  /** Ends an unfinished line where a person reads it; a file keeps it as it is. */
  end(): void {
    const terminal = (this.#out as Writable & { isTTY?: boolean }).isTTY === true;
    if (this.#openLineOf !== undefined && terminal) this.#out.write("\n");
    this.#openLineOf = undefined;
  }

  /** The reader went away (`| head`): the Job goes on, its output is still in its log. */
  #lost(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#progress.note("nobody reads the output any more; the Job goes on");
  }
}
