// The queues of Pods as BullMQ keeps them, without BullMQ: what is added, taken, finished, stalled and handed out again.
import { type ControllerQueues, podPayload, type PodPayload, type QueuedPod } from "@gantry/store";
import type { Redis } from "ioredis";
import type { SimulatedProcess, World } from "./world.ts";

/** `start-worker.ts`: a lock of 10 s, looked at every 5 s. */
const PODS_STALLED_MS = 12_500;

interface Entry<T> {
  readonly payload: T;
  state: "waiting" | "active" | "delayed";
  /** Who has it; a finish by anybody else is ignored, as one without the lock is. */
  holder: object | undefined;
}

/** One queue; its ids are unique among what waits and runs. */
export class SimulatedQueue<T> {
  readonly entries = new Map<string, Entry<T>>();
  readonly #world: World;
  readonly #stalledMs: number;
  /** Ids that are not taken twice (the job is kept after its end). */
  readonly #ended = new Set<string>();

  constructor(world: World, stalledMs: number) {
    this.#world = world;
    this.#stalledMs = stalledMs;
  }

  add(id: string, payload: T): void {
    if (this.entries.has(id) || this.#ended.has(id)) return;
    this.entries.set(id, { payload, state: "waiting", holder: undefined });
  }

  /** Also one that ended, and is kept. */
  addAgain(id: string, payload: T): void {
    this.#ended.delete(id);
    this.add(id, payload);
  }

  get waiting(): string[] {
    return [...this.entries].flatMap(([id, { state }]) => (state === "waiting" ? [id] : []));
  }

  take(id: string, holder: object): T | undefined {
    const entry = this.entries.get(id);
    if (entry?.state !== "waiting") return undefined;
    entry.state = "active";
    entry.holder = holder;
    return entry.payload;
  }

  finish(id: string, holder: object): void {
    const entry = this.entries.get(id);
    if (entry?.holder !== holder) return;
    this.entries.delete(id);
    this.#ended.add(id);
  }

  delay(id: string, holder: object, ms: number): void {
    const entry = this.entries.get(id);
    if (entry?.holder !== holder) return;
    entry.state = "delayed";
    entry.holder = undefined;
    this.#world.at(this.#world.nowMs + ms, `${id} is due again`, () => {
      if (entry.state === "delayed") entry.state = "waiting";
    });
  }

  /** The lock runs out: it is handed out again, whatever its holder does. */
  stall(id: string, holder: object): void {
    this.#world.at(this.#world.nowMs + this.#stalledMs, `${id} has stalled`, () => {
      const entry = this.entries.get(id);
      if (entry?.state !== "active" || entry.holder !== holder) return;
      entry.state = "waiting";
      entry.holder = undefined;
    });
  }

  /** All that somebody holds. */
  heldBy(holders: ReadonlySet<object>): string[] {
    return [...this.entries].flatMap(([id, { holder }]) =>
      holder !== undefined && holders.has(holder) ? [id] : [],
    );
  }
}

export class SimulatedQueues {
  readonly pods: SimulatedQueue<PodPayload>;
  readonly #world: World;
  readonly #redis: Redis;
  /** Of the keys of the queue of Pods. */
  readonly #prefix: string;

  constructor(world: World, redis: Redis, prefix: string) {
    this.#world = world;
    this.#redis = redis;
    this.#prefix = prefix;
    this.pods = new SimulatedQueue(world, PODS_STALLED_MS);
  }

  /** Takes over what transactions put on the real queue. */
  async collect(): Promise<void> {
    const [redis, prefix] = [this.#redis, this.#prefix];
    const ids = (await redis.lrange(`${prefix}wait`, 0, -1)).toReversed();
    if (ids.length === 0) return;
    for (const id of ids) {
      const data = await redis.hget(`${prefix}${id}`, "data");
      this.pods.add(id, podPayload.parse(JSON.parse(data ?? "")));
    }
    const keys = ids.map((id) => `${prefix}${id}`);
    await redis.del(`${prefix}wait`, `${prefix}marker`, ...keys);
  }

  /** As one process sees them. */
  of(process: SimulatedProcess): ControllerQueues {
    return {
      requeuePods: (pods) => this.#requeue(process, pods),
    };
  }

  #requeue(process: SimulatedProcess, pods: readonly QueuedPod[]): Promise<void> {
    if (pods.length === 0) return Promise.resolve();
    const apply = (some: readonly QueuedPod[]): void => {
      for (const pod of some) this.pods.addAgain(pod.uid, pod);
    };
    return new Promise((resolve, reject) => {
      this.#world.step(process, `enqueue again ${JSON.stringify(pods)}`, (how) => {
        // Of several scripts, those before the one that breaks off are done.
        const done = how === "cut" ? this.#world.random.int(0, pods.length - 1) : pods.length;
        if (how !== "refused") apply(pods.slice(0, done));
        if (how === "resent") apply(pods);
        if (how === "refused" || how === "unheard") reject(new Error("Connection is closed."));
        else resolve();
      });
    });
  }
}
