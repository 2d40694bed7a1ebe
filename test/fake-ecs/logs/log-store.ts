// Log groups and streams. An event is there from the moment it was ingested, which is after it was
// written.
import { createHash } from "node:crypto";
import type { Clock } from "../clock.ts";

export interface LogEvent {
  readonly timestamp: number;
  readonly message: string;
  readonly ingestionTime: number;
}

export interface LogStream {
  readonly group: string;
  readonly name: string;
  readonly createdAtMs: number;
  /** In order of ingestion, which is the order of writing: a stream has one writer. */
  readonly events: LogEvent[];
}

export class LogStore {
  readonly #clock: Clock;
  readonly #ingestMs: number;
  readonly #groups = new Map<string, { createdAtMs: number; streams: Map<string, LogStream> }>();

  constructor(clock: Clock, ingestMs: number) {
    this.#clock = clock;
    this.#ingestMs = ingestMs;
  }

  createGroup(name: string): void {
    if (this.#groups.has(name)) return;
    this.#groups.set(name, { createdAtMs: this.#clock.nowMs(), streams: new Map() });
  }

  hasGroup(name: string): boolean {
    return this.#groups.has(name);
  }

  groups(): readonly { readonly name: string; readonly createdAtMs: number }[] {
    return [...this.#groups]
      .map(([name, { createdAtMs }]) => ({ name, createdAtMs }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A line of a container; its stream comes with its first line. */
  append(group: string, stream: string, message: string, lateMs: number): void {
    const nowMs = this.#clock.nowMs();
    const streams = this.#groups.get(group)?.streams;
    if (streams === undefined) return;
    let to = streams.get(stream);
    if (to === undefined) {
      to = { group, name: stream, createdAtMs: nowMs, events: [] };
      streams.set(stream, to);
    }
    // What was written later is never there earlier.
    const last = to.events.at(-1)?.ingestionTime ?? 0;
    const ingestionTime = Math.max(last, nowMs + this.#ingestMs + lateMs);
    to.events.push({ timestamp: nowMs, message, ingestionTime });
  }

  /** What is ingested by now; undefined while the stream has nothing. */
  visible(group: string, stream: string): readonly LogEvent[] | undefined {
    const found = this.#groups.get(group)?.streams.get(stream);
    if (found === undefined) return undefined;
    const nowMs = this.#clock.nowMs();
    const { events } = found;
    if (events[0] === undefined || events[0].ingestionTime > nowMs) return undefined;
    let end = events.length;
    while ((events[end - 1]?.ingestionTime ?? 0) > nowMs) end -= 1;
    return end === events.length ? events : events.slice(0, end);
  }

  /** Streams that have something. */
  streams(group: string): readonly LogStream[] {
    return [...(this.#groups.get(group)?.streams.values() ?? [])].filter(
      ({ name }) => this.visible(group, name) !== undefined,
    );
  }
}

/** Short name of a stream within its tokens. */
export const streamMark = (group: string, stream: string): string =>
  createHash("sha256").update(`${group}\0${stream}`).digest("hex").slice(0, 12);

/** What an event counts toward the size of a page. */
export const eventBytes = ({ message }: LogEvent): number => Buffer.byteLength(message) + 26;
