// All of Gantry in one process: Redis, scheduler, worker and API, started and stopped in order.
import { hostname } from "node:os";
import type { EcsSettings } from "@gantry/core";
import type { Logger } from "pino";
import type { DataDir } from "../data-dir.ts";
import { isLoopback, type Listen, localUrl } from "../listen.ts";
import { type EmbeddedRedis, startEmbeddedRedis } from "../redis/embedded.ts";
import type { ServeLimits } from "./serve-options.ts";
import type { Say } from "../redis/find.ts";
import { UsageError } from "../usage-error.ts";
import { version } from "../version.ts";
import type { ServingCertificate } from "./certificate.ts";
import { secretBox } from "./secrets-key.ts";
import type { WorkerNode } from "./worker-node.ts";
import { loadApi, loadScheduler, loadWorker, type Part } from "./parts.ts";

export interface EngineOptions {
  readonly dir: DataDir;
  /** A Redis that is there already; undefined starts a private one. */
  readonly redisUrl: string | undefined;
  readonly listen: Listen;
  /** Null is plain HTTP. */
  readonly tls: ServingCertificate | null;
  /** Allows plain HTTP on more than loopback. */
  readonly insecure: boolean;
  readonly token: string;
  /** File of the keys that encrypt Secrets; by default one in the data directory. */
  readonly secretsKey?: string | undefined;
  readonly ops: (Listen & { readonly write: boolean }) | null;
  /** The first is the default one. */
  readonly runtimes: readonly string[];
  /** Pods at once. */
  readonly concurrency?: number | undefined;
  /** Default: what the host has, and no host paths. */
  readonly worker?: WorkerNode;
  /** Of the ecs runtime. */
  readonly ecs?: EcsSettings;
  /** Of the API; default: its own. */
  readonly limits?: ServeLimits;
  /** A newer Gantry has taken the store: whoever started this must close it. */
  readonly onIncompatible?: (error: Error) => void;
  readonly log: Logger;
  readonly say: Say;
}

export interface Engine {
  readonly url: string;
  readonly opsUrl: string | undefined;
  close(): Promise<void>;
}

export async function startEngine(options: EngineOptions): Promise<Engine> {
  refuseOpenHttp(options);
  // What was started, in order; closed from the last to the first.
  const parts: Part[] = [];
  const close = async (): Promise<void> => {
    for (const part of parts.splice(0).toReversed()) await part.close();
  };
  try {
    return await startParts(options, parts, close);
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

async function startParts(
  options: EngineOptions,
  parts: Part[],
  close: () => Promise<void>,
): Promise<Engine> {
  const { log, onIncompatible } = options;
  const warned = onIncompatible && { onIncompatible };
  // Loading the code takes as long as Redis takes to start: side by side.
  const loading = Promise.all([loadApi(), loadScheduler(), loadWorker()]);
  loading.catch(() => undefined);
  const redis = await redisFor(options, parts);
  const { checkRedis } = await import("@gantry/store");
  await checkRedis(redis);
  const [startApi, startScheduler, startWorker] = await loading;
  const defaultRuntime = options.runtimes[0] ?? "process";
  const secrets = await secretBox({
    given: options.secretsKey,
    own: options.dir.secretsKey,
    make: true,
  });
  // Stopped last to first: the worker first, while the scheduler still counts what it reports.
  const api = await startApi({
    redis,
    listen: options.listen,
    tls: options.tls && { key: options.tls.key, cert: options.tls.cert },
    token: options.token,
    ops: options.ops,
    log,
    version: version(),
    defaultRuntime,
    ...warned,
    ...(options.limits && { limits: options.limits }),
    ...(secrets && { secrets }),
  });
  parts.push(api);
  parts.push(
    await startScheduler({ redis, log, registry: api.registry, version: version(), ...warned }),
  );
  parts.push(
    await startWorker({
      redis,
      log,
      dataDir: options.dir.root,
      node: nodeName(),
      runtimes: [...options.runtimes],
      defaultRuntime,
      concurrency: options.concurrency,
      ...warned,
      ...options.worker,
      ...(options.ecs && { ecs: options.ecs }),
      ...(secrets && { secrets }),
      listen: { host: "127.0.0.1", port: 0 },
      drain: "stop",
      version: version(),
    }),
  );
  const address = { host: options.listen.host, port: api.port };
  return {
    url: localUrl(options.tls === null ? "http" : "https", address),
    opsUrl:
      options.ops === null || api.opsPort === null
        ? undefined
        : localUrl("http", { host: options.ops.host, port: api.opsPort }),
    close,
  };
}

async function redisFor(options: EngineOptions, parts: Part[]): Promise<{ url: string }> {
  if (options.redisUrl !== undefined) return { url: options.redisUrl };
  const embedded: EmbeddedRedis = await startEmbeddedRedis({
    dir: options.dir.redis,
    say: options.say,
    onRestart: (detail) => options.log.warn({ part: "redis" }, detail),
  });
  parts.push(embedded);
  return { url: embedded.url };
}

/** The token would cross the network in clear text. */
export function refuseOpenHttp(
  options: Pick<EngineOptions, "listen" | "tls" | "insecure" | "ops">,
): void {
  if (options.insecure) return;
  if (options.tls === null && !isLoopback(options.listen.host)) {
    throw new UsageError(
      `plain HTTP on ${options.listen.host} would show the token to the network; ` +
        `use TLS, listen on 127.0.0.1, or add --insecure behind a proxy that does TLS`,
    );
  }
  if (options.ops !== null && !isLoopback(options.ops.host)) {
    throw new UsageError(
      `--ops-listen ${options.ops.host} is plain HTTP beyond this machine; ` +
        `listen on 127.0.0.1, or add --insecure behind a proxy that does TLS`,
    );
  }
}

/** The worker's name as a Node: this machine's, in the form of a Kubernetes name. Stable, so that a restart is itself. */
export function nodeName(host = hostname()): string {
  const name = host
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, "-")
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, "")
    .slice(0, 63)
    .replace(/[^a-z0-9]+$/, "");
  return name || "localhost";
}
