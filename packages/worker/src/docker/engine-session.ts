// Sessions in the engine's containers: its exec and attach, with their multiplexed streams taken apart.
import type Docker from "dockerode";
import { PassThrough, type Duplex, type Readable } from "node:stream";
import type { Session, SessionEnd, SessionRequest } from "../sessions/session.ts";
import { SessionRefused } from "../sessions/session.ts";
import { engineMessage } from "./engine-error.ts";

/** Before each piece of output: its stream, three zeros, its length. */
const HEADER_BYTES = 8;
const STDERR = 2;
/** The engine notes the exit code a moment after the streams have ended. */
const EXIT_POLL_MS = 20;
const EXIT_POLLS = 250;

type Outputs = Pick<Session, "stdout" | "stderr"> & {
  readonly stdout: PassThrough | null;
  readonly stderr: PassThrough | null;
};

const written = (to: PassThrough, data: Buffer, closed: AbortSignal): Promise<void> | undefined => {
  if (to.write(data)) return undefined;
  return new Promise((resolve) => {
    const done = (): void => {
      to.off("drain", done);
      closed.removeEventListener("abort", done);
      resolve();
    };
    to.once("drain", done);
    closed.addEventListener("abort", done);
  });
};

/** Takes the streams apart no faster than they are read. */
const demultiplex = async (
  from: Readable,
  { stdout, stderr }: Outputs,
  closed: AbortSignal,
): Promise<void> => {
  let header: Buffer = Buffer.alloc(0);
  let rest = 0;
  let to: PassThrough | null = null;
  for await (const chunk of from) {
    let data = chunk as Buffer;
    while (data.length > 0) {
      if (rest === 0) {
        header = Buffer.concat([header, data.subarray(0, HEADER_BYTES - header.length)]);
        data = data.subarray(header.length < HEADER_BYTES ? data.length : HEADER_BYTES);
        if (header.length < HEADER_BYTES) break;
        to = header[0] === STDERR ? stderr : stdout;
        rest = header.readUInt32BE(4);
        header = Buffer.alloc(0);
        continue;
      }
      const piece = data.subarray(0, rest);
      rest -= piece.length;
      data = data.subarray(piece.length);
      if (to !== null) await written(to, piece, closed);
    }
  }
};

interface Opened {
  readonly stream: Duplex;
  readonly resize: (size: { h: number; w: number }) => Promise<unknown>;
  /** Asked once the streams have ended. */
  readonly end: () => Promise<SessionEnd>;
}

const asSession = ({ stream, resize, end }: Opened, request: SessionRequest): Session => {
  const closed = new AbortController();
  const outputs: Outputs = {
    stdout: request.stdout ? new PassThrough() : null,
    stderr: request.stderr && !request.tty ? new PassThrough() : null,
  };
  stream.once("close", () => closed.abort());
  // An engine that goes away ends the stream; what the program did cannot be told then.
  const failed = (error: unknown): SessionEnd => ({
    kind: "failed",
    message: engineMessage(error),
  });
  const copy = async (): Promise<void> => {
    if (!request.tty) return demultiplex(stream, outputs, closed.signal);
    for await (const chunk of stream) {
      if (outputs.stdout !== null) await written(outputs.stdout, chunk as Buffer, closed.signal);
    }
  };
  const ended = copy()
    .then(end, failed)
    .catch(failed)
    .finally(() => {
      outputs.stdout?.end();
      outputs.stderr?.end();
    });
  return {
    ...outputs,
    stdin: request.stdin ? stream : null,
    resize: (columns, rows) => {
      // The terminal may be gone already.
      if (request.tty) resize({ h: rows, w: columns }).catch(() => {});
    },
    ended,
    abandon: () => {
      closed.abort();
      stream.destroy();
    },
  };
};

const exitOf = async (exec: Docker.Exec): Promise<SessionEnd> => {
  for (let poll = 0; poll < EXIT_POLLS; poll += 1) {
    const { Running, ExitCode } = await exec.inspect();
    if (!Running && ExitCode !== null) return { kind: "exited", exitCode: ExitCode };
    await new Promise((resolve) => setTimeout(resolve, EXIT_POLL_MS));
  }
  return { kind: "failed", message: "the engine does not say how the command ended" };
};

const openExec = async (
  container: Docker.Container,
  request: SessionRequest,
  command: readonly string[],
): Promise<Opened> => {
  const exec = await container.exec({
    Cmd: [...command],
    AttachStdin: request.stdin,
    AttachStdout: request.stdout,
    AttachStderr: request.stderr && !request.tty,
    Tty: request.tty,
  });
  const stream = await exec.start({ hijack: true, stdin: true, Tty: request.tty });
  return { stream, resize: (size) => exec.resize(size), end: () => exitOf(exec) };
};

const openAttach = async (
  container: Docker.Container,
  request: SessionRequest,
): Promise<Opened> => {
  const { stdin, stdout, stderr } = request;
  const stream = (await container.attach({
    stream: true,
    hijack: true,
    stdin,
    stdout,
    stderr,
  })) as Duplex;
  const end = (): Promise<SessionEnd> => Promise.resolve({ kind: "detached" });
  return { stream, resize: (size) => container.resize(size), end };
};

/** Opens a session in a container that runs; `config` is the engine's. */
export const openEngineSession = async (
  container: Docker.Container,
  config: { readonly Tty: boolean; readonly OpenStdin: boolean },
  request: SessionRequest,
): Promise<Session> => {
  const { command } = request;
  if (command === null && request.stdin && !config.OpenStdin) {
    throw new SessionRefused(
      `container "${request.container}" takes no standard input: it has no stdin: true`,
    );
  }
  try {
    if (command !== null) return asSession(await openExec(container, request, command), request);
    // The container has a terminal or it has none, whatever the client thinks.
    const attached = { ...request, tty: config.Tty };
    return asSession(await openAttach(container, attached), attached);
  } catch (error) {
    throw new SessionRefused(engineMessage(error), { cause: error });
  }
};
