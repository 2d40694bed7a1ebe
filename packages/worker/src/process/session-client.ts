// The worker's side of a session in the process runtime: a connection to the Pod's supervisor.
import { connect, type Socket } from "node:net";
import { PassThrough, Writable } from "node:stream";
import { type Session, type SessionEnd, SessionRefused } from "../sessions/session.ts";
import {
  encodeFrame,
  type Frame,
  frame,
  readFrames,
  type SupervisorSessionRequest,
  writeFrame,
} from "./session-frames.ts";

const cutOff: SessionEnd = { kind: "failed", message: "the supervisor of the pod is gone" };

const connected = async (path: string): Promise<Socket> => {
  const socket = connect(path);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  // Its close follows and says the same.
  socket.on("error", () => {});
  return socket;
};

const stdinTo = (socket: Socket): Writable =>
  new Writable({
    async write(chunk: Buffer, _encoding, done) {
      await writeFrame(socket, frame.stdin, chunk);
      done();
    },
    async final(done) {
      await writeFrame(socket, frame.stdinEnd);
      done();
    },
  });

/** Writes no faster than it is read; what nobody asked for is dropped. */
const written = (
  to: PassThrough | null,
  data: Buffer,
  socket: Socket,
): Promise<void> | undefined => {
  if (to === null || to.write(data)) return undefined;
  return new Promise((resolve) => {
    const done = (): void => {
      to.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    to.on("drain", done);
    socket.on("close", done);
  });
};

/** Opens a session at the supervisor that listens at `path`. Throws `SessionRefused`. */
export const openSupervisorSession = async (
  path: string,
  request: SupervisorSessionRequest,
): Promise<Session> => {
  const socket = await connected(path);
  socket.write(encodeFrame(frame.open, Buffer.from(JSON.stringify(request))));
  const frames = readFrames(socket);
  const first = await frames.next();
  const answer: Frame = first.done === true ? { type: -1, data: Buffer.alloc(0) } : first.value;
  if (answer.type !== frame.opened) {
    socket.destroy();
    throw new SessionRefused(
      answer.type === frame.refused ? answer.data.toString() : "the supervisor of the pod is gone",
    );
  }
  const stdout = request.stdout ? new PassThrough() : null;
  const stderr = request.stderr && !request.tty ? new PassThrough() : null;
  const read = async (): Promise<SessionEnd> => {
    for await (const { type, data } of frames) {
      if (type === frame.stdout) await written(stdout, data, socket);
      if (type === frame.stderr) await written(stderr, data, socket);
      if (type === frame.ended) return JSON.parse(data.toString()) as SessionEnd;
    }
    return cutOff;
  };
  const ended = read()
    .catch(() => cutOff)
    .finally(() => {
      stdout?.end();
      stderr?.end();
      socket.destroy();
    });
  return {
    stdin: request.stdin ? stdinTo(socket) : null,
    stdout,
    stderr,
    resize: (columns, rows) => {
      const size = Buffer.alloc(4);
      size.writeUInt16BE(columns, 0);
      size.writeUInt16BE(rows, 2);
      void writeFrame(socket, frame.resize, size);
    },
    ended,
    abandon: () => socket.destroy(),
  };
};
