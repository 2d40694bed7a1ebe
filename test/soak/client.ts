// Requests to the API, as many connections as a few services keep open, and what was answered to each.
import { Agent, request } from "node:https";

export interface ClientOptions {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
  readonly connections: number;
}

export interface Answer {
  /** 0: none came. */
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly ms: number;
}

const LIMIT_MS = 30_000;

export class Client {
  readonly #options: ClientOptions;
  readonly #agent: Agent;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.connections, ca: options.ca });
  }

  /** Never rejects. */
  send(method: string, path: string, body?: string): Promise<Answer> {
    const beganAtMs = performance.now();
    return new Promise((resolve) => {
      const answered = (status: number, retryAfter?: string): void =>
        resolve({ status, retryAfter, ms: performance.now() - beganAtMs });
      const sent = request(
        new URL(path, this.#options.url),
        {
          method,
          agent: this.#agent,
          timeout: LIMIT_MS,
          headers: {
            authorization: `Bearer ${this.#options.token}`,
            ...(body === undefined ? {} : { "content-type": "application/json" }),
          },
        },
        (response) => {
          response.resume();
          response.on("end", () =>
            answered(response.statusCode ?? 0, response.headers["retry-after"]),
          );
          response.on("error", () => answered(0));
        },
      );
      sent.on("timeout", () => sent.destroy());
      sent.on("error", () => answered(0));
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

export const JOBS = "/apis/batch/v1/namespaces/default/jobs";

/** One no-op Pod; gone half a minute after its end, so that the store stays as small as the work in it. */
export const jobText = (name: string): string =>
  JSON.stringify({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name },
    spec: {
      ttlSecondsAfterFinished: 30,
      template: {
        spec: { restartPolicy: "Never", containers: [{ name: "main", image: "none" }] },
      },
    },
  });
