// Connections to the Redis (or Valkey) server of an installation, and what is asked of it.
import { Redis, type RedisOptions } from "ioredis";

export interface RedisConnection {
  /** `redis://`, `rediss://` or `unix:///path/to.sock` (then `?db=N`). */
  readonly url: string;
}

/** A server that Gantry can't safely use; the message says how to fix it. */
export class UnsafeRedisError extends Error {
  override name = "UnsafeRedisError";
}

const options = (connection: RedisConnection): RedisOptions => {
  const url = new URL(connection.url);
  if (url.protocol === "unix:") {
    const db = url.searchParams.get("db");
    return { path: decodeURIComponent(url.pathname), ...(db === null ? {} : { db: Number(db) }) };
  }
  if (url.protocol !== "redis:" && url.protocol !== "rediss:") {
    throw new UnsafeRedisError(
      `unsupported Redis URL scheme "${url.protocol}//": use redis://, rediss:// or unix://`,
    );
  }
  return {
    host: url.hostname || "127.0.0.1",
    port: url.port === "" ? 6379 : Number(url.port),
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
    ...(url.pathname.length > 1 ? { db: Number(url.pathname.slice(1)) } : {}),
    ...(url.protocol === "rediss:" ? { tls: { servername: url.hostname } } : {}),
  };
};

/**
 * A connection that reconnects for ever. Commands wait while it is down (`maxRetriesPerRequest:
 * null`), which is what BullMQ's workers need and what a scheduler wants; pass `failFast` where a
 * caller waits for the answer, so that it gets an error instead of a hang.
 */
export const connect = (connection: RedisConnection, how: { failFast?: boolean } = {}): Redis => {
  const redis = new Redis({
    ...options(connection),
    maxRetriesPerRequest: how.failFast === true ? 1 : null,
    enableReadyCheck: true,
    ...(how.failFast === true ? { commandTimeout: 10_000 } : {}),
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 6), 1_000),
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  });
  // Without a listener ioredis prints to the console; callers see the state through `status` and errors.
  redis.on("error", () => {});
  redis.on("connect", () => gatherWrites(redis));
  return redis;
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

const infoField = (info: string, name: string): string | undefined =>
  info
    .split("\r\n")
    .find((line) => line.startsWith(`${name}:`))
    ?.slice(name.length + 1);

/** What a person reads when there is no server; a password in the URL is not shown. */
const unreachable = (connection: RedisConnection, cause: unknown): Error => {
  const url = new URL(connection.url);
  if (url.password !== "") url.password = "***";
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Error(`Redis at ${url.href} can't be used: ${why}`, { cause });
};

/**
 * Looks at the server once: Redis >= 7.0 or Valkey, `noeviction`, writable. Throws
 * `UnsafeRedisError` with the fix in its message, or the connection's own error.
 */
export const checkRedis = async (connection: RedisConnection): Promise<{ version: string }> => {
  const redis = new Redis({
    ...options(connection),
    lazyConnect: true,
    maxRetriesPerRequest: 1,
    retryStrategy: (times) => (times > 3 ? null : 100),
  });
  let last: Error | undefined;
  redis.on("error", (error: Error) => {
    last = error;
  });
  try {
    const info = await redis
      .connect()
      .then(() => redis.info())
      .catch((error: unknown) => {
        throw unreachable(connection, last ?? error);
      });
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
    if (infoField(info, "role") === "slave") {
      throw new UnsafeRedisError("this Redis is a read-only replica: give the primary's address");
    }
    return { version };
  } finally {
    redis.disconnect();
  }
};
