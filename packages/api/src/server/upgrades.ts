// Requests to change protocols. Node hands such connections over whole; here they become requests
// like all others, so that authentication, routes and errors are the same, and a handler that wants
// the connection takes it.
import { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { BODY_MAX_BYTES } from "../requests/body.ts";

export interface Upgrade {
  readonly socket: Socket;
  /** What the client has sent after its request. */
  readonly head: Buffer;
}

const offered = new WeakMap<IncomingMessage, { response: ServerResponse; upgrade: Upgrade }>();

/** The connection, whose answer is the caller's from now on; `undefined` when no upgrade is asked for. */
export const takeUpgrade = (message: IncomingMessage): Upgrade | undefined => {
  const found = offered.get(message);
  if (found === undefined) return undefined;
  offered.delete(message);
  found.response.detachSocket(found.upgrade.socket);
  return found.upgrade;
};

export const asksUpgrade = (message: IncomingMessage): boolean => offered.has(message);

/** A client that does not send its body by then has no answer to wait for. */
const BODY_MS = 30_000;

/** `length` bytes, of which `head` came already; rejects when the client goes or takes too long. */
const read = (socket: Socket, head: Buffer, length: number): Promise<[Buffer, Buffer]> =>
  new Promise((resolve, reject) => {
    let data = head;
    const late = setTimeout(() => socket.destroy(), BODY_MS).unref();
    const look = (): void => {
      if (data.length < length) return;
      clearTimeout(late);
      socket.off("data", take);
      socket.off("close", gone);
      socket.pause();
      resolve([data.subarray(0, length), data.subarray(length)]);
    };
    const take = (chunk: Buffer): void => {
      data = Buffer.concat([data, chunk]);
      look();
    };
    const gone = (): void => {
      clearTimeout(late);
      reject(new Error("the client is gone"));
    };
    socket.on("data", take);
    socket.once("close", gone);
    look();
  });

/** Some clients offer HTTP/2 (`h2c`) with any request, bodies too, which Node then does not read. */
const withBody = async (
  message: IncomingMessage,
  socket: Socket,
  head: Buffer,
): Promise<{ message: IncomingMessage; head: Buffer } | null> => {
  const length = Number(message.headers["content-length"] ?? 0);
  const isChunked = message.headers["transfer-encoding"] !== undefined;
  if (isChunked || !(length <= BODY_MAX_BYTES)) return null;
  if (length === 0) return { message, head };
  const [body, rest] = await read(socket, head, length);
  const whole = new IncomingMessage(socket);
  const { method, url, headers, rawHeaders, httpVersion } = message;
  const { httpVersionMajor, httpVersionMinor } = message;
  Object.assign(whole, { method, url, headers, rawHeaders, httpVersion });
  Object.assign(whole, { httpVersionMajor, httpVersionMinor, complete: true });
  whole.push(body);
  whole.push(null);
  return { message: whole, head: rest };
};

const refusal = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

export const serveUpgrades = (app: FastifyInstance): void => {
  app.server.on("upgrade", (given: IncomingMessage, stream, firstBytes: Buffer) => {
    const socket = stream as Socket;
    socket.on("error", () => socket.destroy());
    withBody(given, socket, firstBytes).then(
      (read) => {
        if (read === null) return socket.end(refusal);
        const { message, head } = read;
        const response = new ServerResponse(message);
        // Whatever follows on it is not ours to read, unless a handler takes it.
        response.shouldKeepAlive = false;
        response.assignSocket(socket);
        response.once("finish", () => {
          response.detachSocket(socket);
          socket.end();
        });
        offered.set(message, { response, upgrade: { socket, head } });
        app.routing(message, response);
      },
      () => socket.destroy(),
    );
  });
};
