// `gantry up`: all of Gantry in one process, until it is told to stop.
import { dataDir } from "../data-dir.ts";
import { parseListen } from "../listen.ts";
import { writePrivate } from "../private-file.ts";
import { say } from "../say.ts";
import { ecsConfig, type EcsOptions } from "../server/ecs-config.ts";
import { type Engine, refuseOpenHttp, startEngine } from "../server/engine.ts";
import { incompatibility } from "../server/incompatible.ts";
import { claimDataDir, isClaim } from "../server/instance.ts";
import { kubeconfigText } from "../server/kubeconfig.ts";
import { serverLog } from "../server/log.ts";
import { type NodeOptions, workerNode } from "../server/worker-node.ts";
import { limitsOf, opsOf, type ServeOptions, tlsOf } from "../server/serve-options.ts";
import { endRequest } from "../server/signals.ts";
import { bearerToken } from "../server/token.ts";
import { UsageError } from "../usage-error.ts";
import { version } from "../version.ts";

export interface UpOptions extends ServeOptions, NodeOptions, EcsOptions {
  readonly dataDir?: string;
  readonly redis?: string;
  readonly runtime: readonly string[];
  readonly concurrency?: number | undefined;
}

export async function up(options: UpOptions): Promise<void> {
  const listen = parseListen(options.listen);
  const ops = opsOf(options, listen);
  const dir = dataDir(options.dataDir);
  const worker = workerNode(options);
  const ecs = ecsConfig(options, options.runtime);
  const insecure = options.insecure === true;
  refuseOpenHttp({
    listen,
    insecure,
    ops,
    tls: options.insecure ? null : { cert: "", key: "", ca: "" },
  });
  const claim = await claimDataDir(dir, "up");
  if (!isClaim(claim)) {
    const where = claim.url === undefined ? "" : ` at ${claim.url}`;
    throw new UsageError(
      `process ${claim.pid} (gantry ${claim.command}) has ${dir.root} already${where}`,
    );
  }
  const end = endRequest();
  const { onIncompatible, happened } = incompatibility();
  let engine: Engine | undefined;
  try {
    const tls = tlsOf(options, dir.tls, listen.host);
    const token = bearerToken(dir.token);
    engine = await startEngine({
      dir,
      redisUrl: options.redis,
      listen,
      tls,
      insecure,
      token,
      secretsKey: options.secretsKey,
      ops,
      runtimes: options.runtime,
      concurrency: options.concurrency,
      worker,
      ...ecs,
      onIncompatible,
      limits: limitsOf(options),
      log: await serverLog(),
      say,
    });
    writePrivate(dir.kubeconfig, kubeconfigText({ url: engine.url, token, ca: tls?.ca }));
    claim.announce({ url: engine.url, ...(engine.opsUrl && { opsUrl: engine.opsUrl }) });
    announce(engine, dir.kubeconfig, dir.token);
    await Promise.race([end.requested, happened]);
    say("stopping (Ctrl-C again to stop at once)");
  } finally {
    await engine?.close();
    claim.release();
    end.stopListening();
  }
}

function announce(engine: Engine, kubeconfig: string, tokenFile: string): void {
  say(`Gantry ${version()} is ready at ${engine.url}`);
  say(`  kubectl --kubeconfig ${kubeconfig} get jobs`);
  if (engine.opsUrl !== undefined)
    say(`  queues: ${engine.opsUrl}/ops/queues (token: ${tokenFile})`);
}
