// The supervisor's side of sessions: each is a connection to a socket of its own.
import { chmodSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { Readable } from "node:stream";
import { type Session, SessionRefused } from "../sessions/session.ts";
import {
  encodeFrame,
  endFrame,
  type Frame,
  frame,
  readFrames,
  type SupervisorSessionRequest,
  writeFrame,
} from "./session-frames.ts";

/** While a program does not read its input we don't read either, and look this often for the worker. */
const LOOK_MS = 1000;

export type OpenSession = (request: SupervisorSessionRequest) => Promise<Session>;

const pump = async (socket: Socket, type: number, from: Readable | null): Promise<void> => {
  if (from === null) return;
  for await (const chunk of from) await writeFrame(socket, type, chunk as Buffer);
};

const drained = async (socket: Socket, stdin: NonNullable<Session["stdin"]>): Promise<void> => {
  const look = setInterval(() => void writeFrame(socket, frame.noop), LOOK_MS);
  await new Promise<void>((resolve) => {
    const done = (): void => {
      for (const event of ["drain", "close", "error"]) stdin.off(event, done);
      socket.off("close", done);
      resolve();
    };
    for (const event of ["drain", "close", "error"]) stdin.on(event, done);
    socket.on("close", done);
  });
  clearInterval(look);
};

const handle = async (socket: Socket, session: Session, { type, data }: Frame): Promise<void> => {
  const { stdin } = session;
  switch (type) {
    case frame.stdin:
      if (stdin === null || stdin.destroyed || stdin.writableEnded) return;
      if (!stdin.write(data)) await drained(socket, stdin);
      return;
    case frame.stdinEnd:
      stdin?.end();
      return;
    case frame.resize:
      session.resize(data.readUInt16BE(0), data.readUInt16BE(2));
  }
};

const serve = async (socket: Socket, open: OpenSession): Promise<void> => {
  const frames = readFrames(socket);
  const first = await frames.next();
  if (first.done === true || first.value.type !== frame.open) return;
  let session: Session;
  try {
    session = await open(JSON.parse(first.value.data.toString()) as SupervisorSessionRequest);
  } catch (error) {
    if (!(error instanceof SessionRefused)) throw error;
    socket.end(encodeFrame(frame.refused, Buffer.from(error.message)));
    return;
  }
  socket.once("close", () => session.abandon());
  // The program may close its input at any time; that is no fault.
  session.stdin?.on("error", () => {});
  socket.write(encodeFrame(frame.opened));
  const output = Promise.all([
    pump(socket, frame.stdout, session.stdout),
    pump(socket, frame.stderr, session.stderr),
  ]);
  void output
    .then(() => session.ended)
    .then(
      (end) => socket.end(endFrame(end)),
      () => socket.destroy(),
    );
  for await (const each of frames) await handle(socket, session, each);
};

export class SessionServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(open: OpenSession) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => this.#sockets.delete(socket));
      serve(socket, open).catch((error: Error) => {
        socket.destroy();
        // A connection that breaks off is the worker's affair; anything else is our mistake.
        if ((error as NodeJS.ErrnoException).code === undefined) {
          process.stderr.write(`${new Date().toISOString()} ${error.stack ?? error.message}\n`);
        }
      });
    });
  }

  async listen(path: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(path, resolve);
    });
    chmodSync(path, 0o600);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
