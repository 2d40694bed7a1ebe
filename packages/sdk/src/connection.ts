// One server and its credentials: requests and streams over node:http(s) with connections kept alive.
import http from "node:http";
import https from "node:https";
import { ConnectionError, GantryError } from "./errors.ts";
import { DEFAULT_RETRY, type RetryPolicy, withRetry } from "./retry.ts";

export interface ConnectionOptions {
  /** `https://127.0.0.1:7443`; a path is kept as a prefix. */
  readonly url: string;
  /** Bearer token. */
  readonly token?: string;
  /** PEM of the authority that signed the server's certificate; without it, the system's. */
  readonly ca?: string;
  /** How long one answer may take, streams excepted. Default 30 s. */
  readonly timeoutMs?: number;
  readonly retry?: RetryPolicy;
  readonly userAgent?: string;
}

export interface Request {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Doing it twice is the same as doing it once. Default: true for GET only. */
  readonly idempotent?: boolean;
  readonly signal?: AbortSignal;
}

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
  /** Texts of the `Warning` headers. */
  readonly warnings: readonly string[];
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** Idle connections are given up before the server's usual 5 s, so that a request rarely meets a closing one. */
const IDLE_SOCKET_MS = 4_000;

export class Connection {
  readonly url: string;
  readonly #base: URL;
  readonly #options: ConnectionOptions;
  readonly #agent: http.Agent;
  readonly #retry: RetryPolicy;

  constructor(options: ConnectionOptions) {
    this.#base = new URL(options.url);
    if (this.#base.protocol !== "https:" && this.#base.protocol !== "http:") {
      throw new TypeError(`url must be http:// or https://, not ${options.url}`);
    }
    this.url = options.url.replace(/\/+$/, "");
    this.#options = options;
    this.#retry = options.retry ?? DEFAULT_RETRY;
    const keep = { keepAlive: true, timeout: IDLE_SOCKET_MS };
    this.#agent =
      this.#base.protocol === "https:"
        ? new https.Agent({ ...keep, ...(options.ca === undefined ? {} : { ca: options.ca }) })
        : new http.Agent(keep);
  }

  /** Sends a request and reads a JSON answer. Throws GantryError or ConnectionError. */
  async request<T>(request: Request): Promise<Answer<T>> {
    const idempotent = request.idempotent ?? request.method === "GET";
    return withRetry(this.#retry, idempotent, request.signal, async () => {
      const response = await this.#send(request, this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
      const text = await this.#text(response);
      const status = response.statusCode ?? 0;
      if (status >= 400) throw GantryError.fromAnswer(status, text, retryAfterOf(response));
      const body = (text === "" ? undefined : JSON.parse(text)) as T;
      return { status, body, warnings: warningsOf(response) };
    });
  }

  /** Opens a stream (a watch, a log). Not tried again here: only the reader knows how far it came. */
  async stream(request: Request): Promise<http.IncomingMessage> {
    const response = await this.#send(request, 0);
    const status = response.statusCode ?? 0;
    if (status < 400) return response;
    const text = await this.#text(response);
    throw GantryError.fromAnswer(status, text, retryAfterOf(response));
  }

  /** Closes idle connections; running streams end. */
  close(): void {
    this.#agent.destroy();
  }

  /** Wraps what breaks while an answer is read. */
  failure(cause: unknown): ConnectionError {
    return new ConnectionError(this.url, cause as NodeJS.ErrnoException);
  }

  #send(request: Request, timeoutMs: number): Promise<http.IncomingMessage> {
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const headers: Record<string, string | number> = {
      accept: request.accept ?? "application/json",
      "user-agent": this.#options.userAgent ?? "gantry-sdk",
      ...request.headers,
    };
    if (this.#options.token !== undefined)
      headers["authorization"] = `Bearer ${this.#options.token}`;
    if (body !== undefined) {
      headers["content-type"] = request.contentType ?? "application/json";
      headers["content-length"] = Buffer.byteLength(body);
    }
    const options: https.RequestOptions = {
      agent: this.#agent,
      method: request.method,
      headers,
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    };
    const url = this.#target(request);
    return new Promise((resolve, reject) => {
      const module = url.protocol === "https:" ? https : http;
      const sent = module.request(url, options, resolve);
      sent.on("error", (error) => reject(request.signal?.aborted ? error : this.failure(error)));
      // A socket from the pool brings the pool's idle timeout with it; an answer has its own.
      sent.setTimeout(timeoutMs, () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)));
      sent.end(body);
    });
  }

  #target(request: Request): URL {
    const url = new URL(this.#base.pathname.replace(/\/+$/, "") + request.path, this.#base);
    for (const [key, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    return url;
  }

  async #text(response: http.IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response) chunks.push(chunk as Buffer);
    } catch (error) {
      throw this.failure(error);
    }
    return Buffer.concat(chunks).toString("utf8");
  }
}

/** `299 - "text"` (RFC 7234): the quoted texts. */
function warningsOf(response: http.IncomingMessage): string[] {
  const header = response.headers["warning"];
  if (header === undefined) return [];
  const quoted = [...header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)];
  return quoted.map((match) => (match[1] ?? "").replaceAll(/\\(.)/g, "$1"));
}

const retryAfterOf = (response: http.IncomingMessage): string | undefined =>
  response.headers["retry-after"];
