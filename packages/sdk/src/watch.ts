// A watch that does not end: it resumes where it broke off, and lists anew when the server has forgotten that point.
import { setTimeout as sleep } from "node:timers/promises";
import type { Connection, Request } from "./connection.ts";
import { ConnectionError, GantryError } from "./errors.ts";
import { lines } from "./lines.ts";
import type { ApiObject, Served } from "./objects.ts";
import { DEFAULT_RETRY, delayMs } from "./retry.ts";

export interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: T;
}

export interface Listed<T> {
  readonly items: T[];
  /** The point in time of the list; a watch from here misses nothing. */
  readonly resourceVersion: string;
}

export interface WatchSource<T> {
  readonly connection: Connection;
  readonly path: string;
  readonly query: Request["query"];
  readonly from: Listed<T> | undefined;
  readonly list: () => Promise<Listed<T>>;
  readonly signal: AbortSignal | undefined;
  /** How long the server may be out of reach before the watch gives up with ConnectionError. */
  readonly patienceMs: number;
}

/** What one line of a watch says. */
interface Frame<T> {
  readonly type: string;
  readonly object: T;
}

/** The server ends a watch after this time; a connection that died unseen is noticed then. */
const WATCH_SECONDS = 290;

/**
 * Yields ADDED for everything there is (unless `from` is given), then every change. A gap (410 Expired) is bridged by listing again
 * and yielding the difference, so that a reader's picture stays true; changes in between are merged.
 */
export async function* watch<T extends Served<ApiObject>>(
  source: WatchSource<T>,
): AsyncGenerator<WatchEvent<T>> {
  const known = new Map(source.from?.items.map((object) => [object.metadata.uid, object]));
  let version = source.from?.resourceVersion;
  let failures = 0;
  let downSince: number | undefined;
  while (!source.signal?.aborted) {
    try {
      if (version === undefined) {
        const listed = await source.list();
        version = listed.resourceVersion;
        yield* difference(known, listed.items);
      }
      for await (const frame of frames<T>(source, version)) {
        failures = 0;
        downSince = undefined;
        version = frame.object.metadata.resourceVersion;
        if (frame.type === "BOOKMARK") continue;
        const event = frame as WatchEvent<T>;
        if (event.type === "DELETED") known.delete(event.object.metadata.uid);
        else known.set(event.object.metadata.uid, event.object);
        yield event;
      }
    } catch (error) {
      if (source.signal?.aborted) return;
      if (isExpired(error)) {
        version = undefined;
        continue;
      }
      if (!isPassing(error)) throw error;
      downSince ??= Date.now();
      if (Date.now() - downSince >= source.patienceMs) throw error;
      failures++;
      await sleep(delayMs(DEFAULT_RETRY, failures), undefined, { signal: source.signal }).catch(
        () => undefined,
      );
    }
  }
}

function* difference<T extends Served<ApiObject>>(
  known: Map<string, T>,
  items: readonly T[],
): Generator<WatchEvent<T>> {
  const gone = new Map(known);
  for (const object of items) {
    const { uid, resourceVersion } = object.metadata;
    const before = gone.get(uid);
    gone.delete(uid);
    known.set(uid, object);
    if (before === undefined) yield { type: "ADDED", object };
    else if (before.metadata.resourceVersion !== resourceVersion)
      yield { type: "MODIFIED", object };
  }
  for (const [uid, object] of gone) {
    known.delete(uid);
    yield { type: "DELETED", object };
  }
}

async function* frames<T>(source: WatchSource<T>, version: string): AsyncGenerator<Frame<T>> {
  const response = await source.connection.stream({
    method: "GET",
    path: source.path,
    query: {
      ...source.query,
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: version,
      timeoutSeconds: WATCH_SECONDS,
    },
    signal: source.signal,
  });
  response.setTimeout((WATCH_SECONDS + 30) * 1_000, () =>
    response.destroy(new Error("watch is silent")),
  );
  try {
    for await (const line of lines(response)) {
      const text = line.toString("utf8").trim();
      if (text === "") continue;
      const frame = parse<T>(text);
      // A line cut short by a broken connection is no event; the resumed watch brings it whole.
      if (frame === undefined) return;
      if (frame.type === "ERROR") throw GantryError.fromAnswer(500, JSON.stringify(frame.object));
      yield frame;
    }
  } catch (error) {
    throw error instanceof GantryError ? error : source.connection.failure(error);
  } finally {
    response.destroy();
  }
}

function parse<T>(text: string): Frame<T> | undefined {
  try {
    return JSON.parse(text) as Frame<T>;
  } catch {
    return undefined;
  }
}

const isExpired = (error: unknown): boolean => error instanceof GantryError && error.code === 410;

const isPassing = (error: unknown): boolean =>
  error instanceof ConnectionError ||
  (error instanceof GantryError && (error.code === 429 || error.code >= 502));
