// One command to a Redis on a unix socket, by hand: what starting and stopping it needs before a client exists.
import { connect } from "node:net";

/** Sends an inline command and resolves with the first line of the answer, `null` if nobody listens. */
export function redisCommand(
  socketPath: string,
  command: string,
  timeoutMs = 1_000,
): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    let answer = "";
    socket.setTimeout(timeoutMs, () =>
      socket.destroy(new Error(`no answer within ${timeoutMs} ms`)),
    );
    socket.on("connect", () => socket.write(`${command}\r\n`));
    socket.on("data", (chunk) => {
      answer += chunk.toString("utf8");
      const end = answer.indexOf("\r\n");
      if (end < 0) return;
      socket.destroy();
      resolve(answer.slice(0, end));
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (NOBODY.has(error.code ?? "")) resolve(null);
      else reject(error);
    });
    socket.on("close", () => resolve(answer));
  });
}

/** No socket file, or one that its server left behind. */
const NOBODY: ReadonlySet<string> = new Set(["ENOENT", "ECONNREFUSED", "ENOTSOCK"]);
