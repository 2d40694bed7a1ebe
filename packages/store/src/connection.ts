// Connections to the Redis (or Valkey) server of an installation, and what is asked of it.
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from "ioredis";
import { parseRedisUrl, RedisUrlError, shownRedisUrl } from "./redis-url.ts";
import { settleWithin } from "./settle-within.ts";

export interface RedisConnection {
  /** See `parseRedisUrl` for its forms. */
  readonly url: string;
}

/** One server or a Cluster: both take the same commands. */
export type RedisClient = Redis | Cluster;

/** A server that Gantry can't safely use; the message says how to fix it. */
export class UnsafeRedisError extends Error {
  override name = "UnsafeRedisError";
}

/** A failover takes the time in which the others agree that the primary is gone, 5 to 15 s by default. */
const CLUSTER_RETRY_MS = 100;

/** Redirections and retries of a command that is to wait for the failover however long it takes. */
const RETRY_FOR_EVER = 1_000_000;

/** Nodes that a Cluster says it has are looked at this often: a failover may close no connection of ours. */
const SLOTS_REFRESH_MS = 5_000;

const COMMAND_TIMEOUT_MS = 10_000;

const addressOf = ({ url }: RedisConnection): ReturnType<typeof parseRedisUrl> => {
  try {
    return parseRedisUrl(url);
  } catch (error) {
    if (error instanceof RedisUrlError) throw new UnsafeRedisError(error.message);
    throw error;
  }
};

const retryMs = (times: number): number => Math.min(50 * 2 ** Math.min(times, 6), 1_000);

interface How {
  /** Commands fail soon instead of waiting for a lost server. */
  readonly failFast?: boolean;
}

const perRequest = ({ failFast = false }: How) => ({
  maxRetriesPerRequest: failFast ? 1 : null,
  enableReadyCheck: true,
  ...(failFast ? { commandTimeout: COMMAND_TIMEOUT_MS } : {}),
});

const clusterOptions = (redisOptions: RedisOptions, how: How): ClusterOptions => ({
  redisOptions: { ...redisOptions, ...perRequest(how) },
  clusterRetryStrategy: retryMs,
  maxRedirections: how.failFast === true ? 16 : RETRY_FOR_EVER,
  retryDelayOnFailover: CLUSTER_RETRY_MS,
  retryDelayOnClusterDown: CLUSTER_RETRY_MS,
  retryDelayOnTryAgain: CLUSTER_RETRY_MS,
  slotsRefreshInterval: SLOTS_REFRESH_MS,
  // Certificates name hosts: an address looked up before would not match them.
  ...(redisOptions.tls === undefined
    ? {}
    : { dnsLookup: (address, answer) => answer(null, address) }),
});

/**
 * A connection that reconnects for ever, to a Sentinel's present primary or to the nodes of a
 * Cluster. Commands wait while it is down (`maxRetriesPerRequest: null`), which is what BullMQ's
 * workers need and what a scheduler wants; pass `failFast` where a caller waits for the answer, so
 * that it gets an error instead of a hang.
 */
export const connect = (connection: RedisConnection, how: How = {}): RedisClient => {
  const address = addressOf(connection);
  if (address.kind === "cluster") {
    const cluster = new Cluster([...address.nodes], clusterOptions(address.options, how));
    cluster.on("error", () => {});
    cluster.on("+node", (node: Redis) => {
      node.on("connect", () => gatherWrites(node));
    });
    return cluster;
  }
  const redis = new Redis({
    ...address.options,
    ...perRequest(how),
    retryStrategy: retryMs,
    sentinelRetryStrategy: retryMs,
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  });
  // Without a listener ioredis prints to the console; callers see the state through `status` and errors.
  redis.on("error", () => {});
  redis.on("connect", () => gatherWrites(redis));
  return redis;
};

/**
 * Calls back whenever another server may be answering than before: after each reconnection, and
 * each time a Cluster told who has which slots.
 */
export const onServerChange = (client: RedisClient, changed: () => void): void => {
  client.on(client instanceof Cluster ? "refresh" : "ready", changed);
};

/**
 * What is sent while one round of the event loop is handled leaves in one write: a system call per
 * command costs both sides more than the command does.
 */
const gatherWrites = ({ stream }: Redis): void => {
  const write = stream.write.bind(stream);
  stream.write = ((...args: Parameters<typeof write>) => {
    if (stream.writableCorked === 0) {
      stream.cork();
      setImmediate(() => stream.uncork());
    }
    return write(...args);
  }) as typeof stream.write;
};

const atLeast = (version: string, major: number, minor: number): boolean => {
  const [a = 0, b = 0] = version.split(".").map(Number);
  return a > major || (a === major && b >= minor);
};

/** One field of an INFO reply. */
export const infoField = (info: string, name: string): string | undefined =>
  info
    .split("\r\n")
    .find((line) => line.startsWith(`${name}:`))
    ?.slice(name.length + 1);

/** What a person reads when there is no server; a password in the URL is not shown. */
const unreachable = (connection: RedisConnection, cause: unknown): Error => {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Error(`Redis at ${shownRedisUrl(connection.url)} can't be used: ${why}`, { cause });
};

/** Throws `UnsafeRedisError` with the fix in its message. Returns the version. */
const checkInfo = (info: string): string => {
  const valkey = infoField(info, "valkey_version");
  const version = valkey ?? infoField(info, "redis_version") ?? "0";
  if (valkey === undefined && !atLeast(version, 7, 0)) {
    throw new UnsafeRedisError(
      `Redis ${version} is too old: Gantry needs Redis 7.0 or later, or Valkey`,
    );
  }
  const policy = infoField(info, "maxmemory_policy");
  if (policy !== undefined && policy !== "noeviction") {
    throw new UnsafeRedisError(
      `this Redis may evict Gantry's data (maxmemory-policy ${policy}): ` +
        `set it to noeviction, e.g. redis-cli CONFIG SET maxmemory-policy noeviction`,
    );
  }
  return version;
};

/** Connection tries before it is said that there is no server. */
const CHECK_TRIES = 3;

/** A failing node of a Cluster leaves its commands waiting; the check does not. */
const CHECK_TIMEOUT_MS = 10_000;

const SILENT = {
  single: "it does not answer",
  sentinel: "no Sentinel names a primary that answers",
  cluster:
    "no primary answers; if CLUSTER SLOTS names no addresses, set cluster-announce-ip on its nodes",
};

/** INFO of each primary; one, but for a Cluster. */
const primaryInfos = async (connection: RedisConnection): Promise<string[]> => {
  const address = addressOf(connection);
  const retry = (times: number): number | null => (times > CHECK_TRIES ? null : 100);
  const client =
    address.kind === "cluster"
      ? new Cluster([...address.nodes], {
          ...clusterOptions(address.options, { failFast: true }),
          lazyConnect: true,
          clusterRetryStrategy: retry,
        })
      : new Redis({
          ...address.options,
          lazyConnect: true,
          maxRetriesPerRequest: 1,
          commandTimeout: CHECK_TIMEOUT_MS,
          retryStrategy: retry,
          sentinelRetryStrategy: retry,
        });
  let last: Error | undefined;
  client.on("error", (error: Error & { lastNodeError?: Error }) => {
    last = error.lastNodeError ?? error;
  });
  try {
    const connected = client.connect();
    // A Cluster whose nodes tell no address is waited for without a timer: the process would just end.
    if (!(await settleWithin(CHECK_TIMEOUT_MS, connected))) throw new Error(SILENT[address.kind]);
    await connected;
    if (client instanceof Redis) return [await client.info()];
    return await Promise.all(client.nodes("master").map((node) => node.info()));
  } catch (error) {
    throw unreachable(connection, last ?? error);
  } finally {
    client.disconnect();
  }
};

/**
 * Looks at the server once, at all primaries of a Cluster: Redis >= 7.0 or Valkey, `noeviction`,
 * writable. Throws `UnsafeRedisError` with the fix in its message, or the connection's own error.
 */
export const checkRedis = async (connection: RedisConnection): Promise<{ version: string }> => {
  const infos = await primaryInfos(connection);
  const [version = "0"] = infos.map(checkInfo);
  const [info] = infos;
  if (infos.length === 1 && info !== undefined && infoField(info, "role") === "slave") {
    throw new UnsafeRedisError("this Redis is a read-only replica: give the primary's address");
  }
  return { version };
};
