// Answers the API's requests for container logs, as a kubelet answers the API server's.
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { renderPodSpec } from "@gantry/core";
import { type LogOptions, LogUnavailable, type Runtime } from "./runtime.ts";
import type { WorkerContext } from "./worker-context.ts";

const PATH = /^\/pods\/([0-9A-Za-z-]+)\/log$/;

export interface LogServer {
  readonly port: number;
  close(): Promise<void>;
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

export const startLogServer = async (
  context: WorkerContext,
  listen: { host: string; port: number },
  token: string,
): Promise<LogServer> => {
  const expected = digest(`Bearer ${token}`);
  const server: Server = createServer((request, response) => {
    if (!timingSafeEqual(digest(request.headers.authorization ?? ""), expected)) {
      reply(response, 401, "Unauthorized");
      return;
    }
    answer(context, request, response).catch((error: unknown) => {
      if (error instanceof LogUnavailable) reply(response, 400, error.message);
      else {
        context.log.error({ err: error }, "log request failed");
        reply(response, 500, "log could not be read");
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const reply = (response: ServerResponse, status: number, message: string): void => {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ status, message }));
};

const number = (value: string | null): number | undefined =>
  value === null || value === "" ? undefined : Number(value);

const logOptions = (query: URLSearchParams, nowMs: number, signal: AbortSignal): LogOptions => {
  const seconds = number(query.get("sinceSeconds"));
  const time = query.get("sinceTime");
  const tailLines = number(query.get("tailLines"));
  const limitBytes = number(query.get("limitBytes"));
  const sinceMs =
    seconds === undefined ? (time === null ? undefined : Date.parse(time)) : nowMs - seconds * 1000;
  return {
    container: query.get("container") ?? "",
    follow: query.get("follow") === "true",
    timestamps: query.get("timestamps") === "true",
    previous: query.get("previous") === "true",
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    signal,
  };
};

const answer = async (
  context: WorkerContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const url = new URL(request.url ?? "/", "http://worker");
  const uid = PATH.exec(url.pathname)?.[1];
  const [namespace, name] = [url.searchParams.get("namespace"), url.searchParams.get("name")];
  if (request.method !== "GET" || uid === undefined || namespace === null || name === null) {
    reply(response, 404, "not found");
    return;
  }
  const runtime = await runtimeOf(context, `${namespace}/${name}`);
  if (runtime === undefined) {
    reply(response, 404, `pod ${name} not found`);
    return;
  }
  const abort = new AbortController();
  response.on("close", () => abort.abort());
  const stream = await runtime.logs(
    { namespace, name, uid },
    logOptions(url.searchParams, context.now(), abort.signal),
  );
  response.writeHead(200, { "content-type": "text/plain" });
  response.flushHeaders();
  stream.on("error", (error) => {
    context.log.warn({ err: error }, "log stream ended early");
    response.destroy();
  });
  stream.pipe(response);
  response.on("close", () => stream.destroy());
};

const runtimeOf = async (context: WorkerContext, key: string): Promise<Runtime | undefined> => {
  const pod = await context.store.get("pods", key);
  if (pod === null) return undefined;
  const spec = renderPodSpec(pod.value, await context.templates.of(pod.value));
  return context.runtimes.get(spec.runtimeClassName ?? context.defaultRuntime);
};
