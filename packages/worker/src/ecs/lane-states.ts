// Which lanes are shut, and why: known to all workers, so that one refusal keeps them all from
// asking, and one probe lets them all go on.
import type { Classification, Cooling } from "@gantry/core";
import { holdRole, leaveRole, type Store, suffix } from "@gantry/store";
import type { Logger } from "pino";

/** How old what this worker knows of the lanes may be. */
const KNOWN_FOR_MS = 250;

/** A probe that has no answer by then is given up. */
const PROBE_MS = 30_000;

export interface ShutLane {
  readonly class: Classification["class"];
  readonly reason: string;
  readonly message: string;
  /** Shut since then without a launch that succeeded, Unix ms. */
  readonly sinceMs: number;
  /** When it was last shut, Unix ms. */
  readonly shutAtMs: number;
  /** Not to be tried before, Unix ms. */
  readonly untilMs: number;
  readonly pauseMs: number;
  /** Refusals in a row. */
  readonly failures: number;
  /** Only an operator can mend it. */
  readonly circuit: boolean;
}

export type LaneState =
  | { readonly kind: "open" }
  /** One launch may be tried, by the caller. */
  | { readonly kind: "probe"; readonly shut: ShutLane }
  | { readonly kind: "shut"; readonly shut: ShutLane };

export class LaneStates {
  readonly #store: Store;
  readonly #holder: string;
  readonly #now: () => number;
  readonly #log: Pick<Logger, "info" | "warn">;
  #known: ReadonlyMap<string, ShutLane> = new Map();
  #readAtMs = 0;

  constructor(store: Store, holder: string, now: () => number, log: Pick<Logger, "info" | "warn">) {
    this.#store = store;
    this.#holder = holder;
    this.#now = now;
    this.#log = log;
  }

  async of(lane: string): Promise<LaneState> {
    const shut = (await this.all()).get(lane);
    if (shut === undefined) return { kind: "open" };
    if (this.#now() < shut.untilMs) return { kind: "shut", shut };
    const mayProbe = await holdRole(this.#store, probeOf(lane), this.#holder, PROBE_MS);
    return { kind: mayProbe ? "probe" : "shut", shut };
  }

  /** Of the lanes that are shut. */
  async all(): Promise<ReadonlyMap<string, ShutLane>> {
    if (this.#now() - this.#readAtMs < KNOWN_FOR_MS) return this.#known;
    const texts = await this.#store.redis.hgetall(this.#store.key(suffix.ecsLanes));
    this.#readAtMs = this.#now();
    this.#known = new Map(
      Object.entries(texts).map(([lane, text]) => [lane, JSON.parse(text) as ShutLane]),
    );
    return this.#known;
  }

  /** A launch that began then was refused for the lane's sake. Resolves with the lane's state. */
  async refused(
    lane: string,
    judged: Classification,
    cooling: Cooling,
    begunAtMs: number,
  ): Promise<ShutLane> {
    this.#readAtMs = 0;
    const before = (await this.all()).get(lane);
    const nowMs = this.#now();
    // Launches that were under way together are one refusal.
    if (before !== undefined && before.shutAtMs >= begunAtMs) return before;
    const pauseMs =
      before === undefined
        ? cooling.initialMs
        : Math.min(cooling.maxMs, Math.max(cooling.initialMs, before.pauseMs * 2));
    const shut: ShutLane = {
      class: judged.class,
      reason: judged.podReason,
      message: judged.message,
      sinceMs: before?.sinceMs ?? nowMs,
      shutAtMs: nowMs,
      untilMs: nowMs + pauseMs,
      pauseMs,
      failures: (before?.failures ?? 0) + 1,
      circuit: cooling.scope === "circuit",
    };
    await this.#store.redis.hset(this.#store.key(suffix.ecsLanes), lane, JSON.stringify(shut));
    await leaveRole(this.#store, probeOf(lane), this.#holder);
    this.#readAtMs = 0;
    const { class: cause, message, failures } = shut;
    this.#log.warn({ lane, class: cause, failures, pauseMs }, `launches are refused: ${message}`);
    return shut;
  }

  /** A launch that began then took place. */
  async succeeded(lane: string, begunAtMs: number): Promise<void> {
    const shut = (await this.all()).get(lane);
    if (shut === undefined || shut.shutAtMs > begunAtMs) return;
    await this.#store.redis.hdel(this.#store.key(suffix.ecsLanes), lane);
    this.#log.info({ lane, shutMs: this.#now() - shut.sinceMs }, "launches are taken again");
    await this.probed(lane);
    this.#readAtMs = 0;
  }

  /** The caller's probe is over, whatever it told. */
  async probed(lane: string): Promise<void> {
    await leaveRole(this.#store, probeOf(lane), this.#holder);
  }
}

const probeOf = (lane: string): string => `probe:${lane}`;
