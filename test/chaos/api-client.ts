// Requests that are repeated until they are answered, and what was acknowledged; as a careful client does it.
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { parse } from "yaml";
import { pause, uptime } from "./uptime.ts";

const ANSWER_MS = 15_000;
const RETRY_MS = 300;

export interface Answer {
  readonly status: number;
  readonly body: { readonly [key: string]: unknown };
}

/** The server said no in a way that no retry mends. */
export class RefusedError extends Error {
  override name = "RefusedError";
  readonly status: number;
  constructor(what: string, { status, body }: Answer) {
    super(`${what}: ${status} ${JSON.stringify(body)}`);
    this.status = status;
  }
}

/** No answer before the run's end. */
export class GaveUpError extends Error {
  override name = "GaveUpError";
}

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly cluster: { server: string; "certificate-authority-data": string } },
  ];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
}

export interface Acknowledged {
  readonly status: number;
  readonly body: Answer["body"];
  readonly attempts: number;
  /** When the answer was read. */
  readonly at: number;
}

/** A server that is unwell: nothing is known of what became of the request. */
const isPassing = (status: number): boolean => status === 429 || status >= 500;

export class ApiClient {
  readonly #server: string;
  readonly #token: string;
  readonly #ca: Buffer;
  #agent: Agent;
  /** How often the server was out of reach or unwell, by what it said. */
  readonly troubles = new Map<string, number>();

  private constructor({ clusters: [{ cluster }], users: [{ user }] }: Kubeconfig) {
    this.#server = cluster.server;
    this.#token = user.token;
    this.#ca = Buffer.from(cluster["certificate-authority-data"], "base64");
    this.#agent = new Agent({ keepAlive: true, maxSockets: 16, ca: this.#ca });
  }

  static async of(kubeconfig: string): Promise<ApiClient> {
    return new ApiClient(parse(await readFile(kubeconfig, "utf8")) as Kubeconfig);
  }

  /**
   * Repeats the request until it is answered by one of these statuses. Only for requests that may be
   * repeated: they name their object.
   */
  async certain(
    method: string,
    path: string,
    body: object | undefined,
    accepted: readonly number[],
    deadline: number,
  ): Promise<Acknowledged> {
    for (let attempts = 1; ; attempts++) {
      const answer = await this.once(method, path, body).catch((error: unknown) => error as Error);
      if (!(answer instanceof Error)) {
        if (accepted.includes(answer.status)) return { ...answer, attempts, at: uptime() };
        // 409 on a patch: the object changed meanwhile.
        const again = isPassing(answer.status) || (answer.status === 409 && method === "PATCH");
        if (!again) throw new RefusedError(`${method} ${path}`, answer);
        this.#trouble(String(answer.status));
      } else this.#trouble((answer as NodeJS.ErrnoException).code ?? answer.message);
      if (uptime() > deadline) {
        const said = answer instanceof Error ? answer.message : `answered ${answer.status}`;
        throw new GaveUpError(`${method} ${path}: ${said}`);
      }
      await pause(RETRY_MS);
    }
  }

  async once(method: string, path: string, body?: object): Promise<Answer> {
    const answer = await this.#open(method, path, this.#agent, body);
    let text = "";
    answer.setEncoding("utf8");
    for await (const part of answer) text += String(part);
    const status = answer.statusCode ?? 0;
    return { status, body: text.startsWith("{") ? JSON.parse(text) : { text } };
  }

  /** An answer that goes on, on a connection of its own; whoever reads it destroys it. */
  stream(path: string, silentMs: number): Promise<IncomingMessage> {
    return this.#open("GET", path, new Agent({ ca: this.#ca }), undefined, silentMs);
  }

  close(): void {
    this.#agent.destroy();
  }

  #trouble(what: string): void {
    this.troubles.set(what, (this.troubles.get(what) ?? 0) + 1);
  }

  #open(
    method: string,
    path: string,
    agent: Agent,
    body?: object,
    silentMs = ANSWER_MS,
  ): Promise<IncomingMessage> {
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
      sent.setTimeout(silentMs, () => sent.destroy(new Error("no answer in time")));
      sent.end(text);
    });
  }
}
