// Reads a container's log with the options of `pods/log`: tail, since, timestamps, limit, follow.
import { type FSWatcher, watch } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { LogOptions } from "../runtime.ts";
import { logFileName, logSequences } from "./log-file.ts";
import { decodeRecord } from "./log-record.ts";

const BLOCK_BYTES = 64 * 1024;
/** The net below file notifications, which some file systems lack. */
const POLL_MS = 500;
const NEWLINE = 10;

export interface LogSource {
  readonly directory: string;
  readonly restart: number;
  /** Whether the run has ended, so that nothing will be added. */
  ended(): boolean;
}

interface Position {
  readonly sequence: number;
  readonly offset: number;
}

const openLog = async (source: LogSource, sequence: number): Promise<FileHandle | null> => {
  try {
    return await open(join(source.directory, logFileName(source.restart, sequence)), "r");
  } catch {
    return null;
  }
};

/** Counts whole lines from the end of the newest file backwards. */
const tailPosition = async (source: LogSource, lines: number): Promise<Position> => {
  const sequences = logSequences(source.directory, source.restart);
  let left = lines;
  for (const sequence of sequences.toReversed()) {
    const file = await openLog(source, sequence);
    if (file === null) continue;
    try {
      const found = await tailOffset(file, left);
      if (found.offset > 0 || found.left === 0) return { sequence, offset: found.offset };
      left = found.left;
    } finally {
      await file.close();
    }
  }
  return { sequence: sequences[0] ?? 0, offset: 0 };
};

/** Where the last `lines` lines begin; a partial record belongs to the line that follows. */
const tailOffset = async (
  file: FileHandle,
  lines: number,
): Promise<{ offset: number; left: number }> => {
  const { size } = await file.stat();
  const data = Buffer.alloc(size);
  await file.read(data, 0, size, 0);
  let left = lines;
  let recordEnd = data.lastIndexOf(NEWLINE);
  let last = true;
  while (recordEnd >= 0) {
    const recordStart = recordEnd === 0 ? 0 : data.lastIndexOf(NEWLINE, recordEnd - 1) + 1;
    const whole = decodeRecord(data.subarray(recordStart, recordEnd))?.whole ?? true;
    if (whole || last) {
      if (left === 0) return { offset: recordEnd + 1, left: 0 };
      left -= 1;
    }
    last = false;
    recordEnd = recordStart - 1;
  }
  return { offset: 0, left };
};

/** Resolves when the directory changed, the poll is due, or the reader is stopped. */
const change = async (source: LogSource, signal: AbortSignal | undefined): Promise<void> => {
  let watcher: FSWatcher | undefined;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, POLL_MS);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    signal?.addEventListener("abort", done, { once: true });
    try {
      watcher = watch(source.directory, done);
      watcher.on("error", done);
    } catch {
      // The directory is not there before the first output; the poll finds it.
    }
  });
  watcher?.close();
};

async function* records(
  source: LogSource,
  from: Position,
  options: LogOptions,
): AsyncGenerator<Buffer> {
  let { sequence, offset } = from;
  let rest = Buffer.alloc(0);
  const block = Buffer.alloc(BLOCK_BYTES);
  let file = await openLog(source, sequence);
  try {
    while (options.signal?.aborted !== true) {
      // Asked before reading: what ends after this is read in full below.
      const ended = source.ended() || options.follow !== true;
      const { bytesRead } = (await file?.read(block, 0, BLOCK_BYTES, offset)) ?? { bytesRead: 0 };
      if (bytesRead > 0) {
        offset += bytesRead;
        const data = Buffer.concat([rest, block.subarray(0, bytesRead)]);
        const end = data.lastIndexOf(NEWLINE) + 1;
        rest = data.subarray(end);
        if (end > 0) yield data.subarray(0, end);
        continue;
      }
      const later = logSequences(source.directory, source.restart).find(
        (each) => each > sequence || file === null,
      );
      if (later !== undefined) {
        await file?.close();
        [sequence, offset, rest] = [later, 0, Buffer.alloc(0)];
        file = await openLog(source, sequence);
      } else if (ended) return;
      else await change(source, options.signal);
    }
  } finally {
    await file?.close();
  }
}

/** RFC 3339 times of one zone and length sort as text. */
const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, -1)}000000Z`;

/** What the client sees, in chunks. */
export async function* readLog(source: LogSource, options: LogOptions): AsyncGenerator<Buffer> {
  const first = logSequences(source.directory, source.restart)[0] ?? 0;
  const from =
    options.tailLines === undefined
      ? { sequence: first, offset: 0 }
      : await tailPosition(source, options.tailLines);
  const since = options.sinceMs === undefined ? "" : timeText(options.sinceMs);
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  let lineStart = true;
  for await (const data of records(source, from, options)) {
    const parts: Buffer[] = [];
    for (let at = 0; at < data.length;) {
      const end = data.indexOf(NEWLINE, at);
      const record = decodeRecord(data.subarray(at, end));
      at = end + 1;
      if (record === null || record.time < since) continue;
      if (options.timestamps === true && lineStart) parts.push(Buffer.from(`${record.time} `));
      parts.push(record.text);
      if (record.whole) parts.push(Buffer.from("\n"));
      lineStart = record.whole;
    }
    const text = Buffer.concat(parts);
    if (text.length > 0) yield text.subarray(0, left);
    left -= text.length;
    if (left <= 0) return;
  }
}
