// Whether the installation has room for one more object. What was taken goes on; what is new waits outside.
import { ApiError, tooManyRequests } from "@gantry/core";
import { readLoad, type Resource, type Store, type StoreLoad } from "@gantry/store";
import type { Logger } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";
import type { OverloadLimits } from "./limits.ts";

/** The store is asked again after this long; meanwhile what this process took is added. */
const REFRESH_MS = 500;

/** Jobs finish all the time; memory is freed as Jobs expire or are deleted. */
const PENDING_RETRY_SECONDS = 2;
const MEMORY_RETRY_SECONDS = 10;

/** That something is refused is logged this often at most. */
const LOG_EVERY_MS = 60_000;

export type RefusalReason = "inflight" | "pending_jobs" | "memory";

export interface AdmissionOptions {
  readonly store: Store;
  readonly limits: OverloadLimits;
  readonly log: Logger;
  readonly nowMs: () => number;
}

export class Admission {
  readonly limits: OverloadLimits;
  readonly #options: AdmissionOptions;
  #load: StoreLoad | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  /** Jobs that this process took since the store was asked. */
  #taken = 0;
  #loggedAtMs = Number.NEGATIVE_INFINITY;
  #refused: Counter<"reason"> | undefined;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.limits = options.limits;
  }

  /** Once for each registry. */
  register(registry: Registry): void {
    const registers = [registry];
    this.#refused = new Counter({
      name: "gantry_api_refused_requests_total",
      help: "Requests that were answered 429, by what was at its limit.",
      labelNames: ["reason"],
      registers,
    });
    for (const reason of ["inflight", "pending_jobs", "memory"]) this.#refused.inc({ reason }, 0);
    const load = (): StoreLoad | undefined => this.#load;
    new Gauge({
      name: "gantry_unfinished_jobs",
      help: "Jobs that are not finished, when a Job was last submitted to this process.",
      registers,
      collect() {
        this.set(load()?.unfinishedJobs ?? 0);
      },
    });
  }

  /** Before an object is created. Throws 429 with the time after which to try again. */
  async admit(resource: Resource): Promise<void> {
    const load = await this.#current();
    const { maxPendingJobs, maxMemoryFraction } = this.limits;
    if (load.maxBytes > 0 && load.usedBytes > maxMemoryFraction * load.maxBytes) {
      const percent = Math.round((100 * load.usedBytes) / load.maxBytes);
      throw this.refusal(
        "memory",
        `the store uses ${percent}% of its memory and takes no new objects beyond ` +
          `${Math.round(100 * maxMemoryFraction)}%: delete finished Jobs, or try again later`,
        MEMORY_RETRY_SECONDS,
      );
    }
    if (resource !== "jobs") return;
    if (load.unfinishedJobs + this.#taken >= maxPendingJobs) {
      throw this.refusal(
        "pending_jobs",
        `there are ${load.unfinishedJobs} unfinished Jobs and at most ${maxPendingJobs} are taken: ` +
          `try again later`,
        PENDING_RETRY_SECONDS,
      );
    }
    this.#taken += 1;
  }

  /** Counts a refusal, and makes its answer. */
  refusal(reason: RefusalReason, message: string, retryAfterSeconds: number): ApiError {
    this.#refused?.inc({ reason });
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#loggedAtMs >= LOG_EVERY_MS) {
      this.#loggedAtMs = nowMs;
      this.#options.log.warn({ reason }, `requests are refused: ${message}`);
    }
    return tooManyRequests(message, retryAfterSeconds);
  }

  /** Waits for the store only the first time. */
  async #current(): Promise<StoreLoad> {
    if (this.#options.nowMs() - this.#askedAtMs >= REFRESH_MS && this.#asking === undefined) {
      this.#asking = this.#ask().finally(() => {
        this.#asking = undefined;
      });
      // Whoever creates something meets the same error.
      this.#asking.catch(() => {});
    }
    while (this.#load === undefined) await (this.#asking ?? this.#ask());
    return this.#load;
  }

  async #ask(): Promise<void> {
    const takenBefore = this.#taken;
    const load = await readLoad(this.#options.store);
    this.#load = load;
    this.#taken -= takenBefore;
    this.#askedAtMs = this.#options.nowMs();
  }
}
