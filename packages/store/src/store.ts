// The store: objects in Redis with etcd's guarantees in one cell. Reads here; writes go through `commit`.
import { connect, type RedisClient, type RedisConnection } from "./connection.ts";
import { FORMAT, migrate, StoreVersionError } from "./format.ts";
import { GroupCommit } from "./group-commit.ts";
import { type Resource, suffix } from "./keys.ts";
import { decodeValue, type ObjectOf, type Stored } from "./objects.ts";
import { script } from "./script.ts";
import { settleWithin } from "./settle-within.ts";
import type { CommitResult, Txn } from "./txn.ts";

const pageScript = script("page");
const openScript = script("open");
const raiseScript = script("raise-base");

/** More revisions than a server can hand out in the second its append-only file may lose. */
export const REVISION_LEAP = 1_000_000;

/** The change after this revision is no longer kept, or never was seen (a lost server): list again. */
export class ExpiredRevisionError extends Error {
  override name = "ExpiredRevisionError";
  readonly revision: string;
  /** `oldest`: the revision from which on every change is known. */
  constructor(revision: string, oldest: string) {
    super(`too old resource version: ${revision} (${oldest})`);
    this.revision = revision;
  }
}

/** Numbers of any length, as resourceVersions are. */
export const compareRevisions = (a: string, b: string): number =>
  a.length === b.length ? (a < b ? -1 : a > b ? 1 : 0) : a.length - b.length;

/** Time for the server to acknowledge the end of a connection. */
const QUIT_MS = 2_000;

/** Keys a page script returns at most: HMGET's arguments pass over Lua's stack. */
const PAGE_MAX = 1_000;

/** Changes of a resource kept for watches to resume from. */
const WATCH_LENGTH = 65_536;

/** An object that was not looked into. */
export interface RawItem {
  readonly key: string;
  /** "<rv> <body>" */
  readonly text: string;
}

export interface RawList {
  readonly rv: string;
  readonly items: readonly RawItem[];
}

interface Scope {
  readonly namespace?: string;
  readonly keyPrefix?: string;
}

export interface StoreOptions {
  readonly connection: RedisConnection;
  /** Cell name: the hash tag of all keys. Default `gantry`. */
  readonly cell?: string;
  /** Commands fail instead of waiting for a lost server; for processes that answer requests. */
  readonly failFast?: boolean;
  readonly watchLength?: number;
}

export interface Page<T> {
  /** Revision of the read. */
  readonly rv: string;
  readonly items: readonly Stored<T>[];
  /** Last key read, whether or not its record could be decoded; absent on an empty page. */
  readonly last?: string | undefined;
  /** There are keys beyond `last`. */
  readonly more: boolean;
}

export class Store {
  readonly redis: RedisClient;
  readonly connection: RedisConnection;
  readonly cell: string;
  /** What every key begins with. */
  readonly prefix: string;
  readonly #commits: GroupCommit;
  /** Run id and revision base as last seen. */
  #server: string | undefined;
  /** Called for each record that can't be decoded while listing; such records are left out. */
  onMalformed: (error: unknown) => void = () => {};

  constructor(options: StoreOptions) {
    this.connection = options.connection;
    this.cell = options.cell ?? "gantry";
    this.prefix = `{${this.cell}}:`;
    this.redis = connect(options.connection, { failFast: options.failFast ?? false });
    this.#commits = new GroupCommit(this.redis, this.prefix, options.watchLength ?? WATCH_LENGTH);
  }

  /** Full Redis key of a suffix. */
  key(keySuffix: string): string {
    return this.prefix + keySuffix;
  }

  /** One round trip, shared with what else is committed meanwhile. See `GroupCommit.commit`. */
  commit(txn: Txn): Promise<CommitResult> {
    return this.#commits.commit(txn);
  }

  async get<R extends Resource>(resource: R, key: string): Promise<Stored<ObjectOf<R>> | null> {
    const value = await this.redis.hget(this.key(suffix.objects(resource)), key);
    return value === null ? null : decodeValue(resource, key, value);
  }

  /** In the order of the keys; `null` where there is none. Malformed records count as absent. */
  async getMany<R extends Resource>(
    resource: R,
    keys: readonly string[],
  ): Promise<(Stored<ObjectOf<R>> | null)[]> {
    if (keys.length === 0) return [];
    const values = await this.redis.hmget(this.key(suffix.objects(resource)), ...keys);
    return keys.map((key, n) => {
      const value = values[n];
      return value === null || value === undefined ? null : this.decode(resource, key, value);
    });
  }

  async revision(): Promise<string> {
    return (await this.redis.get(this.key(suffix.revision))) ?? "0";
  }

  /** One page in key order, read atomically. `after` is the last key of the page before. */
  async page<R extends Resource>(
    resource: R,
    query: Scope & { after?: string; limit: number },
  ): Promise<Page<ObjectOf<R>>> {
    const { rv, items, more } = await this.#rawPage(resource, query);
    return { rv, items: this.decodeAll(resource, items), last: items.at(-1)?.key, more };
  }

  async #rawPage(
    resource: Resource,
    query: Scope & { after?: string; limit: number },
  ): Promise<RawList & { readonly more: boolean }> {
    const { lower, upper } = bounds(query);
    const limit = Math.min(query.limit, PAGE_MAX);
    const reply = (await pageScript.run(
      this.redis,
      [this.key(suffix.revision)],
      [
        this.prefix,
        resource,
        query.after === undefined ? lower : `(${query.after}`,
        upper,
        limit + 1,
      ],
    )) as string[];
    const items: RawItem[] = [];
    const found = (reply.length - 1) / 2;
    for (let n = 0; n < Math.min(found, limit); n++) {
      items.push({ key: reply[1 + 2 * n] ?? "", text: reply[2 + 2 * n] ?? "" });
    }
    return { rv: reply[0] ?? "0", items, more: found > limit };
  }

  /**
   * Everything of a resource at one revision, however large: read in pages, then brought to the
   * revision of the last page by the changes that the watch stream saw meanwhile. Looks into nothing.
   */
  async listRaw(resource: Resource, query: Scope = {}): Promise<RawList> {
    const first = await this.#rawPage(resource, { ...query, limit: PAGE_MAX });
    if (!first.more) return first;
    const byKey = new Map(first.items.map((item) => [item.key, item]));
    let page = first;
    while (page.more) {
      const after = page.items.at(-1)?.key ?? "";
      page = await this.#rawPage(resource, { ...query, after, limit: PAGE_MAX });
      for (const item of page.items) byKey.set(item.key, item);
    }
    await this.#replay(resource, query, first.rv, page.rv, byKey);
    const keys = [...byKey.keys()].sort(compareKeys);
    return { rv: page.rv, items: keys.flatMap((key) => byKey.get(key) ?? []) };
  }

  /** As `listRaw`, decoded. */
  async listAll<R extends Resource>(resource: R, query: Scope = {}): Promise<Page<ObjectOf<R>>> {
    const { rv, items } = await this.listRaw(resource, query);
    return { rv, items: this.decodeAll(resource, items), more: false };
  }

  /**
   * Prepares the cell for use: refuses a newer format, brings an older minor up, and moves the
   * revision ahead when another server answers than before, since it may lack the last writes.
   * May be called again and again; `moved`: the revision leapt since the last call, so what was read
   * before may have been undone. Throws `StoreVersionError`.
   */
  async open(): Promise<{ readonly moved: boolean }> {
    const reply = (await openScript.run(
      this.redis,
      [this.key(suffix.revision), this.key(suffix.meta)],
      [FORMAT.major, FORMAT.minor, REVISION_LEAP],
    )) as [1, string, string, string] | [0, string];
    if (reply[0] === 0) throw new StoreVersionError(reply[1]);
    const [, minor, runId, base] = reply;
    if (Number(minor) < FORMAT.minor) await migrate(this);
    const server = `${runId} ${base}`;
    const moved = this.#server !== undefined && this.#server !== server;
    this.#server = server;
    return { moved };
  }

  /** Throws `ExpiredRevisionError` unless every change after `revision` is still known. */
  async assertResumable(resource: Resource, revision: string): Promise<void> {
    const [base, stream] = await Promise.all([
      this.redis.hget(this.key(suffix.meta), "revisionBase"),
      this.redis.xinfo("STREAM", this.key(suffix.watch(resource))).catch(() => null),
    ]);
    if (base !== null && compareRevisions(revision, base) < 0) {
      throw new ExpiredRevisionError(revision, base);
    }
    if (!Array.isArray(stream)) return;
    const field = (name: string): unknown => (stream as unknown[])[stream.indexOf(name) + 1];
    if (field("entries-added") === field("length")) return;
    // Of a stream that was emptied nothing is known but its last change.
    const [first] = (field("first-entry") as [string] | null) ?? [
      field("last-generated-id") as string,
    ];
    const oldest = first.slice(0, first.indexOf("-"));
    if (compareRevisions(revision, oldest) < 0) throw new ExpiredRevisionError(revision, oldest);
  }

  /** The keys of a resource, without their objects. */
  async keys(resource: Resource, query: Scope = {}): Promise<string[]> {
    const { lower, upper } = bounds(query);
    return this.redis.zrangebylex(this.key(suffix.index(resource)), lower, upper);
  }

  async #replay(
    resource: Resource,
    query: Scope,
    from: string,
    to: string,
    byKey: Map<string, RawItem>,
  ): Promise<void> {
    const start = keyStart(query);
    const entries = await this.redis.xrange(
      this.key(suffix.watch(resource)),
      `(${from}-0`,
      `${to}-0`,
    );
    for (const [id, fields] of entries) {
      const [, type, , key = "", , body = ""] = fields;
      if (!key.startsWith(start)) continue;
      if (type === "D") byKey.delete(key);
      else byKey.set(key, { key, text: `${id.slice(0, -2)} ${body}` });
    }
  }

  /** Without those that are malformed. */
  decodeAll<R extends Resource>(resource: R, items: readonly RawItem[]): Stored<ObjectOf<R>>[] {
    const decoded: Stored<ObjectOf<R>>[] = [];
    for (const { key, text } of items) {
      const one = this.decode(resource, key, text);
      if (one !== null) decoded.push(one);
    }
    return decoded;
  }

  /** Decodes a stored value; reports a malformed one and gives `null`. */
  decode<R extends Resource>(resource: R, key: string, value: string): Stored<ObjectOf<R>> | null {
    try {
      return decodeValue(resource, key, value);
    } catch (error) {
      this.onMalformed(error);
      return null;
    }
  }

  /** A secret that all processes of the cell share; made from `fresh` by whoever asks first. */
  async sharedSecret(name: string, fresh: () => string): Promise<string> {
    await this.redis.hsetnx(this.key(suffix.shared), name, fresh());
    const value = await this.redis.hget(this.key(suffix.shared), name);
    return value ?? this.sharedSecret(name, fresh);
  }

  async close(): Promise<void> {
    // A node of a Cluster that can't be reached would be waited for without end.
    await settleWithin(QUIT_MS, this.redis.quit());
    this.redis.disconnect();
  }
}

const keyStart = (query: Scope): string =>
  query.keyPrefix ?? (query.namespace === undefined ? "" : `${query.namespace}/`);

const bounds = (query: Scope): { lower: string; upper: string } => {
  const start = keyStart(query);
  return start === "" ? { lower: "-", upper: "+" } : { lower: `[${start}`, upper: `(${start}\xff` };
};

/** Watches from any revision so far are told to list again: changes that they have not seen are lost. */
export const raiseRevisionBase = async (store: Store): Promise<string> =>
  (await raiseScript.run(
    store.redis,
    [store.key(suffix.revision), store.key(suffix.meta)],
    [REVISION_LEAP],
  )) as string;

/** Redis' own order of members with equal scores: by bytes. */
export const compareKeys = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
