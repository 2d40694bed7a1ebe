// The standard streams of one run of a container: its output goes to the log and to who is attached.
import { PassThrough, Writable } from "node:stream";
import type { LogFile } from "../logs/log-file.ts";
import type { Stream } from "../logs/log-record.ts";
import {
  type Session,
  type SessionEnd,
  SessionRefused,
  type SessionRequest,
} from "../sessions/session.ts";
import type { InputPipe, OutputPipe } from "./pipe-pool.ts";

/** What an attached client may be behind before the program is held up for it. */
const BEHIND_MAX_BYTES = 1024 * 1024;
/** A program is held up for a client that does not read no longer than this. */
const STALL_MS = 30_000;

interface Attachment {
  readonly outputs: Readonly<Record<Stream, PassThrough | null>>;
  readonly end: (end: SessionEnd) => void;
}

export interface ContainerInput {
  readonly pipe: InputPipe;
  /** The first client that ends its input ends the program's. */
  readonly once: boolean;
}

export class ContainerIo {
  readonly #pipes: Readonly<Record<Stream, OutputPipe>>;
  readonly #log: LogFile;
  readonly #input: ContainerInput | null;
  readonly #attachments = new Set<Attachment>();
  /** Streams of clients for which a pipe is not read. */
  readonly #stalled: Readonly<Record<Stream, Set<PassThrough>>> = {
    stdout: new Set(),
    stderr: new Set(),
  };
  #released = false;

  constructor(
    pipes: Readonly<Record<Stream, OutputPipe>>,
    log: LogFile,
    input: ContainerInput | null,
  ) {
    this.#pipes = pipes;
    this.#log = log;
    this.#input = input;
    // The program may close its input at any time; that is no fault.
    input?.pipe.input.on("error", () => {});
    for (const stream of ["stdout", "stderr"] as const) this.#capture(stream);
  }

  attach(request: SessionRequest): Session {
    if (request.stdin && this.#input === null) {
      throw new SessionRefused(
        `container "${request.container}" takes no standard input: it has no stdin: true`,
      );
    }
    const outputFor = (wanted: boolean): PassThrough | null =>
      wanted ? new PassThrough({ highWaterMark: BEHIND_MAX_BYTES }) : null;
    const outputs = { stdout: outputFor(request.stdout), stderr: outputFor(request.stderr) };
    let end: (end: SessionEnd) => void = () => {};
    const ended = new Promise<SessionEnd>((resolve) => (end = resolve));
    const attachment: Attachment = { outputs, end };
    this.#attachments.add(attachment);
    return {
      ...outputs,
      stdin: request.stdin ? this.#stdin() : null,
      resize: () => {},
      ended,
      abandon: () => this.#detach(attachment, { kind: "detached" }),
    };
  }

  /** The program has ended: what it left in its pipes is read whoever does not keep up. */
  release(): void {
    this.#released = true;
    this.#input?.pipe.input.destroy();
    for (const stream of ["stdout", "stderr"] as const) {
      this.#stalled[stream].clear();
      this.#pipes[stream].output.resume();
    }
  }

  /** Its output is read to the end. */
  close(): void {
    for (const attachment of this.#attachments) this.#detach(attachment, { kind: "detached" });
  }

  #capture(stream: Stream): void {
    const { output } = this.#pipes[stream];
    output.on("data", (chunk: Buffer) => {
      this.#log.write(stream, chunk);
      for (const attachment of this.#attachments) this.#pass(stream, attachment, chunk);
    });
    // A read error ends the stream; its close is what is waited for.
    output.on("error", () => output.destroy());
  }

  #pass(stream: Stream, attachment: Attachment, chunk: Buffer): void {
    const to = attachment.outputs[stream];
    if (to === null || to.write(chunk) || this.#released) return;
    const stalled = this.#stalled[stream];
    stalled.add(to);
    this.#pipes[stream].output.pause();
    const timer = setTimeout(() => {
      const message = `the client did not read for ${STALL_MS / 1000} s while the program wrote`;
      this.#detach(attachment, { kind: "failed", message });
    }, STALL_MS);
    to.once("drain", () => this.#caughtUp(stream, to));
    to.once("close", () => this.#caughtUp(stream, to));
    to.once("drain", () => clearTimeout(timer));
    to.once("close", () => clearTimeout(timer));
  }

  #caughtUp(stream: Stream, to: PassThrough): void {
    const stalled = this.#stalled[stream];
    if (stalled.delete(to) && stalled.size === 0) this.#pipes[stream].output.resume();
  }

  #detach(attachment: Attachment, end: SessionEnd): void {
    if (!this.#attachments.delete(attachment)) return;
    for (const stream of ["stdout", "stderr"] as const) {
      const to = attachment.outputs[stream];
      to?.end();
      if (to !== null) this.#caughtUp(stream, to);
    }
    attachment.end(end);
  }

  #stdin(): Writable {
    const { pipe, once } = this.#input ?? {};
    return new Writable({
      write(chunk: Buffer, _encoding, done) {
        if (pipe === undefined || pipe.input.destroyed || pipe.input.write(chunk)) return done();
        const taken = (): void => {
          pipe.input.off("drain", taken);
          pipe.input.off("close", taken);
          done();
        };
        pipe.input.on("drain", taken);
        pipe.input.on("close", taken);
      },
      final(done) {
        if (once === true) pipe?.input.end();
        done();
      },
    });
  }
}
