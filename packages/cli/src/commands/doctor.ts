// `gantry doctor`: looks at an installation and says what is wrong and what to do.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { inspectServer, parseRedisUrl, shownRedisUrl, Store } from "@gantry/store";
import { dataDir, type DataDir } from "../data-dir.ts";
import { type Check, checkLine, exitCode, fail, ok } from "../doctor/check.ts";
import { ecsChecks } from "../doctor/ecs-checks.ts";
import { fileChecks } from "../doctor/file-checks.ts";
import { orphanChecks } from "../doctor/orphan-checks.ts";
import { clusterChecks, redisChecks } from "../doctor/redis-checks.ts";
import { formatCheck, storeChecks } from "../doctor/store-checks.ts";
import { redisFiles } from "../redis/files.ts";

export interface DoctorOptions {
  readonly redis?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
}

/** A server that has not answered by then is not there. */
const REACHABLE_WITHIN_MS = 5_000;

export async function doctor(options: DoctorOptions): Promise<void> {
  const checks = await diagnose(options);
  if (options.json === true) process.stdout.write(`${JSON.stringify({ checks }, null, 2)}\n`);
  else process.stdout.write(`${checks.map(checkLine).join("\n")}\n`);
  process.exitCode = exitCode(checks);
}

export async function diagnose(options: DoctorOptions): Promise<Check[]> {
  const dir = dataDir(options.dataDir);
  const url = options.redis ?? ownRedis(dir);
  const files = fileChecks(dir, Date.now());
  if (url === undefined) {
    const advice = "start `gantry up`, or name the Redis of the installation with --redis";
    return [fail("redis", `none runs for ${dir.root}`, advice), ...files];
  }
  return [...(await installationChecks(url)), ...files];
}

/** The private one of this data directory. */
function ownRedis(dir: DataDir): string | undefined {
  if (!existsSync(join(dir.redis, "redis.conf"))) return undefined;
  const { socket } = redisFiles(dir.redis);
  return existsSync(socket) ? `unix://${socket}` : undefined;
}

async function installationChecks(url: string): Promise<Check[]> {
  try {
    parseRedisUrl(url);
  } catch (error) {
    return [fail("redis", (error as Error).message, "mend --redis or GANTRY_REDIS_URL")];
  }
  const store = new Store({ connection: { url }, failFast: true });
  try {
    const cluster = await reached(store, clusterChecks(store));
    if (cluster instanceof Error) return [unreachable(url, cluster)];
    if (cluster.some(({ level }) => level === "fail")) return cluster;
    const state = await reached(store, inspectServer(store));
    if (state instanceof Error) return [unreachable(url, state)];
    const { check, readable } = await formatCheck(store);
    return [
      ok("redis", `answers at ${shownRedisUrl(url)}`),
      ...cluster,
      ...(await redisChecks(store, state)),
      check,
      ...(readable ? await contentChecks(store) : []),
    ];
  } finally {
    store.redis.disconnect();
  }
}

const contentChecks = async (store: Store): Promise<Check[]> => [
  ...(await storeChecks(store)),
  ...(await ecsChecks(store)),
  ...(await orphanChecks(store)),
];

const unreachable = (url: string, { message }: Error): Check =>
  fail(
    "redis",
    `${shownRedisUrl(url)} can't be used (${message})`,
    "is it running, is the address right, may this host connect?",
  );

/** Or why not. */
async function reached<T>(store: Store, work: Promise<T>): Promise<T | Error> {
  let last: Error | undefined;
  store.redis.on("error", (error: Error & { lastNodeError?: Error }) => {
    last = error.lastNodeError ?? error;
  });
  try {
    return await within(REACHABLE_WITHIN_MS, work);
  } catch (error) {
    return last ?? (error as Error);
  }
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
