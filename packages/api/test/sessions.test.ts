// pods/exec and pods/attach at the API: what is refused before the upgrade, and how the rest is passed on.
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createObject, Txn, updatePod } from "@gantry/store";
import { ApiUnderTest, PODS, podManifest, TOKEN } from "./api-under-test.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

describe("sessions", () => {
  let api: ApiUnderTest;
  let worker: Server;
  /** Connections of the API to the worker. */
  const sockets: Socket[] = [];
  const seen: { url: string; headers: Record<string, unknown> }[] = [];

  beforeAll(async () => {
    api = await ApiUnderTest.start();
    worker = createServer(({ url = "" }, response) => {
      const refused = url.includes("refuse-me") || url.includes("/attach");
      response.writeHead(refused ? 400 : 426, { "content-type": "application/json" });
      response.end(JSON.stringify({ message: refused ? "it is not running" : "upgrade" }));
    });
    worker.on("upgrade", (request, socket: Socket) => {
      socket.on("error", () => socket.destroy());
      seen.push({ url: request.url ?? "", headers: request.headers });
      sockets.push(socket);
      if (request.url?.includes("refuse-me") === true) {
        const body = JSON.stringify({ message: 'container "main" of pod "p" is not running' });
        socket.end(`HTTP/1.1 400 X\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
        return;
      }
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          "Sec-WebSocket-Accept: accepted\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\nfirst",
      );
      socket.pipe(socket);
    });
    worker.listen(0, "127.0.0.1");
    await once(worker, "listening");
    const { port } = worker.address() as AddressInfo;
    const annotations = { "gantry.dev/logs-url": `http://127.0.0.1:${port}` };
    const txn = new Txn();
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: "n", uid: "n", annotations } };
    createObject(txn, "nodes", node as never, Date.now());
    await api.store.commit(txn);
    for (const name of ["p", "unassigned"]) await api.post(PODS, podManifest(name));
    const stored = await api.store.get("pods", "default/p");
    if (stored === null) throw new Error("no pod");
    const bind = new Txn();
    updatePod(bind, stored, { ...stored.value, node: "n" });
    await api.store.commit(bind);
  });
  afterAll(async () => {
    await api.stop();
    worker.closeAllConnections();
    worker.close();
  });

  const words = {
    upgrade: "websocket",
    "sec-websocket-protocol": "v5.channel.k8s.io",
    "sec-websocket-key": KEY,
    "sec-websocket-version": "13",
    authorization: `Bearer ${TOKEN}`,
  };

  /** Sends a request to upgrade, and answers with the connection and what came first on it. */
  const upgrade = async (
    path: string,
    headers: Record<string, string> = {},
    method = "GET",
    body = "",
  ): Promise<{ head: string; body: string; socket: Socket }> => {
    const socket = connect(api.api.port, "127.0.0.1");
    const all = { host: "localhost", connection: "Upgrade", ...words, ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    const done = (): boolean => {
      const [head = "", rest] = text.split("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 5);
      return rest !== undefined && rest.length >= length;
    };
    while (!done()) await Promise.race([once(socket, "data"), once(socket, "close")]);
    const [head = "", rest = ""] = text.split("\r\n\r\n");
    return { head, body: rest, socket };
  };
  const EXEC = `${PODS}/p/exec`;

  test.each([
    ["no such pod", `${PODS}/none/exec?command=true&stdout=1`, {}, 404, 'pods "none" not found'],
    [
      "no such container",
      `${EXEC}?container=x&command=true&stdout=1`,
      {},
      400,
      "not valid for pod p",
    ],
    ["no node", `${PODS}/unassigned/exec?command=true&stdout=1`, {}, 400, "have a host assigned"],
    ["no stream", `${EXEC}?command=true`, {}, 400, "at least 1 of stdin, stdout, stderr"],
    ["no command", `${EXEC}?stdout=1`, {}, 400, "at least one command"],
    ["SPDY", `${EXEC}?command=true&stdout=1`, { upgrade: "SPDY/3.1" }, 400, "use a WebSocket"],
    [
      "SPDY after a WebSocket that the worker refused",
      `${PODS}/p/attach?stdout=1`,
      { upgrade: "SPDY/3.1" },
      400,
      "it is not running",
    ],
    [
      "an unknown protocol",
      `${EXEC}?command=true&stdout=1`,
      { "sec-websocket-protocol": "v3.channel.k8s.io" },
      400,
      "server accepts [v5.channel.k8s.io v4.channel.k8s.io]",
    ],
    [
      "a wrong token",
      `${EXEC}?command=true&stdout=1`,
      { authorization: "Bearer x" },
      401,
      "nauthor",
    ],
    ["the worker's word", `${EXEC}?command=refuse-me&stdout=1`, {}, 400, "is not running"],
  ] as const)("%s is a Status before the upgrade", async (_what, path, headers, code, message) => {
    const answer = await upgrade(path, headers);
    expect(answer.head).toContain(`HTTP/1.1 ${code} `);
    expect(JSON.parse(answer.body)).toMatchObject({ kind: "Status", code });
    expect((JSON.parse(answer.body) as { message: string }).message).toContain(message);
    await once(answer.socket, "close");
  });

  test("without an upgrade it is a Status, too, and other methods are not allowed", async () => {
    const plain = await api.get(`${EXEC}?command=true&stdout=1`);
    expect(plain).toMatchObject({ status: 400, body: { message: "Upgrade request required" } });
    for (const method of ["PUT", "DELETE", "PATCH"]) {
      expect((await api.send(method, EXEC, { body: {} })).status).toBe(405);
    }
  });

  test.each(["GET", "POST"])("%s: the handshake and all bytes pass", async (method) => {
    seen.length = 0;
    const query = "command=sh&command=-c&command=a%20b&stdin=true&stdout=1&stderr=true&tty=false";
    const { head, body, socket } = await upgrade(`${EXEC}?${query}`, {}, method);
    expect(head).toContain("HTTP/1.1 101 Switching Protocols");
    expect(head).toContain("sec-websocket-accept: accepted");
    expect(body).toBe("first");
    const [asked] = seen;
    expect(asked?.headers).toMatchObject({ "sec-websocket-key": KEY, upgrade: "websocket" });
    expect(asked?.headers["authorization"]).not.toContain(TOKEN);
    const url = new URL(asked?.url ?? "", "http://worker");
    expect(url.pathname).toMatch(/^\/pods\/[0-9a-f-]+\/exec$/);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      ...{ namespace: "default", name: "p", container: "main", command: "a b" },
      ...{ stdin: "true", stdout: "true", stderr: "true" },
    });
    expect(url.searchParams.getAll("command")).toEqual(["sh", "-c", "a b"]);
    let bytes = 0;
    socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
    const sent = Buffer.alloc(20_000_000, 7);
    socket.write(sent);
    while (bytes < sent.length) await once(socket, "data");
    socket.destroy();
  });

  test("a worker that dies ends the session, and so does a client that goes", async () => {
    const first = await upgrade(`${EXEC}?command=sh&stdout=1`);
    sockets.at(-1)?.destroy();
    await once(first.socket, "close");
    const second = await upgrade(`${EXEC}?command=sh&stdout=1`);
    const upstream = sockets.at(-1);
    second.socket.destroy();
    if (upstream?.closed === false) await once(upstream, "close");
    expect(upstream?.destroyed).toBe(true);
  });

  test("a terminal has no standard error", async () => {
    seen.length = 0;
    const { socket } = await upgrade(`${PODS}/p/attach?stdout=1&stderr=1&tty=1`);
    const url = new URL(seen[0]?.url ?? "", "http://worker");
    expect([url.searchParams.get("tty"), url.searchParams.get("stderr")]).toEqual(["true", null]);
    socket.destroy();
  });

  test("an offer of HTTP/2 is passed over, with and without a body", async () => {
    const offer = {
      upgrade: "h2c",
      connection: "Upgrade, HTTP2-Settings",
      "http2-settings": "AAM",
    };
    const read = await upgrade(`${PODS}/p`, offer);
    expect(read.head).toContain("HTTP/1.1 200 ");
    const body = JSON.stringify(podManifest("made"));
    const type = { "content-type": "application/json", "content-length": String(body.length) };
    const made = await upgrade(PODS, { ...offer, ...type }, "POST", body);
    expect(made.head).toContain("HTTP/1.1 201 ");
    expect(JSON.parse(made.body)).toMatchObject({ metadata: { name: "made" } });
  });

  test.each(["portforward", "proxy", "proxy/x/y", "ephemeralcontainers", "resize", "binding"])(
    "pods/%s is refused by name",
    async (what) => {
      const answer = await api.get(`${PODS}/p/${what}`);
      expect(answer).toMatchObject({ status: 405, body: { reason: "MethodNotAllowed" } });
      expect(answer.body.message).toMatch(/^Gantry: /);
      expect((await api.get(`${PODS}/none/${what}`)).status).toBe(404);
    },
  );
});
