// Lets launches through in order, as fast as the lane's limits allow; says to those who wait why.
import {
  type EcsSettings,
  launchBuckets,
  launchesPerSecond,
  type LaneSettings,
  waitEstimate,
} from "@gantry/core";
import { type BucketLimit, type RateBuckets, type Store, suffix } from "@gantry/store";
import type { Logger } from "pino";
import { bucketLimit } from "./ecs-api.ts";
import type { LaneStates, ShutLane } from "./lane-states.ts";

/** Launches let through at once, so that workers that share a lane take turns. */
const BATCH = 20;

/** Shut lanes and full quotas are looked at again after this long. */
const LOOK_AGAIN_MS = 500;
const WAIT_MAX_MS = 2_000;

/** What is in the way is said to each Pod no more often: each time its object is written. */
const SAY_EVERY_MS = 30_000;
/** And not of waits that pass at once. */
const SAY_AFTER_MS = 2_000;

const ERROR_WAIT_MS = 1_000;

interface Waiter {
  readonly launch: WaitingLaunch;
  readonly leave: (how: Entry) => void;
  saidAtMs: number;
}

/** `through`: RunTask may be called once. `elsewhere`: another lane is the better choice by now. */
export type Entry = "through" | "elsewhere" | "aborted";

export interface WaitingLaunch {
  readonly podUid: string;
  /** CPU units; 0 where they are counted already. */
  readonly cpu: number;
  /** Is told why it takes long; `reason` where it is other than `Unschedulable`. */
  readonly say: (message: string, reason?: string) => void;
  /** Is told of a lane that only an operator can open; each time that it is looked at. */
  readonly shut: (message: string) => void;
  /** Whether another lane is the better choice while this one is shut, in this way. */
  readonly leaves: (shut: ShutLane) => boolean;
  readonly signal: AbortSignal;
}

export interface LaunchGateOptions {
  readonly settings: EcsSettings;
  readonly store: Store;
  readonly buckets: RateBuckets;
  readonly lanes: LaneStates;
  readonly log: Logger;
  readonly now: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** What a launch on the lane takes from. */
const limitsOf = (settings: EcsSettings, lane: LaneSettings): BucketLimit[] => {
  const limits = launchBuckets(lane).map((bucket): BucketLimit => {
    const limit = bucketLimit(settings, bucket);
    // Stops share this bucket and go first.
    const isShared = bucket === "clusterModify";
    return isShared ? { ...limit, reserve: settings.rates.stopReserve * limit.burst } : limit;
  });
  const own = lane.launches;
  if (own !== undefined) limits.push({ name: `${settings.region}:lane:${lane.name}`, ...own });
  return limits;
};

class Lane {
  readonly #options: LaunchGateOptions;
  readonly #settings: LaneSettings;
  readonly #waiting = new Set<Waiter>();
  readonly #closed: AbortSignal;
  #isRunning = false;

  constructor(options: LaunchGateOptions, settings: LaneSettings, closed: AbortSignal) {
    this.#options = options;
    this.#settings = settings;
    this.#closed = closed;
  }

  enter(launch: WaitingLaunch): Promise<Entry> {
    const { signal } = launch;
    if (signal.aborted || this.#closed.aborted) return Promise.resolve("aborted");
    return new Promise((resolve) => {
      const abort = (): void => waiter.leave("aborted");
      const waiter: Waiter = {
        launch,
        saidAtMs: this.#options.now() + SAY_AFTER_MS - SAY_EVERY_MS,
        leave: (how) => {
          signal.removeEventListener("abort", abort);
          this.#waiting.delete(waiter);
          resolve(how);
        },
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting.add(waiter);
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    const { log, sleep } = this.#options;
    this.#isRunning = true;
    while (this.#waiting.size > 0 && !this.#closed.aborted) {
      try {
        const waitMs = await this.#step();
        if (waitMs > 0) await sleep(waitMs, this.#closed);
      } catch (error) {
        log.warn({ err: error, lane: this.#settings.name }, "launches wait for the store");
        await sleep(ERROR_WAIT_MS, this.#closed);
      }
    }
    this.#isRunning = false;
  }

  /** Lets through whom it can; resolves with how long to wait before the next look. */
  async #step(): Promise<number> {
    const { lanes, now, buckets, settings } = this.#options;
    const { name } = this.#settings;
    const state = await lanes.of(name);
    if (state.kind === "shut") {
      const { shut } = state;
      for (const waiter of this.#waiting) {
        if (waiter.launch.leaves(shut)) waiter.leave("elsewhere");
        else if (shut.circuit) waiter.launch.shut(shut.message);
      }
      const leftMs = shut.untilMs - now();
      const next =
        leftMs > 1_000 ? `(next try: ${waitEstimate(leftMs, 1000)})` : "(it is being tried)";
      this.#say(() => `lane ${name}: ${shut.message} ${next}`, shut.reason);
      return Math.min(Math.max(leftMs, LOOK_AGAIN_MS), WAIT_MAX_MS);
    }
    const room = await this.#room();
    if (room < 1) {
      this.#say(
        () => `lane ${name}: all ${this.#settings.vcpuQuota ?? 0} vCPUs of its quota are in use`,
      );
      if (state.kind === "probe") await lanes.probed(name);
      return LOOK_AGAIN_MS;
    }
    const wanted = state.kind === "probe" ? 1 : Math.min(this.#waiting.size, BATCH, room);
    const limits = limitsOf(settings, this.#settings);
    const { granted, waitMs, askers } = await buckets.take(limits, wanted);
    const through = [...this.#waiting].slice(0, granted);
    await this.#reserve(through);
    for (const waiter of through) waiter.leave("through");
    if (granted > 0) return 0;
    if (state.kind === "probe") await lanes.probed(name);
    // The others that ask have as many waiting, as far as is known here.
    const perSecond = launchesPerSecond(this.#settings, settings.rates) / Math.max(1, askers);
    this.#say((ahead) => `waiting for RunTask rate: ${waitEstimate(ahead + 1, perSecond)}`);
    return Math.min(Math.max(waitMs, 10), WAIT_MAX_MS);
  }

  /** How many of those in front have room in the quota of vCPUs. */
  async #room(): Promise<number> {
    const { vcpuQuota, name } = this.#settings;
    if (vcpuQuota === undefined) return BATCH;
    const { store } = this.#options;
    const used = await store.redis.hvals(store.key(suffix.ecsVcpu(name)));
    let free = vcpuQuota * 1024 - used.reduce((sum, units) => sum + Number(units), 0);
    let room = 0;
    for (const { launch } of this.#waiting) {
      free -= launch.cpu;
      if (free < 0 || room === BATCH) break;
      room += 1;
    }
    return room;
  }

  /** Until its record says so, the room of a launch would seem to be free. */
  async #reserve(waiters: readonly Waiter[]): Promise<void> {
    const { vcpuQuota, name } = this.#settings;
    if (vcpuQuota === undefined) return;
    const { store } = this.#options;
    const taken = waiters.flatMap(({ launch: { podUid, cpu } }) => (cpu > 0 ? [podUid, cpu] : []));
    if (taken.length > 0) await store.redis.hset(store.key(suffix.ecsVcpu(name)), ...taken);
  }

  #say(message: (ahead: number) => string, reason?: string): void {
    const nowMs = this.#options.now();
    let ahead = 0;
    for (const waiter of this.#waiting) {
      if (nowMs - waiter.saidAtMs >= SAY_EVERY_MS) {
        waiter.saidAtMs = nowMs;
        waiter.launch.say(message(ahead), reason);
      }
      ahead += 1;
    }
  }
}

export class LaunchGate {
  readonly #options: LaunchGateOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #closed = new AbortController();

  constructor(options: LaunchGateOptions) {
    this.#options = options;
  }

  enter(lane: LaneSettings, launch: WaitingLaunch): Promise<Entry> {
    let one = this.#lanes.get(lane.name);
    if (one === undefined) {
      one = new Lane(this.#options, lane, this.#closed.signal);
      this.#lanes.set(lane.name, one);
    }
    return one.enter(launch);
  }

  /** Who was let through launches nothing after all. */
  async leave(lane: string, podUid: string): Promise<void> {
    const { store } = this.#options;
    await store.redis.hdel(store.key(suffix.ecsVcpu(lane)), podUid);
  }

  close(): void {
    this.#closed.abort();
  }
}
