// The queues of Pods as BullMQ keeps them, without BullMQ: what is added, taken, finished, stalled and handed out again.
import {
  type ControllerQueues,
  type PodPayload,
  type QueuedPod,
  unqueuedMark,
} from "@gantry/store";
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
  readonly #unmark: (marks: readonly string[]) => Promise<unknown>;

  /** `unmark` takes away the marks of Pods that are on their queue. */
  constructor(world: World, unmark: (marks: readonly string[]) => Promise<unknown>) {
    this.#world = world;
    this.#unmark = unmark;
    this.pods = new SimulatedQueue(world, PODS_STALLED_MS);
  }

  /** As one process sees them. */
  of(process: SimulatedProcess): ControllerQueues {
    return {
      enqueuePods: (pods) =>
        this.#call(process, "enqueue", pods, (pod) => this.pods.add(pod.uid, pod)),
      requeuePods: (pods) =>
        this.#call(process, "enqueue again", pods, (pod) => this.pods.addAgain(pod.uid, pod)),
    };
  }

  #call(
    process: SimulatedProcess,
    what: string,
    pods: readonly QueuedPod[],
    add: (pod: QueuedPod) => void,
  ): Promise<void> {
    if (pods.length === 0) return Promise.resolve();
    const apply = async (some: readonly QueuedPod[]): Promise<void> => {
      if (some.length === 0) return;
      for (const pod of some) add(pod);
      await this.#unmark(some.map(unqueuedMark));
    };
    return new Promise((resolve, reject) => {
      this.#world.step(process, `${what} ${JSON.stringify(pods)}`, async (how) => {
        // Of several scripts, those before the one that breaks off are done.
        const done = how === "cut" ? this.#world.random.int(0, pods.length - 1) : pods.length;
        if (how !== "refused") await apply(pods.slice(0, done));
        if (how === "resent") await apply(pods);
        if (how === "refused" || how === "unheard") reject(new Error("Connection is closed."));
        else resolve();
      });
    });
  }
}
