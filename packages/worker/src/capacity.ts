// What a worker has and what its Pods have taken of it: room is reserved before a Pod is claimed.
import { statfsSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { addAmounts, type Amounts, type Fit, hasRoom } from "@gantry/core";

/** As Node status.capacity: quantities by resource name. */
export type Capacity = Readonly<Record<string, string>>;

const KIB = 1024;

/** Of the control group, where one bounds this process, else of the host. */
const memoryBytes = (): number => {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
};

/** What the host offers, as far as `configured` does not say it. `dataDir` must exist. */
export const nodeCapacity = (
  dataDir: string,
  pods: number,
  configured: { readonly cpu?: string | undefined; readonly memory?: string | undefined },
): Capacity => {
  const { bsize, blocks } = statfsSync(dataDir);
  return {
    cpu: configured.cpu ?? String(availableParallelism()),
    memory: configured.memory ?? `${Math.floor(memoryBytes() / KIB)}Ki`,
    "ephemeral-storage": `${Math.floor((bsize * blocks) / KIB)}Ki`,
    pods: String(pods),
  };
};

/**
 * Pods that wait for room at once. They take the next room without a round trip; each holds a place
 * of the queue's, so others, that may fit, must not wait behind many of them.
 */
const WAITERS_MAX = 16;

interface Waiter {
  readonly uid: string;
  readonly requests: Amounts;
  readonly done: (granted: boolean) => void;
}

/** Counts reservations by Pod uid. Everything happens at once, so that two Pods never share room. */
export class RoomLedger {
  readonly allocatable: Amounts;
  readonly #onChange: () => void;
  readonly #used = new Map<string, bigint>();
  readonly #byUid = new Map<string, Amounts>();
  /** First come, first served, among those whom the room suffices. */
  readonly #waiters = new Set<Waiter>();
  #closed = false;

  constructor(allocatable: Amounts, onChange: () => void) {
    this.allocatable = allocatable;
    this.#onChange = onChange;
  }

  get used(): Amounts {
    return this.#used;
  }

  /** Reserves if there is room; a Pod that has its room keeps it. */
  reserve(uid: string, requests: Amounts): Fit {
    if (this.#byUid.has(uid)) return { ok: true };
    const fit = hasRoom(requests, this.allocatable, this.#used);
    if (fit.ok) this.take(uid, requests);
    return fit;
  }

  /** Counts a Pod that runs here already, whether or not there is room. */
  take(uid: string, requests: Amounts): void {
    if (this.#byUid.has(uid)) return;
    this.#byUid.set(uid, requests);
    addAmounts(this.#used, requests);
    this.#onChange();
  }

  release(uid: string): void {
    const requests = this.#byUid.get(uid);
    if (requests === undefined) return;
    this.#byUid.delete(uid);
    for (const [name, amount] of requests) {
      this.#used.set(name, (this.#used.get(name) ?? 0n) - amount);
    }
    for (const waiter of this.#waiters) {
      if (this.reserve(waiter.uid, waiter.requests).ok) waiter.done(true);
    }
    this.#onChange();
  }

  /** Whether room was reserved within that time. */
  waitForRoom(uid: string, requests: Amounts, timeoutMs: number): Promise<boolean> {
    if (this.#closed || this.#waiters.size >= WAITERS_MAX) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiter.done(false), timeoutMs);
      const waiter: Waiter = {
        uid,
        requests,
        done: (granted) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve(granted);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  /** Nobody waits any more. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiters) waiter.done(false);
  }
}
