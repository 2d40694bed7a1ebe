// A scripted API server: each test says how requests are answered, and sees what came.
import http from "node:http";
import type { AddressInfo } from "node:net";
import { Gantry, type GantryOptions } from "@gantry/sdk";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export type Handler = (seen: Seen, response: http.ServerResponse) => void;

export class FakeServer {
  readonly seen: Seen[] = [];
  handler: Handler = (_, response) => void response.writeHead(404).end();
  readonly #server: http.Server;

  constructor() {
    this.#server = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const url = new URL(request.url ?? "/", "http://fake");
        const seen = {
          method: request.method ?? "",
          path: url.pathname,
          query: url.searchParams,
          headers: request.headers,
          body: Buffer.concat(chunks).toString("utf8"),
        };
        this.seen.push(seen);
        this.handler(seen, response);
      });
    });
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  client(options: Partial<GantryOptions> = {}): Gantry {
    const retry = { attempts: 4, firstDelayMs: 1, maxDelayMs: 4 };
    return new Gantry({ url: `http://127.0.0.1:${this.port}`, token: "secret", retry, ...options });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export const json = (response: http.ServerResponse, body: unknown, code = 200): void => {
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
};

export const status = (code: number, reason: string, message: string, details = {}): object => ({
  kind: "Status",
  apiVersion: "v1",
  status: "Failure",
  code,
  reason,
  message,
  details,
});

export const job = (name: string, resourceVersion: string, conditions: object[] = []): object => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name, namespace: "default", uid: `uid-${name}`, resourceVersion },
  spec: {},
  status: { conditions },
});

export const list = (resourceVersion: string, items: object[]): object => ({
  kind: "JobList",
  apiVersion: "batch/v1",
  metadata: { resourceVersion },
  items,
});
