// Puts the API server together: store, handlers, listener, and the order in which they close.
import type { AddressInfo } from "node:net";
import { type RedisConnection, Queues, Store, Templates, WatchHub } from "@gantry/store";
import type { Logger } from "pino";
import { Objects } from "./registry/objects.ts";
import { buildServer } from "./server/server.ts";
import type { ApiContext } from "./server/context.ts";
import { NamespaceCache } from "./server/namespace-cache.ts";
import { ensureNamespaces } from "./server/namespaces.ts";
import { Wakes } from "./server/wakes.ts";
import { Snapshots } from "./verbs/snapshots.ts";

/** What is under way may finish within this when the server closes. */
const DRAIN_MS = 3_000;

export interface ApiOptions {
  readonly redis: RedisConnection;
  readonly cell?: string;
  /** Port 0: any free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** PEM texts; `null` serves plain HTTP. */
  readonly tls: { readonly key: string; readonly cert: string } | null;
  readonly token: string;
  /** Listener for the pages that people open; `null` for none. */
  readonly ops: { readonly host: string; readonly port: number; readonly write: boolean } | null;
  readonly log: Logger;
  readonly version: string;
  /** Runtime of Pods that name none. */
  readonly defaultRuntime: string;
}

export interface RunningApi {
  readonly port: number;
  readonly opsPort: number | null;
  close(): Promise<void>;
}

/** Starts serving. Rejects when Redis can't be reached or a port is taken. */
export const startApi = async (options: ApiOptions): Promise<RunningApi> => {
  const { redis, cell, log, tls } = options;
  const store = new Store({
    connection: redis,
    failFast: true,
    ...(cell === undefined ? {} : { cell }),
  });
  const nowMs = (): number => Date.now();
  store.onMalformed = (error) => log.error({ err: error }, "a stored record can't be read");
  const closing = new AbortController();
  const templates = new Templates(store);
  const queues = new Queues(store);
  const hub = new WatchHub(store);
  const context: ApiContext = {
    store,
    hub,
    queues,
    objects: new Objects(store, templates),
    namespaces: new NamespaceCache(store),
    snapshots: new Snapshots(nowMs),
    wakes: new Wakes(store, queues, log),
    log,
    nowMs,
    certificate: tls?.cert ?? "",
    closing: closing.signal,
  };
  const closeStore = async (): Promise<void> => {
    await context.wakes.drain(DRAIN_MS);
    hub.close();
    await queues.close();
    await store.close();
  };
  try {
    await store.open();
    await ensureNamespaces(store, context.certificate, nowMs());
  } catch (error) {
    await closeStore();
    throw error;
  }
  const app = await buildServer(context, options);
  try {
    await app.listen({ host: options.listen.host, port: options.listen.port });
  } catch (error) {
    await app.close();
    await closeStore();
    throw error;
  }
  const { port } = app.server.address() as AddressInfo;
  return {
    port,
    opsPort: null,
    close: async () => {
      closing.abort();
      const cut = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS);
      await app.close();
      clearTimeout(cut);
      await closeStore();
    },
  };
};
