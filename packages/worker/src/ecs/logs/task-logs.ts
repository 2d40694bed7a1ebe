// Container logs of tasks out of CloudWatch Logs, with the options of `pods/log`.
import type { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { Readable } from "node:stream";
import { type LogOptions, LogUnavailable } from "../../runtime.ts";
import { FollowedStream, type Link, pageBytes } from "./followed-stream.ts";
import {
  type EventPage,
  type LogClock,
  LogEvents,
  type LogLimiter,
  type LogLine,
  MAX_PAGE_EVENTS,
} from "./log-events.ts";

export interface LoggedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** A task that a Pod has or had, and whose containers may have run. */
export interface PodTask {
  /** The last part of its ARN. */
  readonly taskId: string;
  readonly attempt: number;
  /** When it was STOPPED, Unix ms; undefined while it is not. */
  readonly stoppedAtMs?: number;
  /** Its containers are to run again, in a task that is not there yet. */
  readonly runsAgain?: boolean;
}

export interface TaskLogsOptions {
  readonly client: CloudWatchLogsClient;
  readonly group: string;
  readonly streamPrefix: string;
  readonly limiter: LogLimiter;
  readonly clock: LogClock;
  /** The Pod's tasks, in any order; none before the first is launched. */
  readonly tasksOf: (pod: LoggedPod) => Promise<readonly PodTask[]>;
  /** How long after the stop of a task a follower waits for lines that are late. */
  readonly drainMs?: number;
}

/** Late lines are the commonest complaint about logs of tasks. */
const DRAIN_MS = 30_000;

/** Of older lines that a new follower reads at once; a longer log is read from its beginning. */
const MAX_BACKLOG_BYTES = 8 * 1024 * 1024;

const NEWLINE = 10;

/** Computable as soon as a task has an id: the prefix is in its definition. */
export const streamName = (prefix: string, container: string, taskId: string): string =>
  `${prefix}/${container}/${taskId}`;

/** RFC 3339 with nine digits, as the other runtimes print it. */
const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, -1)}000000Z`;

type Reading = Omit<LogOptions, "signal"> & { readonly signal: AbortSignal };

export class TaskLogs {
  readonly #options: TaskLogsOptions;
  readonly #events: LogEvents;
  readonly #followed = new Map<string, FollowedStream>();
  readonly #closing = new AbortController();

  constructor(options: TaskLogsOptions) {
    const { client, group, limiter, clock } = options;
    this.#options = options;
    this.#events = new LogEvents(client, group, limiter, clock);
  }

  /** Throws LogUnavailable when the container has not run, or its log can't be read. */
  async read(pod: LoggedPod, options: LogOptions): Promise<Readable> {
    const task = await this.#task(pod, options);
    const stream = streamName(this.#options.streamPrefix, options.container, task.taskId);
    const stop = new AbortController();
    const unlink = linked(stop, [this.#closing.signal, options.signal]);
    const reading: Reading = { ...options, signal: stop.signal };
    try {
      const lines =
        options.follow === true
          ? await this.#follow(pod, task, stream, reading)
          : await this.#present(stream, reading);
      return abortable(quietly(output(lines, reading), stop.signal), () => {
        unlink();
        stop.abort();
      });
    } catch (error) {
      unlink();
      if (stop.signal.aborted) return Readable.from([]);
      throw error;
    }
  }

  /** Ends all followers. */
  close(): void {
    this.#closing.abort();
  }

  async #task(pod: LoggedPod, { container, previous }: LogOptions): Promise<PodTask> {
    const tasks = (await this.#options.tasksOf(pod)).toSorted((a, b) => a.attempt - b.attempt);
    const isLastPrevious = previous === true && tasks.at(-1)?.runsAgain !== true;
    const task = tasks.at(isLastPrevious ? -2 : -1);
    if (task !== undefined) return task;
    throw new LogUnavailable(
      previous === true
        ? `previous terminated container "${container}" in pod "${pod.name}" not found`
        : `container "${container}" in pod "${pod.name}" is waiting to start: ContainerCreating`,
    );
  }

  /** What is there now. The first page is read before the answer begins, for its errors. */
  async #present(stream: string, options: Reading): Promise<AsyncIterable<readonly LogLine[]>> {
    const { tailLines, sinceMs, signal } = options;
    if (tailLines !== undefined) {
      const limit = Math.min(MAX_PAGE_EVENTS, Math.max(1, tailLines));
      const request = { stream, onward: false, sinceMs, limit, signal };
      const lines = await this.#backlog(stream, await this.#events.page(request), options);
      return only(lines ?? []);
    }
    const first = await this.#events.page({ stream, onward: true, sinceMs, signal });
    return this.#onward(stream, first, options);
  }

  async *#onward(
    stream: string,
    first: EventPage,
    { sinceMs, signal }: Reading,
  ): AsyncGenerator<readonly LogLine[]> {
    yield first.lines;
    for (let token = first.forward; token !== undefined;) {
      const page = await this.#events.page({ stream, onward: true, token, sinceMs, signal });
      yield page.lines;
      // A page may be empty though more is there: the end is where the token comes back.
      if (page.forward === token) return;
      token = page.forward;
    }
  }

  /** The lines of a page and before it; `null` when they are too many to be held. */
  async #backlog(
    stream: string,
    last: EventPage,
    { tailLines, sinceMs, signal }: Reading,
  ): Promise<readonly LogLine[] | null> {
    if (tailLines === 0) return [];
    const wanted = tailLines ?? Number.POSITIVE_INFINITY;
    const pages = [last.lines];
    let count = last.lines.length;
    let bytes = pageBytes(last.lines);
    for (let token = last.back; token !== undefined && count < wanted;) {
      if (tailLines === undefined && bytes > MAX_BACKLOG_BYTES) return null;
      const limit = Math.min(MAX_PAGE_EVENTS, wanted - count);
      const page = await this.#events.page({
        stream,
        onward: false,
        token,
        sinceMs,
        limit,
        signal,
      });
      pages.unshift(page.lines);
      count += page.lines.length;
      bytes += pageBytes(page.lines);
      if (page.back === token) break;
      token = page.back;
    }
    const lines = pages.flat();
    return tailLines === undefined ? lines : lines.slice(-tailLines);
  }

  async #follow(
    pod: LoggedPod,
    task: PodTask,
    stream: string,
    options: Reading,
  ): Promise<AsyncIterable<readonly LogLine[]>> {
    const shared = this.#followed.get(stream) ?? this.#open(stream);
    this.#followed.set(stream, shared);
    shared.followers += 1;
    const leave = (): void => {
      shared.followers -= 1;
      if (shared.followers === 0 && this.#followed.get(stream) === shared) {
        this.#followed.delete(stream);
      }
    };
    options.signal.addEventListener("abort", leave, { once: true });
    try {
      const joined = await unless(options.signal, shared.join());
      const backlog = await this.#backlog(stream, joined, options);
      return backlog === null
        ? this.#from(pod, task, this.#open(stream), null, options)
        : this.#from(pod, task, shared, { joined, backlog }, options);
    } catch (error) {
      options.signal.removeEventListener("abort", leave);
      if (!options.signal.aborted) leave();
      throw error;
    }
  }

  #open(stream: string): FollowedStream {
    return new FollowedStream(this.#events, stream, this.#options.clock, this.#closing.signal);
  }

  async *#from(
    pod: LoggedPod,
    { taskId }: PodTask,
    stream: FollowedStream,
    start: { readonly joined: Link; readonly backlog: readonly LogLine[] } | null,
    { signal }: Reading,
  ): AsyncGenerator<readonly LogLine[]> {
    let link = start?.joined ?? stream.head();
    if (start !== null) yield start.backlog;
    while (!(link.atEnd && (await this.#isOver(pod, taskId, link)))) {
      link = await unless(signal, stream.after(link));
      yield link.lines;
    }
  }

  /** Nothing was there at the end, long enough after the task stopped. */
  async #isOver(pod: LoggedPod, taskId: string, { readAtMs }: Link): Promise<boolean> {
    const tasks = await this.#options.tasksOf(pod);
    const task = tasks.find((each) => each.taskId === taskId);
    // A Pod that is gone has no more to say.
    if (task === undefined) return true;
    if (task.stoppedAtMs === undefined) return false;
    return readAtMs >= task.stoppedAtMs + (this.#options.drainMs ?? DRAIN_MS);
  }
}

async function* only(lines: readonly LogLine[]): AsyncGenerator<readonly LogLine[]> {
  yield lines;
}

/** What the client sees, in chunks. */
async function* output(
  pages: AsyncIterable<readonly LogLine[]>,
  { sinceMs = 0, timestamps, limitBytes }: Reading,
): AsyncGenerator<Buffer> {
  let left = limitBytes ?? Number.POSITIVE_INFINITY;
  for await (const lines of pages) {
    const parts: Buffer[] = [];
    for (const { timeMs, text } of lines) {
      if (timeMs < sinceMs) continue;
      parts.push(Buffer.from(timestamps === true ? `${timeText(timeMs)} ${text}` : text));
      if (parts.at(-1)?.at(-1) !== NEWLINE) parts.push(Buffer.from("\n"));
    }
    const chunk = Buffer.concat(parts);
    if (chunk.length > 0) yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
}

/** A stream that calls `abort` when it is destroyed: what it waits for must not hold that up. */
const abortable = (chunks: AsyncIterable<Buffer>, abort: () => void): Readable => {
  const readable = Readable.from(chunks, { objectMode: false });
  const destroy = readable._destroy.bind(readable);
  readable._destroy = (error, done) => {
    abort();
    destroy(error, done);
  };
  return readable;
};

/** Aborts with any of the signals, until it is called off. */
const linked = (
  stop: AbortController,
  signals: readonly (AbortSignal | undefined)[],
): (() => void) => {
  const abort = (): void => stop.abort();
  for (const signal of signals) {
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
  }
  return () => {
    for (const signal of signals) signal?.removeEventListener("abort", abort);
  };
};

/** An abort is an end, not an error. */
async function* quietly(
  chunks: AsyncIterable<Buffer>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  try {
    yield* chunks;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** The promise's outcome, unless the signal is aborted first: what is shared goes on for others. */
const unless = <T>(signal: AbortSignal, promise: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const abort = (): void => reject(new Error("aborted"));
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    if (signal.aborted) abort();
  });
