// Watches: one blocking reader per resource and process, fanned out to its subscribers in order.
import { connect, type RedisClient } from "./connection.ts";
import { type Resource, suffix } from "./keys.ts";
import { decodeBody, type ObjectOf } from "./objects.ts";
import type { PreviousSelectable } from "./selectable.ts";
import { compareRevisions, REVISION_LEAP, type Store } from "./store.ts";

export interface WatchChange {
  readonly rv: string;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly key: string;
  readonly body: string;
  /** What selectors saw before, where it changed. */
  readonly previous: PreviousSelectable | undefined;
  /** The decoded object, decoded once for all subscribers. Throws `MalformedRecordError`. */
  object<R extends Resource>(): ObjectOf<R>;
}

export interface Subscription {
  close(): void;
}

type Listener = (changes: readonly WatchChange[]) => void;

interface Subscriber {
  /** Last revision that it was given. */
  after: string;
  /** Changes are missing from here on: it gets no more, and has to begin anew. */
  readonly onGap: (() => void) | undefined;
}

const READ_COUNT = 1_000;
/** A blocked read ends after this long, so that a closed hub's connection is seen to be idle. */
const BLOCK_MS = 10_000;
const RETRY_MS = 200;

const types = { A: "ADDED", M: "MODIFIED", D: "DELETED" } as const;

const parseEntry = (resource: Resource, id: string, fields: readonly string[]): WatchChange => {
  const [, type = "M", , key = "", , body = "", , prev] = fields;
  let object: unknown;
  return {
    rv: id.slice(0, id.indexOf("-")),
    type: types[type as keyof typeof types],
    key,
    body,
    previous: prev === undefined ? undefined : (JSON.parse(prev) as PreviousSelectable),
    object<R extends Resource>(): ObjectOf<R> {
      object ??= decodeBody(resource, key, body);
      return object as ObjectOf<R>;
    },
  };
};

class Feed {
  readonly #store: Store;
  readonly #resource: Resource;
  readonly #onEmpty: () => void;
  readonly #listeners = new Map<Listener, Subscriber>();
  readonly #reader: RedisClient;
  #position: string | null = null;
  #closed = false;

  constructor(store: Store, resource: Resource, onEmpty: () => void) {
    this.#store = store;
    this.#resource = resource;
    this.#onEmpty = onEmpty;
    this.#reader = connect(store.connection);
  }

  async start(): Promise<void> {
    this.#position = await this.#store.revision();
    void this.#run();
  }

  get #stream(): string {
    return this.#store.key(suffix.watch(this.#resource));
  }

  async subscribe(
    after: string,
    listener: Listener,
    onGap: (() => void) | undefined,
  ): Promise<Subscription> {
    await this.#store.assertResumable(this.#resource, after);
    // From here on live changes reach the listener; those up to the feed's position are caught up first.
    const state: Subscriber = { after, onGap };
    const held: WatchChange[] = [];
    let live = false;
    const entry: Listener = (changes) => {
      if (live) deliver(state, changes, listener);
      else held.push(...changes);
    };
    this.#listeners.set(entry, state);
    const close = (): void => {
      this.#listeners.delete(entry);
      if (this.#listeners.size === 0) this.#onEmpty();
    };
    try {
      let from = after;
      for (;;) {
        const entries = await this.#store.redis.xrange(
          this.#stream,
          `(${from}-0`,
          "+",
          "COUNT",
          READ_COUNT,
        );
        const changes = entries.map(([id, fields]) => parseEntry(this.#resource, id, fields));
        deliver(state, changes, listener);
        if (entries.length < READ_COUNT) break;
        from = changes.at(-1)?.rv ?? from;
      }
      deliver(state, held, listener);
      live = true;
    } catch (error) {
      close();
      throw error;
    }
    return { close };
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        const reply = await this.#reader.xread(
          "COUNT",
          READ_COUNT,
          "BLOCK",
          BLOCK_MS,
          "STREAMS",
          this.#stream,
          `${this.#position ?? "0"}-0`,
        );
        const entries = reply?.[0]?.[1] ?? [];
        const changes = entries.map(([id, fields]) => parseEntry(this.#resource, id, fields));
        const last = changes.at(-1);
        if (last === undefined) continue;
        const { before, after } = splitAtLeap(this.#position ?? "0", changes);
        this.#position = last.rv;
        for (const listener of this.#listeners.keys()) listener(before);
        if (after.length === 0) continue;
        this.#tellGap();
        for (const listener of this.#listeners.keys()) listener(after);
      } catch {
        if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** The revision leapt: what was seen before may have been undone, and others were not seen. */
  #tellGap(): void {
    for (const [listener, { onGap }] of this.#listeners) {
      if (onGap === undefined) continue;
      this.#listeners.delete(listener);
      onGap();
    }
  }

  close(): void {
    this.#closed = true;
    this.#reader.disconnect();
  }
}

/**
 * Before and after the revision leapt. A resource that stood still while the others changed a
 * million times looks alike; to begin anew is harmless then.
 */
const splitAtLeap = (
  position: string,
  changes: readonly WatchChange[],
): { before: readonly WatchChange[]; after: readonly WatchChange[] } => {
  let last = Number(position);
  const at = changes.findIndex(({ rv }) => {
    const leapt = Number(rv) - last >= REVISION_LEAP;
    last = Number(rv);
    return leapt;
  });
  return at < 0
    ? { before: changes, after: [] }
    : { before: changes.slice(0, at), after: changes.slice(at) };
};

/** Passes on what is newer than the listener has seen. */
const deliver = (state: Subscriber, changes: readonly WatchChange[], listener: Listener): void => {
  const fresh = changes.filter((change) => compareRevisions(change.rv, state.after) > 0);
  const last = fresh.at(-1);
  if (last === undefined) return;
  state.after = last.rv;
  listener(fresh);
};

export class WatchHub {
  readonly #store: Store;
  readonly #feeds = new Map<Resource, { feed: Feed; started: Promise<void> }>();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Calls the listener with every change of the resource after revision `after`, in order, without
   * gaps or repeats. Rejects with `ExpiredRevisionError` when that can't be promised. When it can be
   * promised no more, `onGap` is called instead of the listener, once; without it the changes go on.
   */
  async subscribe(
    resource: Resource,
    after: string,
    listener: Listener,
    onGap?: () => void,
  ): Promise<Subscription> {
    let entry = this.#feeds.get(resource);
    if (entry === undefined) {
      const feed = new Feed(this.#store, resource, () => this.#drop(resource));
      entry = { feed, started: feed.start() };
      this.#feeds.set(resource, entry);
      // A feed that could not start (the server was gone) must not stand in the way of the next one.
      entry.started.catch(() => this.#drop(resource));
    }
    await entry.started;
    return entry.feed.subscribe(after, listener, onGap);
  }

  #drop(resource: Resource): void {
    this.#feeds.get(resource)?.feed.close();
    this.#feeds.delete(resource);
  }

  close(): void {
    for (const { feed } of this.#feeds.values()) feed.close();
    this.#feeds.clear();
  }
}
