// Pods: the common verbs and a container's log, as bytes or as lines.
import type { WirePod } from "@gantry/core";
import { ConnectionError } from "./errors.ts";
import { lines, lineText } from "./lines.ts";
import type { Connection } from "./connection.ts";
import type { Pod } from "./objects.ts";
import { ResourceClient, type Scope } from "./resource-client.ts";
import { DEFAULT_RETRY, delayMs } from "./retry.ts";
import { setTimeout as sleep } from "node:timers/promises";

export interface LogOptions extends Scope {
  /** Default: the Pod's first container. */
  readonly container?: string | undefined;
  /** Goes on until the container has ended. */
  readonly follow?: boolean | undefined;
  readonly tailLines?: number | undefined;
  readonly sinceSeconds?: number | undefined;
  /** Each line begins with an RFC 3339 time. */
  readonly timestamps?: boolean | undefined;
  readonly limitBytes?: number | undefined;
  /** The log of the container's run before this one. */
  readonly previous?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class PodsClient extends ResourceClient<WirePod, Pod> {
  constructor(connection: Connection, namespace: string) {
    super(connection, PODS, namespace);
  }

  /** Lines of a container's log, decoded as UTF-8. Throws GantryError BadRequest while there is no log yet. */
  async *logs(name: string, options: LogOptions = {}): AsyncGenerator<string> {
    for await (const line of lines(this.logStream(name, options))) yield lineText(line);
  }

  /**
   * The log's bytes. A follow that breaks off is taken up again where it stopped, if it began at the log's
   * beginning; otherwise the place is unknown and ConnectionError is thrown.
   */
  async *logStream(name: string, options: LogOptions = {}): AsyncGenerator<Buffer> {
    const resumable =
      options.tailLines === undefined &&
      options.sinceSeconds === undefined &&
      options.limitBytes === undefined;
    let received = 0;
    for (let failures = 0; ;) {
      try {
        let skip = received;
        for await (const chunk of this.#readLog(name, options)) {
          const rest = chunk.subarray(Math.min(skip, chunk.length));
          skip -= chunk.length - rest.length;
          if (rest.length === 0) continue;
          failures = 0;
          received += rest.length;
          yield rest;
        }
        return;
      } catch (error) {
        if (options.signal?.aborted) return;
        if (!(error instanceof ConnectionError) || (!resumable && received > 0)) throw error;
        failures++;
        if (failures >= DEFAULT_RETRY.attempts) throw error;
        await sleep(delayMs(DEFAULT_RETRY, failures));
      }
    }
  }

  async *#readLog(name: string, options: LogOptions): AsyncGenerator<Buffer> {
    const response = await this.connection.stream({
      method: "GET",
      path: `${this.path(options.namespace, name)}/log`,
      accept: "*/*",
      query: {
        container: options.container,
        follow: options.follow || undefined,
        tailLines: options.tailLines,
        sinceSeconds: options.sinceSeconds,
        timestamps: options.timestamps || undefined,
        limitBytes: options.limitBytes,
        previous: options.previous || undefined,
      },
      signal: options.signal,
    });
    try {
      for await (const chunk of response) yield chunk as Buffer;
    } catch (error) {
      throw this.connection.failure(error);
    } finally {
      response.destroy();
    }
  }
}

const PODS = { kind: "Pod", apiVersion: "v1", plural: "pods", namespaced: true } as const;
