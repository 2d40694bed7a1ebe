// Chance that depends on names, not on the order of calls: a seed and a name give one number, so a
// run with the same seed meets the same faults however its requests interleave.
import { createHash } from "node:crypto";

export class Chance {
  readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** In [0, 1), the same for the same names. */
  of(...names: readonly (string | number)[]): number {
    const digest = createHash("sha256")
      .update([this.seed, ...names].join("\0"))
      .digest();
    return digest.readUInt32BE(0) / 2 ** 32;
  }

  hits(probability: number, ...names: readonly (string | number)[]): boolean {
    return probability > 0 && this.of(...names) < probability;
  }

  /** One of the kinds, each with its probability; undefined when none is hit. */
  pick<T extends string>(
    weights: Readonly<Partial<Record<T, number>>>,
    ...names: readonly (string | number)[]
  ): T | undefined {
    let rest = this.of(...names);
    for (const kind of Object.keys(weights) as T[]) {
      rest -= weights[kind] ?? 0;
      if (rest < 0) return kind;
    }
    return undefined;
  }
}
