// WATCH: changes of a resource to one client, filtered by its selectors, in order, within bounded memory.
import type { FastifyReply } from "fastify";
import type { ServerResponse } from "node:http";
import { matchesFields, matchesLabels, type PodRecord, table } from "@gantry/core";
import type { IncludeObject } from "@gantry/core";
import { ExpiredRevisionError, type Subscription, type WatchChange } from "@gantry/store";
import type { ApiObject, Strategy } from "../registry/strategy.ts";
import type { Shape } from "../requests/negotiate.ts";
import type { ListOptions } from "../requests/query.ts";
import { partialOf } from "../responses/send.ts";
import type { ApiContext } from "../server/context.ts";
import { EventEncoder } from "./watch-encoder.ts";
import { listMatches } from "./list.ts";
import { fieldText, type Selection, selects } from "./selection.ts";

/** Bytes that a slow client may be behind before it is let go, to resume where it stopped. */
const BEHIND_MAX_BYTES = 16 * 1024 * 1024;
/** Changes that wait to be rendered for one client. */
const WAITING_MAX = 20_000;
/** How long a client that was let go may take to read the rest. */
const LINGER_MS = 30_000;
/** Kubernetes' default (--min-request-timeout): so long, to twice as long. */
const TIMEOUT_SECONDS = 1_800;
const BOOKMARK_MS = 60_000;
/** Before the watch times out, so that the client resumes from here. */
const LAST_BOOKMARK_MS = 1_000;

export interface WatchRequest {
  readonly strategy: Strategy;
  readonly selection: Selection;
  readonly options: ListOptions;
  readonly shape: Shape;
  readonly include: IncludeObject;
}

type EventType = "ADDED" | "MODIFIED" | "DELETED";

export class Watcher {
  readonly #context: ApiContext;
  readonly #request: WatchRequest;
  readonly #reply: FastifyReply;
  readonly #response: ServerResponse;
  readonly #encoder: EventEncoder;
  #subscription: Subscription | undefined;
  #timers: NodeJS.Timeout[] = [];
  #waiting: WatchChange[] = [];
  #gap = false;
  #busy = false;
  #ended = false;
  /** Everything up to here was looked at. */
  #revision = "0";
  #bookmarked = "";
  #first = true;

  constructor(context: ApiContext, request: WatchRequest, reply: FastifyReply) {
    this.#context = context;
    this.#request = request;
    this.#reply = reply;
    this.#response = reply.raw;
    this.#encoder = EventEncoder.of(context.objects, request.strategy);
  }

  /** Resolves when the watch is over. What fails before the first byte is thrown. */
  async run(): Promise<void> {
    const { options } = this.#request;
    const fromNow = options.resourceVersion === undefined || options.resourceVersion === "0";
    const initial = options.sendInitialEvents || fromNow;
    const start = initial ? await this.#list() : undefined;
    this.#revision = start?.rv ?? options.resourceVersion ?? "0";
    const over = new Promise<void>((resolve) => {
      this.#response.once("close", () => {
        this.#stop();
        resolve();
      });
    });
    try {
      // Changes wait until the header and the initial objects are written.
      this.#busy = true;
      this.#subscription = await this.#context.hub.subscribe(
        this.#request.strategy.resource,
        this.#revision,
        (changes) => this.#take(changes),
        // The client resumes from before the gap, and is told to list again.
        () => this.#endAtGap(),
      );
    } catch (error) {
      if (!(error instanceof ExpiredRevisionError)) throw error;
      this.#begin();
      this.#fail(error);
      return over;
    }
    this.#begin();
    if (this.#gap) {
      this.end();
      return over;
    }
    if (start !== undefined) this.#writeInitial(start.items);
    this.#busy = false;
    if (this.#waiting.length > 0) void this.#drain();
    this.#arm();
    return over;
  }

  async #list(): Promise<{ rv: string; items: readonly ApiObject[] }> {
    return listMatches(this.#context, this.#request.strategy, this.#request.selection);
  }

  /** From here on the answer is ours; what failed before is answered as any other request. */
  #begin(): void {
    this.#reply.hijack();
    this.#context.watchers.add(this);
    this.#response.writeHead(200, {
      "content-type": "application/json",
      "cache-control": "no-cache, private",
    });
    this.#response.flushHeaders();
    if (this.#ended) this.#response.end();
  }

  #writeInitial(items: readonly ApiObject[]): void {
    this.#response.cork();
    for (const item of items) this.#write("ADDED", this.#show(item));
    if (this.#request.options.allowWatchBookmarks) this.#bookmark(true);
    this.#response.uncork();
  }

  #arm(): void {
    const { timeoutSeconds, allowWatchBookmarks } = this.#request.options;
    const seconds =
      timeoutSeconds !== undefined && timeoutSeconds > 0
        ? timeoutSeconds
        : TIMEOUT_SECONDS * (1 + Math.random());
    const timeoutMs = Math.min(seconds * 1000, 2 ** 31 - 1);
    this.#timers.push(setTimeout(() => this.end(), timeoutMs));
    if (allowWatchBookmarks) {
      this.#timers.push(setInterval(() => this.#bookmark(false), BOOKMARK_MS));
      if (timeoutMs > 2 * LAST_BOOKMARK_MS) {
        this.#timers.push(setTimeout(() => this.#bookmark(false), timeoutMs - LAST_BOOKMARK_MS));
      }
    }
    if (this.#context.closing.aborted) this.end();
  }

  /** Nothing behind the gap was written, so the client resumes from before it. */
  #endAtGap(): void {
    this.#gap = true;
    if (this.#context.watchers.has(this)) this.end();
  }

  #take(changes: readonly WatchChange[]): void {
    if (this.#ended) return;
    for (const change of changes) this.#waiting.push(change);
    if (this.#waiting.length > WAITING_MAX) this.#letGo();
    else if (!this.#busy) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#waiting.length > 0 && !this.#ended) {
        const changes = this.#waiting;
        this.#waiting = [];
        // One write for all that came together.
        this.#response.cork();
        for (const change of changes) await this.#deliver(change);
        this.#response.uncork();
        if (this.#response.writableLength > BEHIND_MAX_BYTES) this.#letGo();
      }
    } catch (error) {
      this.#context.log.error({ err: error }, "watch failed");
      this.#fail(error);
    } finally {
      this.#busy = false;
    }
  }

  async #deliver(change: WatchChange): Promise<void> {
    const encoded = this.#encoder.encode(change);
    const event = encoded instanceof Promise ? await encoded : encoded;
    this.#revision = change.rv;
    if (event === null || this.#ended) return;
    const { object } = event;
    const inScope = this.#inNamespace(object);
    if (!inScope) return;
    const type = await this.#eventType(change, object);
    if (type === null) return;
    const { shape } = this.#request;
    if (shape === "object") {
      this.#response.write(event.line(type));
      this.#first = false;
    } else this.#write(type, this.#show(object));
  }

  #inNamespace(object: ApiObject): boolean {
    const { namespace } = this.#request.selection;
    return namespace === undefined || object.metadata?.namespace === namespace;
  }

  /** Objects enter and leave a selection: what a client sees depends on what matched before. */
  async #eventType(change: WatchChange, object: ApiObject): Promise<EventType | null> {
    const { strategy, selection } = this.#request;
    if (selection.all) return change.type;
    const now = selects(strategy, selection, object);
    if (change.type !== "MODIFIED" || change.previous === undefined)
      return now ? change.type : null;
    const { labels, fields } = change.previous;
    const labelsBefore =
      labels === undefined
        ? object.metadata?.labels
        : (labels ?? (await this.#context.objects.derivedPodLabels(change.object() as PodRecord)));
    const before =
      matchesLabels(selection.labels, labelsBefore) &&
      matchesFields(
        selection.fields,
        (field) => fields?.[field] ?? fieldText(strategy, object, field),
      );
    if (before) return now ? "MODIFIED" : "DELETED";
    return now ? "ADDED" : null;
  }

  #show(object: ApiObject): object {
    const { strategy, shape, include } = this.#request;
    if (shape === "PartialObjectMetadata") return partialOf(object);
    if (shape === "object") return object;
    const resourceVersion = object.metadata?.resourceVersion;
    return table(strategy.kind, [object], this.#context.nowMs(), {
      metadata: resourceVersion === undefined ? {} : { resourceVersion },
      include,
      withoutColumns: !this.#first,
    });
  }

  #write(type: EventType | "BOOKMARK" | "ERROR", object: object): void {
    if (this.#ended) return;
    this.#response.write(`${JSON.stringify({ type, object })}\n`);
    this.#first = false;
  }

  #bookmark(initial: boolean): void {
    if (!initial && (this.#bookmarked === this.#revision || this.#waiting.length > 0)) return;
    this.#bookmarked = this.#revision;
    const { strategy, shape } = this.#request;
    const object = {
      kind: strategy.kind,
      apiVersion: strategy.apiVersion,
      metadata: {
        resourceVersion: this.#revision,
        ...(initial ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
      },
      ...strategy.empty,
    };
    this.#write("BOOKMARK", shape === "object" ? object : this.#show(object));
  }

  #fail(error: unknown): void {
    const expired = error instanceof ExpiredRevisionError;
    this.#write("ERROR", {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: expired ? error.message : "an error on the server ended the watch",
      reason: expired ? "Expired" : "InternalError",
      code: expired ? 410 : 500,
    });
    this.end();
  }

  /** The client reads slower than things change: it gets what is written, and resumes after that. */
  #letGo(): void {
    this.#context.log.warn(
      { resource: this.#request.strategy.plural },
      "slow watcher disconnected",
    );
    this.end();
    const timer = setTimeout(() => this.#response.destroy(), LINGER_MS);
    this.#response.once("close", () => clearTimeout(timer));
  }

  /** Ends it cleanly: the client resumes from the last revision that it saw. */
  end(): void {
    if (this.#ended) return;
    this.#stop();
    this.#response.end();
  }

  #stop(): void {
    this.#ended = true;
    this.#context.watchers.delete(this);
    this.#subscription?.close();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
    this.#waiting = [];
  }
}
