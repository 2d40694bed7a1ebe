// Submits Jobs over HTTPS on kept-alive connections, as a service with a client library does.
import { Agent, request } from "node:https";

export interface SubmitterOptions {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
}

/** Connections at once. */
const SOCKETS_MAX = 32;

export class Submitter {
  readonly #options: SubmitterOptions;
  readonly #agent: Agent;

  constructor(options: SubmitterOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX, ca: options.ca });
  }

  #send(
    method: string,
    path: string,
    body?: string,
    accept = "application/json",
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const sent = request(
        new URL(path, this.#options.url),
        {
          method,
          agent: this.#agent,
          headers: {
            authorization: `Bearer ${this.#options.token}`,
            accept,
            ...(body === undefined ? {} : { "content-type": "application/json" }),
          },
        },
        (response) => {
          let text = "";
          response.on("data", (data: Buffer) => (text += data.toString()));
          response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
          response.on("error", reject);
        },
      );
      sent.on("error", reject);
      sent.end(body);
    });
  }

  async ready(): Promise<boolean> {
    return this.#send("GET", "/readyz").then(
      ({ status }) => status === 200,
      () => false,
    );
  }

  /** Throws with the server's message unless the Job was created. */
  async create(job: { readonly metadata: { readonly name: string } }): Promise<void> {
    const path = "/apis/batch/v1/namespaces/default/jobs";
    const { status, text } = await this.#send("POST", path, JSON.stringify(job));
    if (status !== 201) throw new Error(`submitting ${job.metadata.name}: ${status} ${text}`);
  }

  /** Throws with the server's message unless it is answered. */
  async get(path: string, accept?: string): Promise<string> {
    const { status, text } = await this.#send("GET", path, undefined, accept);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`);
    return text;
  }

  /** An answer that goes on, on a connection of its own; returns what ends it. */
  stream(path: string, onData: (data: Buffer) => void): Promise<() => void> {
    const { url, ca, token } = this.#options;
    return new Promise((resolve, reject) => {
      const sent = request(
        new URL(path, url),
        { agent: false, ca, headers: { authorization: `Bearer ${token}` } },
        (response) => {
          response.on("data", onData);
          response.on("error", () => {});
          resolve(() => response.destroy());
        },
      );
      sent.once("error", reject);
      sent.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
