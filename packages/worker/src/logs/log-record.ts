// One record of a container's log: `<RFC 3339 with nanoseconds> <stream> <F|P> <text>`, as CRI has it.

export type Stream = "stdout" | "stderr";

/** Longer lines are cut into partial records, so that no reader needs more memory than this. */
export const MAX_RECORD_BYTES = 16 * 1024;

let lastMs = 0;
let lastIso = "";

/** Microseconds come from the monotonic clock: enough to tell a burst's lines apart. */
export const logTime = (): string => {
  const exact = performance.timeOrigin + performance.now();
  const ms = Math.floor(exact);
  if (ms !== lastMs) {
    lastMs = ms;
    lastIso = new Date(ms).toISOString().slice(0, -1);
  }
  const micros = String(Math.floor((exact - ms) * 1000)).padStart(3, "0");
  return `${lastIso}${micros}000Z`;
};

/** The records of a chunk; a line longer than a record comes in pieces. */
export const encodeChunk = (time: string, stream: Stream, chunk: Buffer): Buffer => {
  const parts: Buffer[] = [];
  const whole = Buffer.from(`${time} ${stream} F `);
  const partial = Buffer.from(`${time} ${stream} P `);
  const newline = Buffer.from("\n");
  let from = 0;
  while (from < chunk.length) {
    const end = chunk.indexOf(10, from);
    const lineEnd = end === -1 ? chunk.length : end;
    if (lineEnd - from > MAX_RECORD_BYTES) {
      parts.push(partial, chunk.subarray(from, from + MAX_RECORD_BYTES), newline);
      from += MAX_RECORD_BYTES;
      continue;
    }
    parts.push(end === -1 ? partial : whole, chunk.subarray(from, lineEnd), newline);
    from = lineEnd + 1;
  }
  return Buffer.concat(parts);
};

const SPACE = 32;

/** `null` for a line that is no record (a torn write at the end of a crashed machine's file). */
export const decodeRecord = (
  line: Buffer,
): { time: string; whole: boolean; text: Buffer } | null => {
  const first = line.indexOf(SPACE);
  const second = line.indexOf(SPACE, first + 1);
  const third = line.indexOf(SPACE, second + 1);
  if (first === -1 || second === -1 || third === -1) return null;
  return {
    time: line.toString("latin1", 0, first),
    whole: line[second + 1] === 70,
    text: line.subarray(third + 1),
  };
};
