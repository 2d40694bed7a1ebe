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

  #send(method: string, path: string, body?: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const sent = request(
        new URL(path, this.#options.url),
        {
          method,
          agent: this.#agent,
          headers: {
            authorization: `Bearer ${this.#options.token}`,
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

  close(): void {
    this.#agent.destroy();
  }
}
