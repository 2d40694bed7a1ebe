// Finds the Gantry that `gantry run` should use, or starts one in this process.
import { ConnectionError, Gantry } from "@gantry/sdk";
import { setTimeout as sleep } from "node:timers/promises";
import { type ClientOptions, namedServer } from "../client.ts";
import { type DataDir, dataDir } from "../data-dir.ts";
import { writePrivate } from "../private-file.ts";
import type { Say } from "../redis/find.ts";
import { UsageError } from "../usage-error.ts";
import { servingCertificate } from "./certificate.ts";
import { ecsConfig, type EcsOptions } from "./ecs-config.ts";
import type { Engine } from "./engine.ts";
import { checkIn, countGuests } from "./guests.ts";
import { type Claim, claimDataDir, isClaim, type Instance, runningInstance } from "./instance.ts";
import { kubeconfigText } from "./kubeconfig.ts";
import { fileLog } from "./log.ts";
import { bearerToken } from "./token.ts";

export interface AttachOptions extends ClientOptions, EcsOptions {
  readonly redis?: string;
  readonly runtime: readonly string[];
  readonly concurrency?: number | undefined;
}

export interface Attachment {
  readonly client: Gantry;
  /** Set when the Gantry is another process of this data directory. */
  readonly instance: Instance | undefined;
  /** Leaves it; stops it if it is ours, once nobody else uses it. An aborted `hurry` waits for no one. */
  close(hurry: AbortSignal): Promise<void>;
}

/** Time for another process to come up that has the directory already. */
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 50;

export async function attach(options: AttachOptions, say: Say): Promise<Attachment> {
  const named = namedServer(options);
  if (named !== undefined) {
    return { client: named, instance: undefined, close: async () => named.close() };
  }
  const dir = dataDir(options.dataDir);
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const claim = await claimDataDir(dir, "run");
    if (isClaim(claim)) return startOwn(dir, claim, options, say);
    const leave = checkIn(dir);
    const client = await clientOf(dir, claim, options).catch((error: unknown) => {
      leave();
      throw error;
    });
    if (client !== undefined) {
      const close = async (): Promise<void> => {
        leave();
        client.close();
      };
      return { client, instance: claim, close };
    }
    leave();
    if (Date.now() > deadline) {
      throw new UsageError(
        `the Gantry of process ${claim.pid} has ${dir.root} but does not answer; stop it, or choose another --data-dir`,
      );
    }
    await sleep(POLL_MS);
  }
}

/** A client for the process that has the directory; undefined while it starts, or stops. */
async function clientOf(
  dir: DataDir,
  instance: Instance,
  options: ClientOptions,
): Promise<Gantry | undefined> {
  if (instance.url === undefined) return undefined;
  const { namespace } = options;
  const client = Gantry.fromKubeconfig(dir.kubeconfig, { namespace, url: instance.url });
  const ready = await client.ready().catch((error: unknown) => {
    if (error instanceof ConnectionError) return false;
    throw error;
  });
  if (ready && runningInstance(dir)?.pid === instance.pid) return client;
  client.close();
  return undefined;
}

async function startOwn(
  dir: DataDir,
  claim: Claim,
  options: AttachOptions,
  say: Say,
): Promise<Attachment> {
  let engine: Engine;
  try {
    engine = await startHidden(dir, options, say);
  } catch (error) {
    claim.release();
    throw error;
  }
  claim.announce({ url: engine.url });
  const client = Gantry.fromKubeconfig(dir.kubeconfig, { namespace: options.namespace });
  const close = async (hurry: AbortSignal): Promise<void> => {
    if (!hurry.aborted && countGuests(dir) > 0) {
      say("another `gantry run` uses this Gantry; waiting for it (Ctrl-C stops it)");
      while (!hurry.aborted && countGuests(dir) > 0) await sleep(POLL_MS);
    }
    client.close();
    try {
      await engine.close();
    } finally {
      claim.release();
    }
  };
  return { client, instance: undefined, close };
}

/** A Gantry behind a command: on a port of the system's choice, its log in a file. */
async function startHidden(dir: DataDir, options: AttachOptions, say: Say): Promise<Engine> {
  const ecs = ecsConfig(options, options.runtime);
  const { startEngine } = await import("./engine.ts");
  const host = "127.0.0.1";
  const tls = servingCertificate(dir.tls, host, Date.now());
  const token = bearerToken(dir.token);
  const engine = await startEngine({
    dir,
    redisUrl: options.redis,
    listen: { host, port: 0 },
    tls,
    insecure: false,
    token,
    ops: null,
    runtimes: options.runtime,
    concurrency: options.concurrency,
    ...ecs,
    log: fileLog(dir.log),
    say,
  });
  writePrivate(dir.kubeconfig, kubeconfigText({ url: engine.url, token, ca: tls.ca }));
  return engine;
}
