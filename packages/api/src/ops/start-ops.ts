// The listener for people: Bull Board, metrics and health over plain HTTP on loopback, so browsers don't warn.
import type { AddressInfo } from "node:net";
import { isIP } from "node:net";
import type { Store } from "@gantry/store";
import { fastify, type FastifyInstance, LogController } from "fastify";
import type { Logger } from "pino";
import type { Metrics } from "../metrics/metrics.ts";
import { registerAuthorization } from "./authorize.ts";
import { registerBoard } from "./board.ts";

export interface OpsOptions {
  readonly store: Store;
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly token: string;
  /** Lets the pages change queues; they are read-only otherwise. */
  readonly write: boolean;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Allows a host other than loopback, where the token would pass in clear text. */
  readonly insecure?: boolean;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

export interface RunningOps {
  readonly port: number;
  close(): Promise<void>;
}

/** Plain HTTP beyond this machine would show the token to the network. */
export class InsecureListenerError extends Error {
  override readonly name = "InsecureListenerError";
  constructor(host: string) {
    super(
      `the ops listener speaks plain HTTP and ${host} is not loopback: use 127.0.0.1, ` +
        "or --insecure if something else keeps the network out",
    );
  }
}

export const isLoopback = (host: string): boolean => {
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
};

/** Bull Board sets styles inline; nothing is loaded from elsewhere. */
const SECURITY_POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; " +
  "form-action 'self'; frame-ancestors 'none'";

/** What is under way may finish within this when the listener closes. */
const DRAIN_MS = 2_000;

/** A store that answers this late is as good as gone. */
const HEALTH_TIMEOUT_MS = 2_000;

function addHeaders(app: FastifyInstance): void {
  app.addHook("onSend", async (_request, reply) => {
    reply
      .header("content-security-policy", SECURITY_POLICY)
      .header("x-content-type-options", "nosniff")
      .header("referrer-policy", "no-referrer")
      .header("cross-origin-opener-policy", "same-origin");
  });
}

async function answers(store: Store): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), HEALTH_TIMEOUT_MS);
  });
  const pong = store.redis.ping().then(
    () => true,
    () => false,
  );
  const healthy = await Promise.race([pong, late]);
  clearTimeout(timer);
  return healthy;
}

function registerHealth(app: FastifyInstance, store: Store): void {
  app.get("/healthz", async (_request, reply) => {
    const healthy = await answers(store);
    return reply
      .code(healthy ? 200 : 503)
      .type("text/plain; charset=utf-8")
      .send(healthy ? "ok" : "the store does not answer");
  });
}

/** Rejects with InsecureListenerError, or when the port is taken. */
export async function startOps(options: OpsOptions): Promise<RunningOps> {
  if (!isLoopback(options.host) && options.insecure !== true) {
    throw new InsecureListenerError(options.host);
  }
  const app = fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: "idle",
  }) as unknown as FastifyInstance;
  addHeaders(app);
  options.metrics.observe(app);
  const { token, write, now = Date.now } = options;
  registerAuthorization(app, { token, write, now });
  registerHealth(app, options.store);
  options.metrics.serve(app);
  const board = await registerBoard(app, options.store, write);
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (error) {
    await app.close();
    await board.close();
    throw error;
  }
  const { port } = app.server.address() as AddressInfo;
  return {
    port,
    close: async () => {
      const cut = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS);
      await app.close();
      clearTimeout(cut);
      await board.close();
    },
  };
}
