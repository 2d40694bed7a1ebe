// What a session is: a command run in a container, or an attachment to its program, with its streams.
import type { Readable, Writable } from "node:stream";

export interface SessionRequest {
  readonly container: string;
  /** Of exec; `null` attaches to the program that runs. */
  readonly command: readonly string[] | null;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export type SessionEnd =
  | { readonly kind: "exited"; readonly exitCode: number }
  /** An attachment ended: the program has, or its output is cut off from us. */
  | { readonly kind: "detached" }
  | { readonly kind: "failed"; readonly message: string };

export interface Session {
  /** Absent where it was not asked for. Ending it is the end of the program's input. */
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  /** With a terminal all output is on stdout. */
  readonly stderr: Readable | null;
  /** Of the terminal; without one nothing happens. */
  resize(columns: number, rows: number): void;
  /** Resolves when the command has ended; its output may still have to be read. Never rejects. */
  readonly ended: Promise<SessionEnd>;
  /** The client is gone. */
  abandon(): void;
}

/** Says to the client why there is no session. */
export class SessionRefused extends Error {
  override name = "SessionRefused";
}
