// The Redis server as a place for what must not be lost.
import { infoField, type RedisClient, type ServerState, type Store, suffix } from "@gantry/store";
import { type Check, fail, graded, ok, warn } from "./check.ts";

const MIB = 1_048_576;
const PINGS = 21;

/** CONFIG GET of the server that has the cell; undefined where it may not be asked (managed servers). */
type Config = (name: string) => Promise<string | undefined>;

export async function redisChecks(store: Store, state: ServerState): Promise<Check[]> {
  const field = (name: string): string => infoField(state.info, name) ?? "";
  const config = configOf(store.redis, field("run_id"));
  return [
    versionCheck(field),
    await persistenceCheck(field, config),
    evictionCheck(field),
    memoryCheck(field),
    await replicationCheck(state.info, field, config),
    await latencyCheck(store),
    clockCheck(state.nowMs),
  ];
}

type Field = (name: string) => string;

function versionCheck(field: Field): Check {
  const valkey = field("valkey_version");
  const name = valkey === "" ? `Redis ${field("redis_version")}` : `Valkey ${valkey}`;
  if (valkey === "" && Number.parseInt(field("redis_version"), 10) < 7) {
    return fail("version", name, "upgrade it to Redis 7.0 or later, or Valkey");
  }
  return ok("version", `${name}, ${field("redis_mode")}, up ${field("uptime_in_days")} days`);
}

async function persistenceCheck(field: Field, config: Config): Promise<Check> {
  const name = "persistence";
  if (field("aof_enabled") === "1") {
    if (field("aof_last_write_status") === "err") {
      return fail(
        name,
        "the append-only file can't be written",
        "look at the server's log and disk",
      );
    }
    const fsync = await config("appendfsync");
    const loss = { always: "loses nothing", everysec: "may lose the last second" }[fsync ?? ""];
    if (fsync === "no") {
      return warn(
        name,
        "append-only file, written when the system likes",
        "CONFIG SET appendfsync everysec, or always",
      );
    }
    return ok(name, `append-only file${fsync === undefined ? "" : `, ${fsync}: ${loss ?? ""}`}`);
  }
  const save = await config("save");
  if (save === undefined) {
    return warn(
      name,
      "no append-only file",
      "make sure that the service keeps what it acknowledged",
    );
  }
  const advice = "CONFIG SET appendonly yes, and in its configuration file";
  if (save === "") return fail(name, "nothing is kept when the server restarts", advice);
  return warn(name, "snapshots only: minutes are lost when the server dies", advice);
}

function evictionCheck(field: Field): Check {
  const policy = field("maxmemory_policy");
  if (policy === "" || policy === "noeviction") return ok("eviction", "noeviction");
  return fail("eviction", `${policy}: jobs may vanish`, "CONFIG SET maxmemory-policy noeviction");
}

function memoryCheck(field: Field): Check {
  const used = Number(field("used_memory"));
  const max = Number(field("maxmemory")) || Number(field("total_system_memory"));
  const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;
  if (max === 0) return ok("memory", `${mib(used)} used`);
  const percent = (100 * used) / max;
  const limit = Number(field("maxmemory")) > 0 ? "maxmemory" : "the host's memory";
  return graded(
    "memory",
    percent,
    [70, 90],
    `${mib(used)} of ${mib(max)} (${limit}) used, ${percent.toFixed(1)}%`,
    "delete finished Jobs, give them a TTL, or give the server more memory",
  );
}

const LAG_MAX_SECONDS = 10;

async function replicationCheck(info: string, field: Field, config: Config): Promise<Check> {
  const name = "replication";
  if (field("role") === "slave") {
    return fail(name, "this is a replica", "give the primary's address, or that of its Sentinels");
  }
  const replicas = [...info.matchAll(/^slave\d+:.*?state=(\w+).*?lag=(-?\d+)/gm)];
  if (replicas.length === 0) return ok(name, "none: nothing takes over when the server dies");
  const late = replicas.filter(
    ([, state, lag]) => state !== "online" || Number(lag) > LAG_MAX_SECONDS,
  );
  const found = `${replicas.length} replica${replicas.length === 1 ? "" : "s"}`;
  if (late.length > 0) {
    return warn(
      name,
      `${found}, ${late.length} behind`,
      "a failover to it would lose what it lacks",
    );
  }
  if ((await config("min-replicas-to-write")) === "0") {
    return warn(
      name,
      `${found}, and a primary that is cut off from them goes on taking writes`,
      "CONFIG SET min-replicas-to-write 1, so that a failover loses seconds at most",
    );
  }
  return ok(name, `${found} in step`);
}

/** None for one server. While one fails, other commands do too. */
export async function clusterChecks(store: Store): Promise<Check[]> {
  const { redis } = store;
  if (!("nodes" in redis)) return [];
  if (redis.status !== "ready") await new Promise((resolve) => redis.once("ready", resolve));
  const name = "cluster";
  const primaries = redis.nodes("master");
  const [node] = primaries;
  if (node === undefined) return [fail(name, "no primary answers", "look at CLUSTER NODES")];
  const info = String(await node.call("CLUSTER", "INFO"));
  const state = infoField(info, "cluster_state") ?? "?";
  if (state !== "ok") return [fail(name, `its state is ${state}`, "look at CLUSTER NODES")];
  const slot = Number(await node.call("CLUSTER", "KEYSLOT", store.key(suffix.revision)));
  // Only the two that a slot moves between tell of it.
  const views = await Promise.all(primaries.map((one) => one.call("CLUSTER", "NODES")));
  if (new RegExp(`\\[${slot}-[<>]-`).test(views.join())) {
    return [
      fail(
        name,
        `slot ${slot}, which has all of Gantry, is being moved`,
        "stop Gantry until it is moved, or end the move: its scripts need the whole slot",
      ),
    ];
  }
  const size = infoField(info, "cluster_size") ?? "?";
  return [ok(name, `${size} primaries; all of Gantry is in slot ${slot}`)];
}

async function latencyCheck(store: Store): Promise<Check> {
  const times: number[] = [];
  for (let n = 0; n < PINGS; n++) {
    const beganAtMs = performance.now();
    await store.redis.exists(store.key(suffix.revision));
    times.push(performance.now() - beganAtMs);
  }
  times.sort((a, b) => a - b);
  const median = times[PINGS >> 1] ?? 0;
  return graded(
    "latency",
    median,
    [10, 100],
    `${median.toFixed(1)} ms (most ${(times.at(-1) ?? 0).toFixed(1)} ms)`,
    "each Pod takes some ten round trips: bring the server and Gantry closer together",
  );
}

/** Leases last 15 s: a clock that is off by more makes living workers look dead. */
export const SKEW_LIMITS_MS = [2_000, 8_000] as const;

function clockCheck(serverMs: number): Check {
  const skewMs = Math.round(Date.now() - serverMs);
  return graded(
    "clock",
    Math.abs(skewMs),
    SKEW_LIMITS_MS,
    `this host is ${Math.abs(skewMs)} ms ${skewMs < 0 ? "behind" : "ahead of"} the server`,
    "let NTP set both clocks",
  );
}

/** The server that runs under this id, among a Cluster's. */
const configOf = (redis: RedisClient, runId: string): Config => {
  const nodes = "nodes" in redis ? redis.nodes("master") : [redis];
  return async (name) => {
    for (const node of nodes) {
      try {
        if (nodes.length > 1 && infoField(await node.info("server"), "run_id") !== runId) continue;
        const [, value] = (await node.call("CONFIG", "GET", name)) as string[];
        return value;
      } catch {
        return undefined;
      }
    }
    return undefined;
  };
};
