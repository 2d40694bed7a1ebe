// Where the Redis of an installation is: the forms of its URL, as options of the client library.
import type { ClusterOptions, RedisOptions } from "ioredis";

/** A URL that can't be used; the message says what is accepted. */
export class RedisUrlError extends Error {
  override name = "RedisUrlError";
}

export type RedisAddress =
  /** One server, or the primary that Sentinels name. */
  | { readonly kind: "single" | "sentinel"; readonly options: RedisOptions }
  | {
      readonly kind: "cluster";
      readonly nodes: readonly { readonly host: string; readonly port: number }[];
      readonly options: NonNullable<ClusterOptions["redisOptions"]>;
    };

const FORMS =
  "redis://HOST:PORT/DB, rediss:// for TLS, unix:///PATH, redis+sentinel://HOST:PORT,HOST:PORT/NAME " +
  "or redis+cluster://HOST:PORT,HOST:PORT (rediss+sentinel://, rediss+cluster:// for TLS)";

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;

interface Parts {
  readonly tls: boolean;
  readonly kind: "single" | "sentinel" | "cluster";
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly hosts: readonly { readonly host: string; readonly port: number | undefined }[];
  /** Without the slash. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** `user:password@` may stand before the hosts; a host may be an IPv6 address in brackets. */
const PATTERN =
  /^(?<scheme>rediss?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<user>[^@/]*)@)?(?<hosts>[^/?#]*)(?:\/(?<path>[^?#]*))?(?:\?(?<query>[^#]*))?$/;

const HOST = /^(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<host>[A-Za-z0-9._-]+))(?::(?<port>\d{1,5}))?$/;

const badUrl = (why: string): RedisUrlError => new RedisUrlError(`${why}: use ${FORMS}`);

const text = (encoded: string | undefined): string | undefined =>
  encoded === undefined || encoded === "" ? undefined : decodeURIComponent(encoded);

const host = (given: string): Parts["hosts"][number] => {
  const found = HOST.exec(given)?.groups;
  const port = found?.["port"] === undefined ? undefined : Number(found["port"]);
  const name = found?.["six"] ?? found?.["host"];
  if (name === undefined || (port !== undefined && port > 65_535)) {
    throw badUrl(`the Redis URL names no host and port in "${given}"`);
  }
  return { host: name, port };
};

const split = (url: string): Parts => {
  const found = PATTERN.exec(url)?.groups;
  if (found === undefined) {
    const scheme = /^([a-z+]+:\/\/)/i.exec(url)?.[1];
    throw badUrl(
      scheme === undefined
        ? "the Redis URL is none"
        : /^rediss?(\+(sentinel|cluster))?:/.test(scheme)
          ? "the Redis URL is malformed"
          : `unsupported Redis URL scheme "${scheme}"`,
    );
  }
  const [username, password] = splitUser(found["user"]);
  const hosts = (found["hosts"] ?? "").split(",").filter((one) => one !== "");
  return {
    tls: found["scheme"] === "rediss",
    kind: (found["kind"] ?? "single") as Parts["kind"],
    username,
    password,
    hosts: hosts.map(host),
    path: found["path"] ?? "",
    query: new URLSearchParams(found["query"] ?? ""),
  };
};

const splitUser = (given: string | undefined): [string | undefined, string | undefined] => {
  if (given === undefined) return [undefined, undefined];
  const colon = given.indexOf(":");
  if (colon < 0) return [text(given), undefined];
  return [text(given.slice(0, colon)), text(given.slice(colon + 1))];
};

const database = (given: string): number | undefined => {
  if (given === "") return undefined;
  if (!/^\d+$/.test(given)) throw badUrl(`"${given}" is no number of a database`);
  return Number(given);
};

const common = ({ username, password, tls }: Parts, servername: string | undefined) => ({
  ...(username === undefined ? {} : { username }),
  ...(password === undefined ? {} : { password }),
  ...(tls ? { tls: servername === undefined ? {} : { servername } } : {}),
});

const unixAddress = (given: string): RedisAddress => {
  const url = new URL(given);
  const db = database(url.searchParams.get("db") ?? "");
  return {
    kind: "single",
    options: { path: decodeURIComponent(url.pathname), ...(db === undefined ? {} : { db }) },
  };
};

const singleAddress = (parts: Parts): RedisAddress => {
  if (parts.hosts.length > 1) {
    throw badUrl("several servers are a Cluster or Sentinels");
  }
  const [first = { host: "127.0.0.1", port: undefined }] = parts.hosts;
  const db = database(parts.path);
  return {
    kind: "single",
    options: {
      host: first.host,
      port: first.port ?? REDIS_PORT,
      ...common(parts, first.host),
      ...(db === undefined ? {} : { db }),
    },
  };
};

/** The user and password are the server's; those of the Sentinels are in the query, if they ask for any. */
const sentinelAddress = (parts: Parts): RedisAddress => {
  if (parts.hosts.length === 0 || parts.path === "") {
    throw badUrl("a Sentinel URL names the Sentinels and, after the slash, the primary");
  }
  const db = database(parts.query.get("db") ?? "");
  const sentinelUsername = parts.query.get("sentinelUsername");
  const sentinelPassword = parts.query.get("sentinelPassword");
  return {
    kind: "sentinel",
    options: {
      sentinels: parts.hosts.map(({ host: name, port }) => ({
        host: name,
        port: port ?? SENTINEL_PORT,
      })),
      name: decodeURIComponent(parts.path),
      ...common(parts, undefined),
      ...(parts.tls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
      ...(sentinelUsername === null ? {} : { sentinelUsername }),
      ...(sentinelPassword === null ? {} : { sentinelPassword }),
      ...(db === undefined ? {} : { db }),
    },
  };
};

const clusterAddress = (parts: Parts): RedisAddress => {
  if (parts.hosts.length === 0) throw badUrl("a Cluster URL names some of its nodes");
  if (parts.path !== "" && parts.path !== "0") throw badUrl("a Cluster has one database only");
  return {
    kind: "cluster",
    nodes: parts.hosts.map(({ host: name, port }) => ({ host: name, port: port ?? REDIS_PORT })),
    options: common(parts, undefined),
  };
};

/** Throws `RedisUrlError`. */
export const parseRedisUrl = (url: string): RedisAddress => {
  if (url.startsWith("unix:")) return unixAddress(url);
  const parts = split(url);
  if (parts.kind === "sentinel") return sentinelAddress(parts);
  return parts.kind === "cluster" ? clusterAddress(parts) : singleAddress(parts);
};

/** The URL as it may be shown: without passwords. */
export const shownRedisUrl = (url: string): string =>
  url
    .replace(/^([a-z+]+:\/\/[^:@/]*):[^@/]*@/, "$1:***@")
    .replace(/([?&]sentinelPassword=)[^&]*/, "$1***");
