// Puts the API server together: store, handlers, listener, and the order in which they close.
import type { AddressInfo } from "node:net";
import {
  onServerChange,
  type OpenPresence,
  openPresence,
  type RedisConnection,
  Queues,
  type SecretBox,
  Store,
  Templates,
  WatchHub,
} from "@gantry/store";
import type { Logger } from "pino";
import { Metrics } from "./metrics/metrics.ts";
import type { Registry } from "prom-client";
import type { RunningOps } from "./ops/start-ops.ts";
import { Admission } from "./overload/admission.ts";
import { defaultLimits, type OverloadLimits } from "./overload/limits.ts";
import { Objects } from "./registry/objects.ts";
import { checkSecretsKey } from "./registry/secrets-key-check.ts";
import { UnreadableSecrets } from "./registry/unreadable-secrets.ts";
import { RuntimeGate } from "./runtimes/runtime-gate.ts";
import { buildServer } from "./server/server.ts";
import type { ApiContext } from "./server/context.ts";
import { NamespaceCache } from "./server/namespace-cache.ts";
import { ensureNamespaces } from "./server/namespaces.ts";
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
  /** Lets the pages be served beyond loopback, in clear text. Default false. */
  readonly insecure?: boolean;
  readonly log: Logger;
  readonly version: string;
  /** Runtime of Pods that name none. */
  readonly defaultRuntime: string;
  /** Encrypts Secrets before they are stored; without it they are stored in clear text. */
  readonly secrets?: SecretBox;
  /** Beyond these clients are asked to come back later; what is not given has its default. */
  readonly limits?: Partial<OverloadLimits>;
  /** A newer Gantry has taken the store: whoever started this process must close it. */
  readonly onIncompatible?: (error: Error) => void;
}

export interface RunningApi {
  readonly port: number;
  readonly opsPort: number | null;
  /** What `/metrics` shows beside the state of Jobs; other parts of the process register here. */
  readonly registry: Registry;
  close(): Promise<void>;
}

const openOps = async (
  { store, log }: ApiContext,
  options: ApiOptions,
  metrics: Metrics,
): Promise<RunningOps | null> => {
  if (options.ops === null) return null;
  const { token, insecure = false } = options;
  // Bull Board takes as long to load as half of the rest, and `gantry run` needs none.
  const { startOps } = await import("./ops/start-ops.ts");
  return startOps({ ...options.ops, store, token, metrics, log, insecure });
};

interface Beside {
  readonly ops: RunningOps | null;
  readonly presence: OpenPresence;
}

/** What goes on beside the API's own listener. */
const openBeside = async (
  context: ApiContext,
  options: ApiOptions,
  metrics: Metrics,
  moved: () => void,
): Promise<Beside> => {
  const ops = await openOps(context, options, metrics);
  try {
    const presence = await openPresence(context.store, {
      role: "api",
      version: options.version,
      log: options.log,
      onIncompatible: options.onIncompatible ?? (() => {}),
      onMoved: moved,
    });
    return { ops, presence };
  } catch (error) {
    await ops?.close();
    throw error;
  }
};

/**
 * Another server may be answering: it may lack the last writes, so the revision moves ahead, and
 * clients resume their watches, which tells them where they have to list again.
 */
const reopen = async (context: ApiContext, moved: () => void): Promise<void> => {
  try {
    if ((await context.store.open()).moved) moved();
  } catch (error) {
    // Gone again: the next connection does it.
    context.log.warn({ err: error }, "the store could not be reopened");
  }
};

const openStore = ({ redis, cell, log }: ApiOptions): Store => {
  const store = new Store({
    connection: redis,
    failFast: true,
    ...(cell === undefined ? {} : { cell }),
  });
  store.onMalformed = (error) => log.error({ err: error }, "a stored record can't be read");
  return store;
};

const contextOf = (
  options: ApiOptions,
  store: Store,
  closing: AbortSignal,
  unreadable: UnreadableSecrets,
): ApiContext => {
  const { log, tls, secrets } = options;
  const nowMs = (): number => Date.now();
  const limits = { ...defaultLimits, ...options.limits };
  const queues = new Queues(store);
  return {
    store,
    hub: new WatchHub(store),
    queues,
    objects: new Objects(store, new Templates(store), secrets, unreadable),
    namespaces: new NamespaceCache(store),
    snapshots: new Snapshots(nowMs),
    admission: new Admission({ store, limits, log, nowMs }),
    runtimes: new RuntimeGate(store, nowMs),
    log,
    nowMs,
    certificate: tls?.cert ?? "",
    watchers: new Set(),
    closing,
  };
};

/** Starts serving. Rejects when Redis can't be reached or a port is taken. */
export const startApi = async (options: ApiOptions): Promise<RunningApi> => {
  const { log } = options;
  const store = openStore(options);
  try {
    // Before anything else is written: a newer Gantry may have the store.
    await store.open();
  } catch (error) {
    await store.close();
    throw error;
  }
  const closing = new AbortController();
  const unreadable = new UnreadableSecrets(log);
  const context = contextOf(options, store, closing.signal, unreadable);
  const { hub, queues, nowMs } = context;
  const endWatches = (): void => {
    for (const watcher of context.watchers) watcher.end();
  };
  const closeStore = async (): Promise<void> => {
    hub.close();
    await queues.close();
    await store.close();
  };
  try {
    await checkSecretsKey(store, options.secrets);
    await ensureNamespaces(store, context.certificate, nowMs());
  } catch (error) {
    await closeStore();
    throw error;
  }
  const metrics = new Metrics({
    store,
    hub,
    onError: (error) => log.warn({ err: error }, "metrics of Jobs are not up to date"),
  });
  const moved = (): void => {
    endWatches();
    metrics.reset();
  };
  onServerChange(store.redis, () => void reopen(context, moved));
  unreadable.register(metrics.registry);
  const app = await buildServer(context, options, metrics);
  try {
    await app.listen({ host: options.listen.host, port: options.listen.port });
  } catch (error) {
    await app.close();
    await closeStore();
    throw error;
  }
  const { port } = app.server.address() as AddressInfo;
  let beside: Beside;
  try {
    beside = await openBeside(context, options, metrics, moved);
  } catch (error) {
    await app.close();
    await closeStore();
    throw error;
  }
  const { ops, presence } = beside;
  return {
    port,
    opsPort: ops?.port ?? null,
    registry: metrics.registry,
    close: async () => {
      closing.abort();
      endWatches();
      const cut = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS);
      await Promise.all([app.close(), ops?.close()]);
      clearTimeout(cut);
      metrics.close();
      await presence.close();
      await closeStore();
    },
  };
};
