// Finds and mends what no event announced. Everything else makes this needless; hands, bugs and failovers do not.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Queues, type Store, suffix } from "@gantry/store";
import type { ControllerContext } from "../controller-context.ts";
import { Findings, type RepairKind } from "./findings.ts";
import { mendIndexes, StreamResync } from "./resync-indexes.ts";
import { JobResync } from "./resync-jobs.ts";
import { mendEvents, TimerResync } from "./resync-others.ts";
import { ResyncClosedError, type ResyncPass } from "./resync-pass.ts";
import { resyncPods } from "./resync-pods.ts";
import { PausedQueues, placedPods } from "./resync-queues.ts";

/** Something is believed to be wrong when it was seen twice, so mending takes up to two of these. */
export const RESYNC_EVERY_MS = 15_000;

/** Every so many passes, the first included, what costs more is looked at as well. */
const THOROUGH_EVERY = 20;

/** One scheduler resyncs; another takes over when it was silent for this long. */
const LOCK_MS = 60_000;

/** Of each page's time this much is left to others, so that a large store costs no more than a fifth of a core. */
const REST_FACTOR = 4;
const REST_MAX_MS = 500;

export class Resync {
  readonly #context: ControllerContext;
  readonly #queues: Queues;
  readonly #findings: Findings;
  readonly #jobs = new JobResync();
  readonly #timers = new TimerResync();
  readonly #streams = new StreamResync();
  readonly #paused: PausedQueues;
  readonly #id = randomUUID();
  #passes = 0;
  #closed = false;

  constructor(context: ControllerContext, queues: Queues) {
    this.#context = context;
    this.#queues = queues;
    this.#findings = new Findings(context.log, context.metrics?.resync);
    this.#paused = new PausedQueues(context.metrics?.resync);
  }

  /** One pass, if no other scheduler is at it. Resolves with what was mended; `null`: not its turn. */
  async pass(): Promise<Partial<Record<RepairKind, number>> | null> {
    const { store, metrics } = this.#context;
    if (!(await this.#holds(store))) return null;
    const beganAtMs = performance.now();
    try {
      await this.#look();
    } catch (error) {
      if (!(error instanceof ResyncClosedError)) throw error;
    } finally {
      this.#passes += 1;
    }
    metrics?.resync.passed((performance.now() - beganAtMs) / 1000);
    return this.#findings.endPass();
  }

  async #look(): Promise<void> {
    let pageAtMs = performance.now();
    const pass: ResyncPass = {
      context: this.#context,
      queues: this.#queues,
      findings: this.#findings,
      thorough: this.#passes % THOROUGH_EVERY === 0 || this.#passes % THOROUGH_EVERY === 1,
      pace: async () => {
        if (this.#closed) throw new ResyncClosedError();
        const restMs = Math.min(REST_MAX_MS, REST_FACTOR * (performance.now() - pageAtMs));
        await sleep(restMs);
        await this.#holds(this.#context.store);
        pageAtMs = performance.now();
      },
    };
    await this.#paused.look(pass);
    await resyncPods(pass, await placedPods(pass));
    await this.#jobs.look(pass);
    await this.#timers.look(pass);
    await mendEvents(pass);
    await mendIndexes(pass);
    await this.#streams.look(pass);
  }

  /** Whether this scheduler is the one that resyncs; holds the right for some time more. */
  async #holds({ redis }: Store): Promise<boolean> {
    const lock = this.#context.store.key(suffix.resync);
    const holder = await redis.set(lock, this.#id, "PX", LOCK_MS, "NX", "GET");
    if (holder === null) return true;
    if (holder !== this.#id) return false;
    await redis.pexpire(lock, LOCK_MS);
    return true;
  }

  /** A pass under way ends at its next page. */
  close(): void {
    this.#closed = true;
  }

  /** Lets another scheduler go on at once. */
  async release(): Promise<void> {
    const { store } = this.#context;
    const lock = store.key(suffix.resync);
    if ((await store.redis.get(lock)) === this.#id) await store.redis.del(lock);
  }
}
