// The scheduler's own HTTP server, for when no other part of the process serves its metrics.
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import type { Registry } from "prom-client";

export interface MetricsListen {
  /** Default: loopback. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Asked for as `Authorization: Bearer TOKEN` by /metrics; probes are open. */
  readonly token?: string;
}

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** A probe that has no answer by then is answered "not ready". */
const READY_WITHIN_MS = 1_000;

interface Served {
  readonly registry: Registry;
  /** Rejects, or stays silent, while the scheduler can't work. */
  readonly ready: () => Promise<unknown>;
  readonly log: Logger;
}

/** Serves GET (and HEAD) /metrics, /healthz and /readyz. Rejects when it can't listen. */
export const startMetricsServer = async (
  { host = "127.0.0.1", port, token }: MetricsListen,
  served: Served,
): Promise<MetricsServer> => {
  const server = createServer((request, response) => {
    answer(request, response, token, served).catch((error: unknown) => {
      served.log.warn({ err: error, url: request.url }, "metrics could not be shown");
      send(response, 500, "internal error\n");
    });
  });
  await listening(server, host, port);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const listening = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });

const answer = async (
  request: IncomingMessage,
  response: ServerResponse,
  token: string | undefined,
  { registry, ready }: Served,
): Promise<void> => {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD");
    return send(response, 405, "method not allowed\n");
  }
  const path = (request.url ?? "").split("?", 1)[0];
  if (path === "/healthz") return send(response, 200, "ok");
  if (path === "/readyz") {
    return (await inTime(ready())) ? send(response, 200, "ok") : send(response, 503, "not ready\n");
  }
  if (path !== "/metrics") return send(response, 404, "not found\n");
  if (token !== undefined && !bears(request, token)) {
    response.setHeader("WWW-Authenticate", "Bearer");
    return send(response, 401, "unauthorized\n");
  }
  const text = await registry.metrics();
  response.setHeader("Content-Type", registry.contentType);
  send(response, 200, text);
};

/** Digests first: equal lengths, and the time taken tells nothing. */
const bears = (request: IncomingMessage, token: string): boolean => {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  const given = /^bearer +(.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
  return timingSafeEqual(digest(given), digest(token));
};

const inTime = async (work: Promise<unknown>): Promise<boolean> => {
  let timeout: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timeout = setTimeout(() => resolve(false), READY_WITHIN_MS);
  });
  const done = work.then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timeout);
  }
};

const send = (response: ServerResponse, code: number, text: string): void => {
  if (response.headersSent) return;
  if (!response.hasHeader("Content-Type")) {
    response.setHeader("Content-Type", "text/plain; charset=utf-8");
  }
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.writeHead(code).end(text);
};
