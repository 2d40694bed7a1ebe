// The one cursor that all followers of a log stream share: a chain of pages, each read once.
import {
  type EventPage,
  type LogClock,
  LogEvents,
  type LogLine,
  MAX_PAGE_EVENTS,
  TokenRefused,
} from "./log-events.ts";

/** Followers look again after 1 s at first, and after 5 s when nothing comes. */
const FIRST_POLL_MS = 1_000;
const MAX_POLL_MS = 5_000;
const POLL_GROWTH = 1.5;

/** How far a slow follower may lag behind; beyond, it reads by itself. */
const WINDOW_BYTES = 2 * 1024 * 1024;
const WINDOW_PAGES = 32;

/** A page this large, or with the most lines, may have left out some that are there already. */
const FULL_PAGE_BYTES = 900_000;

/** What CloudWatch Logs adds to each event's size. */
const EVENT_OVERHEAD_BYTES = 26;

export const pageBytes = (lines: readonly LogLine[]): number =>
  lines.reduce((sum, { text }) => sum + Buffer.byteLength(text) + EVENT_OVERHEAD_BYTES, 0);

export interface Link extends EventPage {
  /** When it was asked for, Unix ms. */
  readonly readAtMs: number;
  /** Nothing was there beyond it: the token came back, or there is no stream. */
  readonly atEnd: boolean;
  /** More may be there now. */
  readonly more: boolean;
  /** Reads in a row that brought nothing. */
  readonly quiet: number;
  /** The time of the last line, and how many lines up to here have it. */
  readonly lastMs: number;
  readonly lastCount: number;
  /** Lines that are known already, of a place found again by time. */
  readonly known: number;
  next: Promise<Link> | undefined;
}

export class FollowedStream {
  readonly #events: LogEvents;
  readonly #stream: string;
  readonly #clock: LogClock;
  readonly #closing: AbortSignal;
  #latest: Promise<Link> | undefined;
  #window: { readonly link: Link; readonly bytes: number }[] = [];
  #windowBytes = 0;
  followers = 0;

  constructor(events: LogEvents, stream: string, clock: LogClock, closing: AbortSignal) {
    this.#events = events;
    this.#stream = stream;
    this.#clock = clock;
    this.#closing = closing;
  }

  /** Where the cursor stands: the last page, from which older ones are reached by its `back`. */
  join(): Promise<Link> {
    this.#latest ??= this.#last().catch((error: unknown) => {
      this.#latest = undefined;
      throw error;
    });
    return this.#latest;
  }

  /** Before the first line, apart from the shared cursor. */
  head(): Link {
    return { ...nothing, readAtMs: 0, more: true };
  }

  /** The page after this one, as soon as it is due; the same for all who ask. */
  after(link: Link): Promise<Link> {
    link.next ??= this.#read(link).catch((error: unknown) => {
      link.next = undefined;
      throw error;
    });
    return link.next;
  }

  async #last(): Promise<Link> {
    const readAtMs = this.#clock.nowMs();
    const page = await this.#events.page({
      stream: this.#stream,
      onward: false,
      signal: this.#closing,
    });
    return follow(nothing, page, readAtMs, page.forward === undefined);
  }

  async #read(link: Link): Promise<Link> {
    if (!link.more) {
      const waitMs = Math.min(MAX_POLL_MS, FIRST_POLL_MS * POLL_GROWTH ** link.quiet);
      await this.#clock.sleep(waitMs, this.#closing);
      this.#closing.throwIfAborted();
    }
    const readAtMs = this.#clock.nowMs();
    const page = await this.#page(link);
    const skipped = Math.min(page.known, page.lines.length);
    const next = follow(
      link,
      { ...page, lines: page.lines.slice(skipped) },
      readAtMs,
      page.forward === link.forward,
      page.known - skipped,
    );
    if (this.#latest !== undefined && (await this.#latest) === link) this.#advance(link, next);
    return next;
  }

  async #page(link: Link): Promise<EventPage & { readonly known: number }> {
    const request = { stream: this.#stream, onward: true, signal: this.#closing };
    try {
      return {
        ...(await this.#events.page({ ...request, token: link.forward })),
        known: link.known,
      };
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
      // A token lives 24 hours, also when it comes back from a silent log again and again.
      const page = await this.#events.page({ ...request, sinceMs: link.lastMs });
      return { ...page, known: link.lastCount };
    }
  }

  #advance(from: Link, to: Link): void {
    this.#latest = Promise.resolve(to);
    const bytes = pageBytes(to.lines);
    this.#window.push({ link: from, bytes });
    this.#windowBytes += bytes;
    while (this.#windowBytes > WINDOW_BYTES || this.#window.length > WINDOW_PAGES) {
      const oldest = this.#window.shift();
      if (oldest === undefined) return;
      this.#windowBytes -= oldest.bytes;
      // Whoever still stands there goes on alone from its token.
      oldest.link.next = undefined;
    }
  }
}

const nothing: Link = {
  lines: [],
  forward: undefined,
  back: undefined,
  readAtMs: 0,
  atEnd: false,
  more: false,
  quiet: 0,
  lastMs: 0,
  lastCount: 0,
  known: 0,
  next: undefined,
};

const follow = (from: Link, page: EventPage, readAtMs: number, atEnd: boolean, known = 0): Link => {
  const last = page.lines.at(-1)?.timeMs ?? from.lastMs;
  const same = page.lines.filter(({ timeMs }) => timeMs === last).length;
  const full = page.lines.length >= MAX_PAGE_EVENTS || pageBytes(page.lines) >= FULL_PAGE_BYTES;
  return {
    lines: page.lines,
    forward: page.forward,
    back: page.back,
    readAtMs,
    atEnd,
    // An empty page is the end only if its token came back.
    more: full || (page.lines.length === 0 && !atEnd),
    quiet: page.lines.length === 0 && atEnd ? from.quiet + 1 : 0,
    lastMs: last,
    lastCount: same + (last === from.lastMs ? from.lastCount : 0),
    known,
    next: undefined,
  };
};
