// A real API server on a real Redis of its own, and HTTP requests to it.
import { Writable } from "node:stream";
import { Store } from "@gantry/store";
import { pino } from "pino";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { type ApiOptions, type RunningApi, startApi } from "../src/index.ts";

export const TOKEN = "the-token";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Bodies are whatever the test looks at.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
  readonly text: string;
}

export interface RequestOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string | null;
}

export interface WatchEvent {
  readonly type: string;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly object: any;
}

const patchTypes: Readonly<Record<string, string>> = {
  PATCH: "application/merge-patch+json",
};

export class ApiUnderTest {
  readonly redis: TestRedis;
  readonly api: RunningApi;
  readonly store: Store;
  /** Lines that the server logged. */
  readonly logged: string[];

  private constructor(redis: TestRedis, api: RunningApi, store: Store, logged: string[]) {
    this.redis = redis;
    this.api = api;
    this.store = store;
    this.logged = logged;
  }

  static async start(limits: ApiOptions["limits"] = {}): Promise<ApiUnderTest> {
    const redis = await startRedis({ appendOnly: true });
    const logged: string[] = [];
    const sink = new Writable({
      write(chunk, _encoding, done) {
        logged.push(String(chunk));
        done();
      },
    });
    const api = await startApi({
      redis: { url: redis.url },
      listen: { host: "127.0.0.1", port: 0 },
      tls: null,
      token: TOKEN,
      ops: null,
      log: pino({ level: "debug" }, sink),
      version: "0.0.0",
      defaultRuntime: "process",
      limits,
    });
    const store = new Store({ connection: { url: redis.url } });
    return new ApiUnderTest(redis, api, store, logged);
  }

  async stop(): Promise<void> {
    await this.api.close();
    await this.store.close();
    await this.redis.stop();
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.api.port}${path}`;
  }

  headers(options: RequestOptions = {}): Record<string, string> {
    const token = options.token === undefined ? TOKEN : options.token;
    return { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...options.headers };
  }

  async send(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const { body } = options;
    const raw = typeof body === "string" || body instanceof Uint8Array;
    const type =
      body === undefined ? {} : { "content-type": patchTypes[method] ?? "application/json" };
    const response = await fetch(this.url(path), {
      method,
      headers: { ...type, ...this.headers(options) },
      ...(body === undefined
        ? {}
        : { body: raw ? (body as string | Uint8Array) : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
    const parsed: unknown = isJson && text !== "" ? JSON.parse(text) : text;
    return { status: response.status, headers: response.headers, body: parsed, text };
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.send("GET", path, { headers });
  }

  post(
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    return this.send("POST", path, { body, headers });
  }

  /** Opens a watch; read its events with `next` or `until`. */
  async watch(path: string, headers: Readonly<Record<string, string>> = {}): Promise<WatchReader> {
    const controller = new AbortController();
    const response = await fetch(this.url(path), {
      headers: this.headers({ headers }),
      signal: controller.signal,
    });
    return new WatchReader(response, controller);
  }
}

/** An event that does not come within this is missing. */
const EVENT_MS = 5_000;

export class WatchReader {
  readonly status: number;
  readonly #controller: AbortController;
  readonly #events: WatchEvent[] = [];
  #waiting: (() => void) | undefined;
  ended = false;

  constructor(response: Response, controller: AbortController) {
    this.status = response.status;
    this.#controller = controller;
    void this.#read(response);
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const chunk of response.body ?? []) {
        const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) this.#events.push(JSON.parse(line) as WatchEvent);
        this.#waiting?.();
      }
    } catch {
      // Closed by the test.
    }
    this.ended = true;
    this.#waiting?.();
  }

  async next(): Promise<WatchEvent> {
    const deadline = Date.now() + EVENT_MS;
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      if (this.ended || Date.now() > deadline) throw new Error("no further event");
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - Date.now() + 1);
        this.#waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The next `count` events as `TYPE name`. */
  async take(count: number): Promise<string[]> {
    const found: string[] = [];
    while (found.length < count) {
      const { type, object } = await this.next();
      found.push(`${type} ${String(object.metadata?.name ?? "")}`.trim());
    }
    return found;
  }

  async rest(): Promise<WatchEvent[]> {
    const deadline = Date.now() + EVENT_MS;
    while (!this.ended && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 10));
    return this.#events.splice(0);
  }

  close(): void {
    this.#controller.abort();
  }
}

export const JOBS = "/apis/batch/v1/namespaces/default/jobs";
export const PODS = "/api/v1/namespaces/default/pods";
export const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";

/** A Job that is valid; `spec` is merged in. */
export const jobManifest = (name: string, spec: object = {}, metadata: object = {}): object => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name, ...metadata },
  spec: {
    template: {
      spec: { restartPolicy: "Never", containers: [{ name: "main", image: "busybox:1.36" }] },
    },
    ...spec,
  },
});

export const podManifest = (name: string, labels: object = {}): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels },
  spec: { restartPolicy: "Never", containers: [{ name: "main", image: "busybox:1.36" }] },
});

export const configMap = (name: string, data: object = {}, metadata: object = {}): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...metadata },
  data,
});
