// Token buckets that all processes of a cell share: what an account's API allows altogether.
import { suffix } from "./keys.ts";
import { script } from "./script.ts";
import type { Store } from "./store.ts";

const takeScript = script("take-tokens");
const slowScript = script("slow-bucket");

/** A rate that was halved for refusals grows by one a second in this time. */
const GROWTH_MS = 10_000;

/** However often it is halved: so that it is noticed when the service takes calls again. */
const LEAST_RATE = 0.5;

export interface BucketLimit {
  readonly name: string;
  readonly burst: number;
  readonly perSecond: number;
  /** Left for others that share the bucket. */
  readonly reserve?: number;
}

export interface Taken {
  readonly granted: number;
  /** When it is worth to ask again. */
  readonly waitMs: number;
  /** Processes that asked for the same lately, this one included. */
  readonly askers: number;
}

export class RateBuckets {
  readonly #store: Store;
  readonly #who: string;

  constructor(store: Store, who: string) {
    this.#store = store;
    this.#who = who;
  }

  /** Takes up to `wanted` from each of the buckets, from all the same number. */
  async take(buckets: readonly BucketLimit[], wanted: number): Promise<Taken> {
    const askers = `askers:${buckets.map(({ name }) => name).join("+")}`;
    const keys = [...buckets.map(({ name }) => name), askers].map((name) => this.#key(name));
    const limits = buckets.flatMap(({ burst, perSecond, reserve = 0 }) => [
      // A bucket that never holds more than it has to leave would never grant anything.
      Math.max(burst, 1 + reserve),
      perSecond,
      reserve,
    ]);
    const reply = (await takeScript.run(this.#store.redis, keys, [
      wanted,
      this.#who,
      GROWTH_MS,
      ...limits,
    ])) as [number, number, number];
    return { granted: reply[0], waitMs: reply[1], askers: reply[2] };
  }

  /** The service refused a call for its rate. Resolves with whether the rate was lowered now. */
  async slow({ name, perSecond }: BucketLimit): Promise<boolean> {
    const args = [perSecond, GROWTH_MS, LEAST_RATE];
    return (await slowScript.run(this.#store.redis, [this.#key(name)], args)) === 1;
  }

  #key(name: string): string {
    return this.#store.key(suffix.rateBucket(name));
  }
}
