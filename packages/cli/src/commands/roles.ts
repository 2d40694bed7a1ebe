// `gantry api`, `gantry scheduler`, `gantry worker`: one part in a process of its own, for production.
import { checkRedis } from "@gantry/store";
import { dataDir } from "../data-dir.ts";
import { isLoopback, parseListen, localUrl } from "../listen.ts";
import { reachable } from "../own-address.ts";
import { privateDir, writePrivate } from "../private-file.ts";
import { say } from "../say.ts";
import { ecsConfig, type EcsOptions } from "../server/ecs-config.ts";
import { nodeName, refuseOpenHttp } from "../server/engine.ts";
import { incompatibility } from "../server/incompatible.ts";
import { kubeconfigText } from "../server/kubeconfig.ts";
import { serverLog } from "../server/log.ts";
import { loadApi, loadScheduler, loadWorker } from "../server/parts.ts";
import { type NodeOptions, workerNode } from "../server/worker-node.ts";
import { secretBox } from "../server/secrets-key.ts";
import { limitsOf, opsOf, type ServeOptions, tlsOf } from "../server/serve-options.ts";
import { endRequest } from "../server/signals.ts";
import { bearerToken } from "../server/token.ts";
import { UsageError } from "../usage-error.ts";
import { version } from "../version.ts";

interface RoleOptions {
  readonly redis?: string;
  readonly dataDir?: string;
}

export interface ApiOptions extends RoleOptions, ServeOptions {
  readonly runtime: readonly string[];
}

export interface WorkerOptions extends RoleOptions, NodeOptions, EcsOptions {
  readonly runtime: readonly string[];
  readonly concurrency?: number | undefined;
  readonly node?: string;
  readonly listen: string;
  /** File of the keys that encrypt Secrets: that of the api. */
  readonly secretsKey?: string;
  readonly drain: "wait" | "stop";
}

export async function api(options: ApiOptions): Promise<void> {
  const listen = parseListen(options.listen);
  const dir = dataDir(options.dataDir);
  const ops = options.opsListen === undefined ? null : opsOf(options, listen);
  const tls = tlsOf(options, dir.tls, listen.host);
  refuseOpenHttp({ listen, ops, tls, insecure: options.insecure === true });
  const token = bearerToken(dir.token);
  const { secretsKey: given } = options;
  const secrets = await secretBox({ given, own: dir.secretsKey, make: true });
  await untilStopped("api", options, async (redis, log, onIncompatible) => {
    const startApi = await loadApi();
    const part = await startApi({
      redis,
      onIncompatible,
      limits: limitsOf(options),
      listen,
      tls: tls && { key: tls.key, cert: tls.cert },
      token,
      ops,
      log,
      version: version(),
      defaultRuntime: options.runtime[0] ?? "process",
      ...(secrets && { secrets }),
    });
    const url = localUrl(tls ? "https" : "http", { host: listen.host, port: part.port });
    writePrivate(dir.kubeconfig, kubeconfigText({ url, token, ca: tls?.ca }));
    say(`api ready at ${url}`);
    say(`  kubectl --kubeconfig ${dir.kubeconfig} get jobs`);
    return part;
  });
}

export interface SchedulerOptions extends RoleOptions {
  readonly metricsListen?: string;
  readonly metricsToken?: string;
  readonly reportLoad?: number;
}

export async function scheduler(options: SchedulerOptions): Promise<void> {
  const { metricsListen, metricsToken, reportLoad } = options;
  const listen = metricsListen === undefined ? undefined : parseListen(metricsListen);
  if (listen !== undefined && !isLoopback(listen.host) && metricsToken === undefined) {
    throw new UsageError(
      `--metrics-listen ${metricsListen} is open to the network: set GANTRY_METRICS_TOKEN, or listen on 127.0.0.1`,
    );
  }
  await untilStopped("scheduler", options, async (redis, log, onIncompatible) => {
    const startScheduler = await loadScheduler();
    const part = await startScheduler({
      redis,
      log,
      version: version(),
      onIncompatible,
      ...(reportLoad !== undefined && { reportLoadEveryMs: reportLoad * 1000 }),
      ...(listen && { metricsListen: { ...listen, ...(metricsToken && { token: metricsToken }) } }),
    });
    say("scheduler ready");
    if (part.metricsPort !== null) say(`  metrics on port ${part.metricsPort}`);
    return part;
  });
}

export async function worker(options: WorkerOptions): Promise<void> {
  const dir = dataDir(options.dataDir);
  const node = options.node ?? nodeName();
  if (nodeName(node) !== node)
    throw new UsageError(`--node ${node}: write it as ${nodeName(node)}`);
  const offered = workerNode(options);
  const ecs = ecsConfig(options, options.runtime);
  const listen = reachable(parseListen(options.listen));
  if (!isLoopback(listen.host)) say(`logs of Pods are served to the api on ${listen.host}`);
  const { secretsKey: given } = options;
  const secrets = await secretBox({ given, own: dir.secretsKey, make: false });
  await untilStopped("worker", options, async (redis, log, onIncompatible) => {
    const startWorker = await loadWorker();
    const part = await startWorker({
      redis,
      log,
      onIncompatible,
      dataDir: privateDir(dir.root),
      node,
      runtimes: [...options.runtime],
      defaultRuntime: options.runtime[0] ?? "process",
      concurrency: options.concurrency,
      ...offered,
      ...ecs,
      ...(secrets && { secrets }),
      listen,
      drain: options.drain,
      version: version(),
    });
    say(`worker ${node} ready (${options.runtime.join(", ")})`);
    return part;
  });
}

type Start = (
  redis: { url: string },
  log: Awaited<ReturnType<typeof serverLog>>,
  onIncompatible: (error: Error) => void,
) => Promise<{ close(): Promise<void> }>;

async function untilStopped(name: string, options: RoleOptions, start: Start): Promise<void> {
  if (options.redis === undefined) {
    throw new UsageError(
      `gantry ${name} needs the Redis that all parts share: --redis URL or GANTRY_REDIS_URL`,
    );
  }
  const redis = { url: options.redis };
  const end = endRequest();
  const log = (await serverLog()).child({ part: name });
  await checkRedis(redis);
  const { onIncompatible, happened } = incompatibility();
  const part = await start(redis, log, onIncompatible);
  try {
    const signal = await Promise.race([end.requested, happened]);
    log.info({ signal }, "stopping");
  } finally {
    await part.close();
    end.stopListening();
  }
}
