// The verbs that every kind has: create, get, list, watch, patch, delete, and waiting on a condition.
import type { Answer, Connection } from "./connection.ts";
import { hasReason, WaitError } from "./errors.ts";
import { type ApiObject, pathOf, type Resource, type Served } from "./objects.ts";
import { type Listed, watch, type WatchEvent } from "./watch.ts";

export interface Scope {
  /** Default: the client's namespace. */
  readonly namespace?: string | undefined;
}

export interface Selection {
  /** Default: the client's namespace; `null` is all namespaces. */
  readonly namespace?: string | null | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface WatchOptions extends Selection {
  /** Watches this object only. */
  readonly name?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How long the server may be out of reach before ConnectionError. Default 60 s. */
  readonly patienceMs?: number | undefined;
}

export interface WatchFrom<T> extends WatchOptions {
  /** A list of the same selection; only what changed after it is yielded. */
  readonly from?: Listed<T> | undefined;
}

export interface SubmitOptions extends Scope {
  /** A repeat with the same key returns the object of the first time; makes the request safe to repeat. */
  readonly idempotencyKey?: string | undefined;
}

export type Propagation = "Background" | "Foreground" | "Orphan";

export interface DeleteOptions extends Scope {
  /** What happens to dependents. Default `Background`: they are deleted after it. */
  readonly propagation?: Propagation | undefined;
  readonly gracePeriodSeconds?: number | undefined;
  /** Deletes only the object of this uid. */
  readonly uid?: string | undefined;
}

export interface WaitOptions extends Scope {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Items a page when listing; as kubectl. */
const PAGE_SIZE = 500;
const DEFAULT_PATIENCE_MS = 60_000;

interface ListBody<T> {
  readonly items: T[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

export class ResourceClient<M extends ApiObject, T extends Served<ApiObject>> {
  readonly resource: Resource;
  protected readonly connection: Connection;
  readonly #namespace: string;

  constructor(connection: Connection, resource: Resource, namespace: string) {
    this.connection = connection;
    this.resource = resource;
    this.#namespace = namespace;
  }

  /** Creates an object. Throws GantryError AlreadyExists (409) or Invalid (422, with `causes`). */
  async submit(manifest: M, options: SubmitOptions = {}): Promise<T> {
    return (await this.submitVerbose(manifest, options)).body;
  }

  /** As `submit`, with the server's warnings. */
  submitVerbose(manifest: M, options: SubmitOptions = {}): Promise<Answer<T>> {
    const key = options.idempotencyKey;
    return this.connection.request<T>({
      method: "POST",
      path: this.path(options.namespace ?? manifest.metadata?.namespace),
      body: { apiVersion: this.resource.apiVersion, kind: this.resource.kind, ...manifest },
      query: { fieldValidation: "Strict" },
      headers: key === undefined ? {} : { "idempotency-key": key },
      idempotent: key !== undefined,
    });
  }

  async get(name: string, options: Scope = {}): Promise<T> {
    const path = this.path(options.namespace, name);
    return (await this.connection.request<T>({ method: "GET", path })).body;
  }

  /** All objects of the selection, fetched in pages. */
  async list(selection: Selection = {}): Promise<Listed<T>> {
    const items: T[] = [];
    let next: string | undefined;
    for (;;) {
      const { body } = await this.connection
        .request<ListBody<T>>({
          method: "GET",
          path: this.collection(selection),
          query: { ...selectors(selection), limit: PAGE_SIZE, continue: next },
        })
        .catch((error: unknown) => {
          if (next !== undefined && hasReason(error, "Expired")) return { body: undefined };
          throw error;
        });
      if (body === undefined) return this.#listAtOnce(selection);
      // Items of a list carry neither kind nor apiVersion.
      for (const item of body.items) {
        items.push({ apiVersion: this.resource.apiVersion, kind: this.resource.kind, ...item });
      }
      next = body.metadata.continue || undefined;
      if (next === undefined) return { items, resourceVersion: body.metadata.resourceVersion };
    }
  }

  /** The way out when the pages' point in time was forgotten half-way. */
  async #listAtOnce(selection: Selection): Promise<Listed<T>> {
    const { body } = await this.connection.request<ListBody<T>>({
      method: "GET",
      path: this.collection(selection),
      query: selectors(selection),
    });
    return { items: body.items, resourceVersion: body.metadata.resourceVersion };
  }

  /** ADDED for what there is, then every change, for ever or until the signal; see `watch.ts`. */
  watch(options: WatchFrom<T> = {}): AsyncGenerator<WatchEvent<T>> {
    const byName = options.name === undefined ? [] : [`metadata.name=${options.name}`];
    const fields = [...byName, ...(options.fieldSelector ? [options.fieldSelector] : [])];
    const selection = { ...options, fieldSelector: fields.join(",") || undefined };
    return watch<T>({
      connection: this.connection,
      path: this.collection(selection),
      query: selectors(selection),
      from: options.from,
      list: () => this.list(selection),
      signal: options.signal,
      patienceMs: options.patienceMs ?? DEFAULT_PATIENCE_MS,
    });
  }

  /** JSON merge patch. */
  async patch(name: string, patch: unknown, options: Scope = {}): Promise<T> {
    const { body } = await this.connection.request<T>({
      method: "PATCH",
      path: this.path(options.namespace, name),
      body: patch,
      contentType: "application/merge-patch+json",
      query: { fieldValidation: "Strict" },
    });
    return body;
  }

  /** Asks for deletion; the object may stay while its dependents end. Throws GantryError NotFound. */
  async delete(name: string, options: DeleteOptions = {}): Promise<void> {
    await this.connection.request({
      method: "DELETE",
      path: this.path(options.namespace, name),
      body: {
        apiVersion: "v1",
        kind: "DeleteOptions",
        propagationPolicy: options.propagation ?? "Background",
        gracePeriodSeconds: options.gracePeriodSeconds,
        preconditions: options.uid === undefined ? undefined : { uid: options.uid },
      },
      // With the uid a repeat can only meet the same object.
      idempotent: options.uid !== undefined,
    });
  }

  /** Waits until the object is gone. Throws WaitError on timeout. */
  async waitDeleted(name: string, options: WaitOptions & { uid?: string } = {}): Promise<void> {
    await this.waitUntil(name, options, (object) => {
      const gone =
        object === undefined || (options.uid ?? object.metadata.uid) !== object.metadata.uid;
      return gone ? { done: undefined } : undefined;
    });
  }

  /**
   * Follows one object until `check` returns `{ done }`; `check` may throw to give up. It gets `undefined`
   * while the object does not exist.
   */
  async waitUntil<R>(
    name: string,
    options: WaitOptions,
    check: (object: T | undefined) => { readonly done: R } | undefined,
  ): Promise<R> {
    const timeout = new AbortController();
    const done = new AbortController();
    const signal = AbortSignal.any([
      timeout.signal,
      done.signal,
      ...(options.signal === undefined ? [] : [options.signal]),
    ]);
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => timeout.abort(), options.timeoutMs);
    try {
      // List, then watch from that very list: what happens in between can't be missed.
      const fieldSelector = `metadata.name=${name}`;
      const from = await this.list({ namespace: options.namespace, fieldSelector });
      const now = check(from.items[0]);
      if (now !== undefined) return now.done;
      const { namespace } = options;
      for await (const event of this.watch({ namespace, name, from, signal })) {
        const result = check(event.type === "DELETED" ? undefined : event.object);
        if (result !== undefined) return result.done;
      }
    } finally {
      clearTimeout(timer);
      done.abort();
    }
    if (options.signal?.aborted) throw options.signal.reason;
    throw new WaitError("Timeout", `timed out waiting for ${this.resource.plural}/${name}`);
  }

  /** Path of a namespace's collection, or of one object. */
  protected path(namespace: string | undefined, name?: string): string {
    return pathOf(this.resource, namespace ?? this.#namespace, name);
  }

  protected collection(selection: Selection): string {
    const { namespace } = selection;
    return pathOf(this.resource, namespace === null ? undefined : (namespace ?? this.#namespace));
  }
}

const selectors = (selection: Selection): Record<string, string | undefined> => ({
  labelSelector: selection.labelSelector,
  fieldSelector: selection.fieldSelector,
});
