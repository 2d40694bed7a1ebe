// The rest of a list that is read in chunks, kept for its next pages so that all are of one revision.
import { randomUUID } from "node:crypto";
import { badRequest, type ErrorStatus, expired, ApiError } from "@gantry/core";
import type { RawItem } from "@gantry/store";
import { z } from "zod";
import type { AnyStored } from "../registry/objects.ts";

/** How long a client may take between two pages. */
const KEEP_MS = 5 * 60_000;
/** Kept for all unfinished lists together, beside the newest: clients that stop reading say nothing. */
const KEEP_BYTES_MAX = 64 * 1_048_576;
/** Of an object that was looked into. */
const DECODED_BYTES = 4_096;

const TOKEN_VERSION = "meta.k8s.io/v1";

const tokenSchema = z.object({
  v: z.literal(TOKEN_VERSION),
  /** Revision; -1 to go on with whatever is there now. */
  rv: z.union([z.string(), z.literal(-1)]),
  /** Key of the last object that was returned. */
  start: z.string(),
  /** Snapshot, in the process that made it. */
  id: z.string().optional(),
  /** What was listed: a token is good for that only. */
  of: z.string(),
});

export type Token = z.infer<typeof tokenSchema>;

const encodeToken = (token: Token): string =>
  Buffer.from(JSON.stringify(token)).toString("base64url");

export const decodeToken = (text: string, of: string): Token => {
  const bytes = Buffer.from(text, "base64url");
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    // As Go shows the first byte of what is no JSON.
    const first = String.fromCodePoint(bytes[0] ?? 0);
    const shown = /[!-~\u00a1-\u00ff]/.test(first)
      ? first
      : `\\u${(bytes[0] ?? 0).toString(16).padStart(4, "0")}`;
    const why = `invalid character '${shown}' looking for beginning of value`;
    throw badRequest(`invalid continue token: continue key is not valid: ${why}`);
  }
  const token = tokenSchema.safeParse(value);
  if (!token.success || token.data.of !== of) {
    throw badRequest("invalid continue token: continue key is not valid: not of this list");
  }
  return token.data;
};

/** An object of a list that is not shown yet: most are not looked into until they are. */
export type Kept = AnyStored | RawItem;

interface Snapshot {
  readonly rv: string;
  readonly items: readonly Kept[];
  readonly bytes: number;
  readonly expiresAtMs: number;
}

const bytesOf = (items: readonly Kept[]): number =>
  items.reduce((sum, item) => sum + ("text" in item ? item.text.length : DECODED_BYTES), 0);

export interface Chunk {
  readonly rv: string;
  readonly items: readonly Kept[];
  readonly continueToken: string | undefined;
  readonly remaining: number;
}

export class Snapshots {
  readonly #nowMs: () => number;
  readonly #kept = new Map<string, Snapshot>();
  #bytes = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** First page of a list that is larger than `limit`; the rest is kept. */
  open(of: string, rv: string, items: readonly Kept[], limit: number): Chunk {
    const id = randomUUID();
    const snapshot = { rv, items, bytes: bytesOf(items), expiresAtMs: this.#nowMs() + KEEP_MS };
    this.#keep(id, snapshot);
    return this.#chunk(of, id, snapshot, 0, limit);
  }

  /** The page after the token's; 410 when it is kept no more, with a token to go on without it. */
  next(of: string, token: Token, limit: number): Chunk {
    const snapshot = token.id === undefined ? undefined : this.#kept.get(token.id);
    if (token.id === undefined || snapshot === undefined || snapshot.expiresAtMs < this.#nowMs()) {
      throw tooOld({ v: TOKEN_VERSION, rv: -1, start: token.start, of });
    }
    const from = snapshot.items.findIndex(({ key }) => key === token.start) + 1;
    return this.#chunk(of, token.id, snapshot, from, limit);
  }

  #chunk(of: string, id: string, snapshot: Snapshot, from: number, limit: number): Chunk {
    const to = limit === 0 ? snapshot.items.length : from + limit;
    const remaining = Math.max(0, snapshot.items.length - to);
    const start = snapshot.items[to - 1]?.key ?? "";
    if (remaining === 0) this.#drop(id);
    return {
      rv: snapshot.rv,
      items: snapshot.items.slice(from, to),
      continueToken:
        remaining === 0
          ? undefined
          : encodeToken({ v: TOKEN_VERSION, rv: snapshot.rv, start, id, of }),
      remaining,
    };
  }

  #keep(id: string, snapshot: Snapshot): void {
    this.#kept.set(id, snapshot);
    this.#bytes += snapshot.bytes;
    const now = this.#nowMs();
    for (const [other, { expiresAtMs }] of this.#kept) {
      if (other !== id && (expiresAtMs < now || this.#bytes > KEEP_BYTES_MAX)) this.#drop(other);
    }
  }

  #drop(id: string): void {
    this.#bytes -= this.#kept.get(id)?.bytes ?? 0;
    this.#kept.delete(id);
  }
}

const tooOld = (token: Token): ApiError => {
  const { status } = expired(
    "The provided continue parameter is too old to display a consistent list result. You can " +
      "start a new list without the continue parameter, or use the continue token in this " +
      "response to retrieve the remainder of the results. Continuing with the provided token " +
      "results in an inconsistent list - objects that were created, modified, or deleted between " +
      "the time the first chunk was returned and now may show up in the list.",
  );
  const withToken: ErrorStatus = { ...status, metadata: { continue: encodeToken(token) } };
  return new ApiError(withToken);
};
