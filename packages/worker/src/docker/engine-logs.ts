// A container's log from the engine, with the options of `pods/log`.
import type Docker from "dockerode";
import type { LogOptions } from "../runtime.ts";

const FRAME_HEADER_BYTES = 8;
const NEWLINE = 10;
const SPACE = 32;

/** Without a terminal every entry of the log comes in a frame of its own. */
async function* framed(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= FRAME_HEADER_BYTES) {
      const end = at + FRAME_HEADER_BYTES + rest.readUInt32BE(at + 4);
      if (end > rest.length) break;
      yield rest.subarray(at + FRAME_HEADER_BYTES, end);
      at = end;
    }
    rest = rest.subarray(at);
  }
}

/** A terminal's output is a plain stream of lines. */
async function* lines(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, chunk]);
    let at = 0;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, at)) {
      yield rest.subarray(at, end + 1);
      at = end + 1;
    }
    rest = rest.subarray(at);
  }
  if (rest.length > 0) yield rest;
}

/** Seconds and nanoseconds, as the engine takes them. */
const engineTime = (ms: number): string =>
  `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, "0")}000000`;

/** RFC 3339 times of one zone and length sort as text. */
const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, -1)}000000Z`;

const open = async (
  docker: Docker,
  id: string,
  options: Omit<LogOptions, "container">,
): Promise<NodeJS.ReadableStream> => {
  const { follow = false, tailLines, sinceMs } = options;
  const query = {
    stdout: true,
    stderr: true,
    timestamps: true,
    follow,
    ...(tailLines === undefined ? {} : { tail: tailLines }),
    ...(sinceMs === undefined ? {} : { since: engineTime(sinceMs) }),
  };
  // By hand: the client would collect a log that is not followed in memory.
  return new Promise((resolve, reject) => {
    docker.modem.dial(
      {
        path: `/containers/${id}/logs?`,
        method: "GET",
        options: query,
        isStream: true,
        statusCodes: { 200: true, 404: "no such container", 500: "server error" },
        ...(options.signal === undefined ? {} : { abortSignal: options.signal }),
      },
      (error, stream) =>
        error === null ? resolve(stream as NodeJS.ReadableStream) : reject(error as Error),
    );
  });
};

/** What the client sees, in chunks. */
export async function* engineLog(
  docker: Docker,
  container: { readonly id: string; readonly tty: boolean },
  options: Omit<LogOptions, "container">,
): AsyncGenerator<Buffer> {
  const stream = await open(docker, container.id, options);
  const chunks = stream as unknown as AsyncIterable<Buffer>;
  const since = options.sinceMs === undefined ? "" : timeText(options.sinceMs);
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  let lineStart = true;
  try {
    for await (const entry of container.tty ? lines(chunks) : framed(chunks)) {
      const space = entry.indexOf(SPACE);
      if (entry.toString("latin1", 0, space) < since) continue;
      const text = options.timestamps === true && lineStart ? entry : entry.subarray(space + 1);
      lineStart = entry.at(-1) === NEWLINE;
      if (text.length > 0) yield text.subarray(0, left);
      left -= text.length;
      if (left <= 0) return;
    }
  } catch (error) {
    if (options.signal?.aborted !== true) throw error;
  } finally {
    (stream as { destroy?: () => void }).destroy?.();
  }
}

/** The whole text, for what is known to be short. */
export const logTail = async (
  docker: Docker,
  container: { readonly id: string; readonly tty: boolean },
  tailLines: number,
): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of engineLog(docker, container, { tailLines })) parts.push(part);
  return Buffer.concat(parts).toString();
};
