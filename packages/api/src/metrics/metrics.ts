// What this process tells Prometheus: itself, its requests, and the state of Jobs and CronJobs.
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Store } from "@gantry/store";
import { collectDefaultMetrics, Histogram, Registry } from "prom-client";
import { ecsMetrics } from "./ecs-metrics.ts";
import { StateCache, type StateCacheOptions } from "./state-cache.ts";

/** Watches and followed logs last as long as their clients like; the last bucket is for all of them. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export type MetricsOptions = StateCacheOptions;

export class Metrics {
  /** For counters of other parts of the process. */
  readonly registry = new Registry();
  readonly #duration: Histogram<"method" | "route" | "code">;
  readonly #state: StateCache;
  readonly #store: Store;

  constructor(options: MetricsOptions) {
    collectDefaultMetrics({ register: this.registry });
    this.#duration = new Histogram({
      name: "gantry_http_request_duration_seconds",
      help: "Time until requests were answered in full.",
      labelNames: ["method", "route", "code"],
      buckets: DURATION_BUCKETS,
      registers: [this.registry],
    });
    this.#state = new StateCache(options);
    this.#store = options.store;
  }

  /** Times the requests of a server. Routes, not paths, are labels, so that their number is bounded. */
  observe(app: FastifyInstance): void {
    app.addHook("onResponse", (request, reply, done) => {
      const route = request.routeOptions.url ?? "none";
      const labels = { method: request.method, route, code: String(reply.raw.statusCode) };
      this.#duration.observe(labels, reply.elapsedTime / 1000);
      done();
    });
  }

  /** GET /metrics; the server's own authentication applies. */
  serve(app: FastifyInstance): void {
    app.get("/metrics", async (_request, reply) => this.#answer(reply));
  }

  async #answer(reply: FastifyReply): Promise<FastifyReply> {
    const state = this.#state.pieces();
    const [own, ecs] = await Promise.all([this.registry.metrics(), ecsMetrics(this.#store)]);
    // The first piece comes before the status, so that a store that can't be read is an error.
    const first = await state.next();
    const pieces = async function* (): AsyncGenerator<string> {
      yield own;
      yield ecs;
      if (first.done !== true) yield first.value;
      yield* state;
    };
    return reply.type(CONTENT_TYPE).send(Readable.from(pieces()));
  }

  /** The store may have lost what was shown of it. */
  reset(): void {
    this.#state.reset();
  }

  close(): void {
    this.#state.close();
    this.registry.clear();
  }
}
