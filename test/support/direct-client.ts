// Requests with as little client as possible, for tests of many requests or many watches.
import { readFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import type { IncomingMessage } from "node:http";
import { parse } from "yaml";

interface Kubeconfig {
  readonly clusters: readonly [
    {
      readonly cluster: { readonly server: string; readonly "certificate-authority-data": string };
    },
  ];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
}

const CONNECTIONS = 32;

export class DirectClient {
  readonly #server: string;
  readonly #token: string;
  readonly #ca: Buffer;
  readonly #agent: Agent;

  private constructor({ clusters: [{ cluster }], users: [{ user }] }: Kubeconfig) {
    this.#server = cluster.server;
    this.#token = user.token;
    this.#ca = Buffer.from(cluster["certificate-authority-data"], "base64");
    this.#agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, ca: this.#ca });
  }

  static async of(kubeconfig: string): Promise<DirectClient> {
    return new DirectClient(parse(await readFile(kubeconfig, "utf8")) as Kubeconfig);
  }

  /** Rejects unless the answer is a success; a PATCH is a merge patch. */
  async send(method: string, path: string, body?: object): Promise<string> {
    const answer = await this.#open(method, path, this.#agent, body);
    let text = "";
    answer.setEncoding("utf8");
    for await (const part of answer) text += String(part);
    if ((answer.statusCode ?? 0) >= 300) throw new Error(`${method} ${path}: ${text}`);
    return text;
  }

  /** An answer on a connection of its own, which ends with `destroy`. */
  stream(path: string): Promise<IncomingMessage> {
    return this.#open("GET", path, new Agent({ ca: this.#ca }));
  }

  close(): void {
    this.#agent.destroy();
  }

  #open(method: string, path: string, agent: Agent, body?: object): Promise<IncomingMessage> {
    const text = body === undefined ? "" : JSON.stringify(body);
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const headers = {
      authorization: `Bearer ${this.#token}`,
      "content-length": Buffer.byteLength(text),
      ...(body === undefined ? {} : { "content-type": type }),
    };
    return new Promise((resolve, reject) => {
      const sent = request(new URL(path, this.#server), { method, agent, headers }, resolve);
      sent.once("error", reject);
      sent.end(text);
    });
  }
}
