// Answers the API's requests for a Pod's logs and sessions, as a kubelet answers the API server's.
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type ContainerRecord, type PodRecord, type PodSpec, renderPodSpec } from "@gantry/core";
import { WebSocketServer } from "ws";
import { type LogOptions, LogUnavailable, type Runtime } from "./runtime.ts";
import { type Session, type SessionRequest, SessionRefused } from "./sessions/session.ts";
import { serveSession, sessionProtocols } from "./sessions/websocket-session.ts";
import type { WorkerContext } from "./worker-context.ts";

const PATH = /^\/pods\/([0-9A-Za-z-]+)\/(log|exec|attach)$/;

/** Of one message from a client; what Kubernetes' servers take. */
const MESSAGE_MAX_BYTES = 32 * 1024 * 1024;

export interface NodeServer {
  readonly port: number;
  close(): Promise<void>;
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

export const startNodeServer = async (
  context: WorkerContext,
  listen: { host: string; port: number },
  token: string,
): Promise<NodeServer> => {
  const expected = digest(`Bearer ${token}`);
  const isAllowed = ({ headers }: IncomingMessage): boolean =>
    timingSafeEqual(digest(headers.authorization ?? ""), expected);
  const server: Server = createServer((request, response) => {
    if (!isAllowed(request)) {
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
  const sessions = new Sessions(context);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (isAllowed(request)) void sessions.open(request, socket, head);
    else refuse(socket, 401, "Unauthorized");
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
        sessions.close();
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

interface Asked {
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly what: string;
  readonly query: URLSearchParams;
}

const asked = (request: IncomingMessage): Asked | null => {
  const { pathname, searchParams: query } = new URL(request.url ?? "/", "http://worker");
  const [, uid, what] = PATH.exec(pathname) ?? [];
  const [namespace, name] = [query.get("namespace"), query.get("name")];
  if (uid === undefined || what === undefined || namespace === null || name === null) return null;
  return { pod: { namespace, name, uid }, what, query };
};

const answer = async (
  context: WorkerContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const wanted = asked(request);
  if (request.method !== "GET" || wanted === null) {
    reply(response, 404, "not found");
    return;
  }
  if (wanted.what !== "log") {
    const why = await sessionRefusal(context, wanted);
    if (why === null) reply(response, 426, "Upgrade Required");
    else reply(response, 400, why);
    return;
  }
  const { pod, query } = wanted;
  const { namespace, name } = pod;
  const held = await heldPod(context, `${namespace}/${name}`);
  if (held?.runtime === undefined) {
    reply(response, 404, `pod ${name} not found`);
    return;
  }
  const abort = new AbortController();
  response.on("close", () => abort.abort());
  const stream = await held.runtime.logs(pod, logOptions(query, context.now(), abort.signal));
  response.writeHead(200, { "content-type": "text/plain" });
  response.flushHeaders();
  stream.on("error", (error) => {
    context.log.warn({ err: error }, "log stream ended early");
    response.destroy();
  });
  stream.pipe(response);
  response.on("close", () => stream.destroy());
};

interface Held {
  readonly record: PodRecord;
  readonly spec: PodSpec;
  /** `undefined` when the Pod is of a runtime that this worker does not have. */
  readonly runtime: Runtime | undefined;
}

const heldPod = async (context: WorkerContext, key: string): Promise<Held | undefined> => {
  const record = (await context.store.get("pods", key))?.value;
  if (record === undefined) return undefined;
  const spec = renderPodSpec(record, await context.templates.of(record));
  const runtime = context.runtimes.get(spec.runtimeClassName ?? context.defaultRuntime);
  return { record, spec, runtime };
};

const noSessions = (runtime: Runtime | undefined): string => {
  const which = runtime === undefined ? "pod's runtime" : `runtime ${runtime.name}`;
  return `the ${which} runs no commands in containers and can't be attached`;
};

/** Why a session would be refused, by what is known without opening one; `null` when it is not. */
const sessionRefusal = async (context: WorkerContext, wanted: Asked): Promise<string | null> => {
  const { namespace, name } = wanted.pod;
  const held = await heldPod(context, `${namespace}/${name}`);
  if (held?.runtime?.openSession === undefined) return noSessions(held?.runtime);
  const { record, spec } = held;
  const container = wanted.query.get("container") ?? "";
  const stateIn = (
    containers: PodSpec["containers"],
    records: readonly ContainerRecord[] | undefined,
  ): string | undefined =>
    records?.[(containers ?? []).findIndex((each) => each.name === container)]?.state;
  const state =
    stateIn(spec.containers, record.containers) ??
    stateIn(spec.initContainers, record.initContainers);
  return state === "running" ? null : `container "${container}" of pod "${name}" is not running`;
};

const sessionRequest = ({ what, query }: Asked): SessionRequest => {
  const is = (name: string): boolean => query.get(name) === "true";
  return {
    container: query.get("container") ?? "",
    command: what === "exec" ? query.getAll("command") : null,
    stdin: is("stdin"),
    stdout: is("stdout"),
    stderr: is("stderr"),
    tty: is("tty"),
  };
};

/** An answer to a request that wanted to be upgraded. */
const refuse = (socket: Duplex, status: number, message: string): void => {
  const body = JSON.stringify({ status, message });
  socket.on("error", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\nconnection: close\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
};

class Sessions {
  readonly #context: WorkerContext;
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MESSAGE_MAX_BYTES,
    handleProtocols: (offered) => sessionProtocols.find((each) => offered.has(each)) ?? false,
  });

  constructor(context: WorkerContext) {
    this.#context = context;
  }

  async open(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const gone = new AbortController();
    const left = (): void => gone.abort();
    socket.once("close", left);
    socket.once("error", left);
    let session: Session;
    try {
      session = await this.#session(request);
    } catch (error) {
      if (error instanceof SessionRefused) return refuse(socket, 400, error.message);
      this.#context.log.error({ err: error }, "session could not be opened");
      return refuse(socket, 500, "the session could not be opened");
    }
    if (gone.signal.aborted) return session.abandon();
    socket.off("error", left);
    this.#server.handleUpgrade(request, socket, head, (websocket) => {
      void serveSession(websocket, session);
    });
  }

  close(): void {
    for (const client of this.#server.clients) client.terminate();
  }

  async #session(request: IncomingMessage): Promise<Session> {
    const wanted = asked(request);
    if (wanted === null || wanted.what === "log") throw new SessionRefused("not found");
    const { namespace, name } = wanted.pod;
    const runtime = (await heldPod(this.#context, `${namespace}/${name}`))?.runtime;
    if (runtime?.openSession === undefined) throw new SessionRefused(noSessions(runtime));
    return runtime.openSession(wanted.pod, sessionRequest(wanted));
  }
}
