// Frames between worker and supervisor on the connection of one session: a type, a length, the data.
// Other versions of Gantry read these too (a supervisor outlives an upgrade): only add to them.
import type { Socket } from "node:net";
import type { SessionEnd, SessionRequest } from "../sessions/session.ts";

export const frame = {
  /** The first, from the worker: a `SupervisorSessionRequest` as JSON. */
  open: 0,
  /** The first, from the supervisor. */
  opened: 1,
  /** Instead of it: why not, as text. The last. */
  refused: 2,
  stdin: 3,
  stdinEnd: 4,
  /** Columns and rows, two bytes each. */
  resize: 5,
  stdout: 6,
  stderr: 7,
  /** A `SessionEnd` as JSON. The last. */
  ended: 8,
  /** Finds out whether the worker is still there while nothing is read from it. */
  noop: 9,
} as const;

export type SupervisorSessionRequest = SessionRequest & { readonly uid: string };

export interface Frame {
  readonly type: number;
  readonly data: Buffer;
}

const HEADER_BYTES = 5;
/** Chunks of streams are far smaller; more can only be a fault. */
const FRAME_MAX_BYTES = 64 * 1024 * 1024;

export const encodeFrame = (type: number, data: Uint8Array = new Uint8Array()): Buffer => {
  const encoded = Buffer.allocUnsafe(HEADER_BYTES + data.length);
  encoded[0] = type;
  encoded.writeUInt32BE(data.length, 1);
  encoded.set(data, HEADER_BYTES);
  return encoded;
};

/** Resolves once the socket takes more; at once after it has closed. */
export const writeFrame = async (
  socket: Socket,
  type: number,
  data?: Uint8Array,
): Promise<void> => {
  if (socket.destroyed || socket.write(encodeFrame(type, data))) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
};

export const endFrame = (end: SessionEnd): Buffer =>
  encodeFrame(frame.ended, Buffer.from(JSON.stringify(end)));

/** The socket is read no faster than the frames are taken. Ends when the socket does. */
export async function* readFrames(socket: Socket): AsyncGenerator<Frame> {
  let parts: Buffer[] = [];
  let length = 0;
  let wanted = HEADER_BYTES;
  for await (const chunk of socket) {
    parts.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length < wanted) continue;
    let data = Buffer.concat(parts);
    while (data.length >= HEADER_BYTES) {
      const size = data.readUInt32BE(1);
      if (size > FRAME_MAX_BYTES) throw new Error(`a frame of ${size} bytes`);
      wanted = HEADER_BYTES + size;
      if (data.length < wanted) break;
      yield { type: data[0] ?? 0, data: data.subarray(HEADER_BYTES, wanted) };
      data = data.subarray(wanted);
      wanted = HEADER_BYTES;
    }
    parts = [data];
    length = data.length;
  }
}
