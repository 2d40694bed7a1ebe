// pods/exec and pods/attach: the client's WebSocket is joined to the worker that holds the Pod, as an
// API server joins it to a kubelet.
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { badRequest } from "@gantry/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { flag, type Query, queryOf } from "../requests/query.ts";
import type { ApiContext } from "../server/context.ts";
import { refuseOthers } from "../server/refusals.ts";
import { asksUpgrade, takeUpgrade, type Upgrade } from "../server/upgrades.ts";
import {
  askWorker,
  containerOf,
  podAt,
  type PodWorker,
  workerError,
  workerOf,
} from "./worker-link.ts";

/** Kubernetes' remote command protocols that the workers speak. */
const protocols: readonly string[] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

/** What the worker must hear of the client's handshake, and the client of the worker's. */
const asked = ["sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol"] as const;
const answered = ["sec-websocket-accept", "sec-websocket-protocol"] as const;

/** Time for a client to take what is left when the worker has ended a session. */
const FLUSH_MS = 30_000;

/** PodExecOptions and PodAttachOptions, as a kubelet understands them. */
const sessionOptions = (query: Query, kind: "exec" | "attach"): URLSearchParams => {
  const options = new URLSearchParams();
  for (const name of ["stdin", "stdout", "tty"]) if (flag(query, name)) options.set(name, "true");
  // A terminal has one output.
  if (flag(query, "stderr") && !options.has("tty")) options.set("stderr", "true");
  if (!["stdin", "stdout", "stderr"].some((name) => options.has(name))) {
    throw badRequest("you must specify at least 1 of stdin, stdout, stderr");
  }
  if (kind === "attach") return options;
  const command = query.getAll("command");
  if (command.length === 0) throw badRequest("you must specify at least one command");
  for (const word of command) options.append("command", word);
  return options;
};

const checkUpgrade = (message: IncomingMessage): void => {
  const { upgrade = "" } = message.headers;
  if (upgrade.toLowerCase() !== "websocket") {
    throw badRequest(`unable to upgrade: ${upgrade} is not served; use a WebSocket`);
  }
  const offers = String(message.headers["sec-websocket-protocol"] ?? "");
  const named = offers.split(",").map((each) => each.trim());
  if (named.some((each) => protocols.includes(each))) return;
  throw badRequest(
    `unable to upgrade: unable to negotiate protocol: client supports [${named.join(" ")}], ` +
      `server accepts [${protocols.join(" ")}]`,
  );
};

const handshake = (headers: IncomingHttpHeaders): Record<string, string> => {
  const kept: Record<string, string> = { connection: "Upgrade", upgrade: "websocket" };
  for (const name of asked) if (headers[name] !== undefined) kept[name] = headers[name];
  return kept;
};

const acceptance = (headers: IncomingHttpHeaders): string => {
  const lines = ["HTTP/1.1 101 Switching Protocols", "upgrade: websocket", "connection: Upgrade"];
  for (const name of answered) {
    if (headers[name] !== undefined) lines.push(`${name}: ${headers[name]}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
};

type WorkerAnswer =
  | { readonly refused: IncomingMessage }
  | { readonly headers: IncomingHttpHeaders; readonly stream: Duplex; readonly head: Buffer };

const awaitUpgrade = (request: ClientRequest, settle: (answer: WorkerAnswer) => void): void => {
  request.once("response", (refused: IncomingMessage) => settle({ refused }));
  request.once("upgrade", ({ headers }: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on("error", () => stream.destroy());
    settle({ headers, stream, head });
  });
};

/** Bytes pass both ways, no faster than either side reads, until either side closes. */
const join = (context: ApiContext, client: Upgrade, stream: Duplex, head: Buffer): void => {
  const { socket } = client;
  const end = (): void => {
    context.closing.removeEventListener("abort", end);
    socket.destroy();
    stream.destroy();
  };
  context.closing.addEventListener("abort", end);
  socket.once("close", end);
  stream.once("close", () => {
    if (!stream.readableEnded || socket.writableFinished) return end();
    // What the worker said before its close still goes out, to a client that reads.
    socket.once("finish", end);
    setTimeout(end, FLUSH_MS).unref();
  });
  if (head.length > 0) socket.write(head);
  if (client.head.length > 0) stream.write(client.head);
  stream.pipe(socket);
  socket.pipe(stream);
};

/**
 * kubectl whose WebSocket was refused, for whatever reason, tries SPDY and shows only what is said to
 * that. So the worker's reason comes before the refusal of the protocol.
 */
const checkWorker = async (
  context: ApiContext,
  worker: PodWorker,
  container: string,
  message: IncomingMessage,
): Promise<void> => {
  if (message.headers.upgrade?.toLowerCase() === "websocket") return;
  const url = new URL(worker.url);
  url.searchParams.set("container", container);
  const { answer } = await askWorker<IncomingMessage>(
    context,
    { ...worker, url },
    {},
    (ask, settle) => ask.once("response", settle),
  );
  const refusal = await workerError(answer);
  if (answer.statusCode === 400) throw refusal;
};

const podSession =
  (context: ApiContext, kind: "exec" | "attach") =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<undefined> => {
    const { namespace = "", name = "" } = request.params as { namespace?: string; name?: string };
    const query = queryOf(request);
    const pod = await podAt(context, namespace, name);
    const container = containerOf(pod, query.get("container") ?? "");
    const worker = await workerOf(context, pod);
    if (!asksUpgrade(request.raw)) throw badRequest("Upgrade request required");
    const options = sessionOptions(query, kind);
    options.set("container", container);
    worker.url.pathname += `/${kind}`;
    await checkWorker(context, worker, container, request.raw);
    checkUpgrade(request.raw);
    for (const [option, value] of options) worker.url.searchParams.append(option, value);
    const { answer } = await askWorker(
      context,
      worker,
      handshake(request.raw.headers),
      awaitUpgrade,
    );
    if ("refused" in answer) throw await workerError(answer.refused);
    const client = takeUpgrade(request.raw);
    reply.hijack();
    if (client === undefined || client.socket.destroyed) {
      answer.stream.destroy();
      return undefined;
    }
    client.socket.write(acceptance(answer.headers));
    join(context, client, answer.stream, answer.head);
    return undefined;
  };

export const registerSessions = (app: FastifyInstance, context: ApiContext, pod: string): void => {
  for (const kind of ["exec", "attach"] as const) {
    const url = `${pod}/${kind}`;
    app.route({ method: ["GET", "POST"], url, handler: podSession(context, kind) });
    refuseOthers(app, url, ["GET", "POST"]);
  }
};
