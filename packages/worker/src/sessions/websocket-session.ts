// Carries a session over a WebSocket as Kubernetes' remote command protocol: v4 and v5.channel.k8s.io.
// Each message is a channel's number and its data.
import type { Readable } from "node:stream";
import type { RawData, WebSocket } from "ws";
import type { Session, SessionEnd } from "./session.ts";

export const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** In which the end of standard input can be told (`close`). */
const V5 = "v5.channel.k8s.io";
export const sessionProtocols: readonly string[] = [V5, "v4.channel.k8s.io"];

const NORMAL_CLOSURE = 1000;
/** Finds out about clients that vanished without a word; less than the patience of kubectl. */
const PING_MS = 30_000;
/** A client that does not answer our close is cut off by then. */
const CLOSE_MS = 5_000;

/** The metav1.Status on the error channel, as a kubelet writes it. */
export const endStatus = (end: SessionEnd): object => {
  if (end.kind === "failed") {
    const message = `error executing command in container: ${end.message}`;
    return {
      metadata: {},
      status: "Failure",
      message: `Internal error occurred: ${message}`,
      reason: "InternalError",
      details: { causes: [{ message }] },
      code: 500,
    };
  }
  if (end.kind === "detached" || end.exitCode === 0) return { metadata: {}, status: "Success" };
  const { exitCode } = end;
  return {
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  };
};

const bytesOf = (data: RawData): Buffer =>
  Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);

/** Resolves once the data is handed to the system, so that a slow client slows the program down. */
const sendOn = (socket: WebSocket, number: number, data: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    const message = Buffer.allocUnsafe(data.length + 1);
    message[0] = number;
    message.set(data, 1);
    socket.send(message, { binary: true }, (error) => (error ? reject(error) : resolve()));
  });

const pump = async (socket: WebSocket, number: number, from: Readable | null): Promise<void> => {
  if (from === null) return;
  for await (const chunk of from) await sendOn(socket, number, chunk as Buffer);
};

const sizeOf = (data: Buffer): { columns: number; rows: number } | null => {
  try {
    const { Width, Height } = JSON.parse(data.toString()) as { Width?: unknown; Height?: unknown };
    const fits = (size: unknown): size is number =>
      Number.isInteger(size) && Number(size) > 0 && Number(size) <= 0xffff;
    return fits(Width) && fits(Height) ? { columns: Width, rows: Height } : null;
  } catch {
    return null;
  }
};

const receive = (socket: WebSocket, session: Session): void => {
  const { stdin } = session;
  // The program may close its input at any time; that is no fault.
  stdin?.on("error", () => {});
  for (const event of ["drain", "close"]) stdin?.on(event, () => socket.resume());
  socket.on("message", (raw) => {
    const message = bytesOf(raw);
    const data = message.subarray(1);
    switch (message[0] ?? -1) {
      case channel.stdin:
        if (stdin === null || stdin.writableEnded || stdin.destroyed || data.length === 0) return;
        if (!stdin.write(data)) socket.pause();
        return;
      case channel.resize: {
        const size = sizeOf(data);
        if (size !== null) session.resize(size.columns, size.rows);
        return;
      }
      case channel.close:
        if (socket.protocol === V5 && data[0] === channel.stdin) stdin?.end();
    }
  });
};

const keepAlive = (socket: WebSocket): (() => void) => {
  let answered = true;
  socket.on("pong", () => (answered = true));
  const timer = setInterval(() => {
    // While we do not read, neither its answers nor its own pings can be seen; kubectl gives up
    // without a pong for a minute.
    if (socket.isPaused) return socket.pong();
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  }, PING_MS);
  return () => clearInterval(timer);
};

/** Serves the session until either side ends it. */
export const serveSession = async (socket: WebSocket, session: Session): Promise<void> => {
  const stop = keepAlive(socket);
  // Its close follows and says the same.
  socket.on("error", () => {});
  socket.once("close", () => {
    stop();
    session.abandon();
  });
  receive(socket, session);
  try {
    // As Kubernetes does: an empty message on the first channel says that the session stands.
    const output = session.stderr === null ? channel.error : channel.stderr;
    await sendOn(socket, session.stdout === null ? output : channel.stdout, new Uint8Array());
    await Promise.all([
      pump(socket, channel.stdout, session.stdout),
      pump(socket, channel.stderr, session.stderr),
    ]);
    await sendOn(
      socket,
      channel.error,
      Buffer.from(JSON.stringify(endStatus(await session.ended))),
    );
    // A close can be answered only if we read what comes before it.
    session.stdin?.destroy();
    socket.resume();
    socket.close(NORMAL_CLOSURE);
    setTimeout(() => socket.terminate(), CLOSE_MS).unref();
  } catch {
    socket.terminate();
  }
};
