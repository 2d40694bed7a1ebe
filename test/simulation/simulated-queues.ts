// The queues as BullMQ keeps them, without BullMQ: what is added, taken, finished, stalled and handed out again.
import type { ControllerQueues, PodPayload, QueuedPod } from "@gantry/store";
import type { SimulatedProcess, World } from "./world.ts";

/** BullMQ's defaults for queue `sync`: lock and stalled check of 30 s each. */
const SYNC_STALLED_MS = 45_000;
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
  /** keepLastIfActive: asked for while it ran. */
  readonly #again = new Set<string>();
  /** Ids that are not taken twice (the job is kept after its end). */
  readonly #ended: Set<string> | undefined;

  constructor(world: World, stalledMs: number, keepsEnded: boolean) {
    this.#world = world;
    this.#stalledMs = stalledMs;
    this.#ended = keepsEnded ? new Set() : undefined;
  }

  add(id: string, payload: T): void {
    const entry = this.entries.get(id);
    if (entry?.state === "active" && this.#ended === undefined) this.#again.add(id);
    if (entry !== undefined || this.#ended?.has(id) === true) return;
    this.entries.set(id, { payload, state: "waiting", holder: undefined });
  }

  /** Also one that ended, and is kept. */
  addAgain(id: string, payload: T): void {
    this.#ended?.delete(id);
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
    this.#ended?.add(id);
    if (this.#again.delete(id)) this.add(id, entry.payload);
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
  readonly sync: SimulatedQueue<string>;
  readonly pods: SimulatedQueue<PodPayload>;
  readonly #world: World;
  readonly #lossRate: number;

  constructor(world: World, lossRate: number) {
    this.#world = world;
    this.#lossRate = lossRate;
    this.sync = new SimulatedQueue(world, SYNC_STALLED_MS, false);
    this.pods = new SimulatedQueue(world, PODS_STALLED_MS, true);
  }

  /** As one process sees them. Only wake-ups may be lost without notice: they promise nothing. */
  of(process: SimulatedProcess): ControllerQueues {
    return {
      wake: (keys) =>
        this.#call(process, "wake", keys, (key) => {
          if (!this.#world.random.chance(this.#lossRate)) this.sync.add(key, key);
        }),
      enqueuePods: (pods: readonly QueuedPod[]) =>
        this.#call(process, "enqueue", pods, ({ namespace, name, uid }) => {
          this.pods.add(uid, { namespace, name, uid });
        }),
      requeuePods: (pods: readonly QueuedPod[]) =>
        this.#call(process, "enqueue again", pods, ({ namespace, name, uid }) => {
          this.pods.addAgain(uid, { namespace, name, uid });
        }),
    };
  }

  #call<T>(
    process: SimulatedProcess,
    what: string,
    parts: readonly T[],
    apply: (part: T) => void,
  ): Promise<void> {
    if (parts.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#world.step(process, `${what} ${JSON.stringify(parts)}`, (how) => {
        // A pipeline that breaks off: those before it broke are done.
        const done = how === "cut" ? this.#world.random.int(0, parts.length - 1) : parts.length;
        if (how !== "refused") for (const part of parts.slice(0, done)) apply(part);
        if (how === "resent") for (const part of parts) apply(part);
        if (how === "refused" || how === "unheard") reject(new Error("Connection is closed."));
        else resolve();
      });
    });
  }
}
