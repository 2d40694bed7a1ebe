// Real workers on a fake ECS while both break: each attempt of a Pod is one task, and nothing is left.
//
// A small seed runs with the other end-to-end tests; `npm run chaos:ecs` runs 20 of 1,000 Pods:
//   GANTRY_CHAOS_SEEDS=50 npm run chaos:ecs   that many seeds
//   GANTRY_CHAOS_FIRST=100 npm run chaos:ecs  from this one on
//   GANTRY_CHAOS_SEED=7 npm run chaos:ecs     this one
// The faults, the Jobs and the deaths are a function of the seed; how processes interleave is not.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type ChaosSize, runChaos } from "./chaos/chaos-run.ts";

const isLong = process.env["GANTRY_CHAOS"] === "long";
const ONE_SEED = process.env["GANTRY_CHAOS_SEED"];
const FIRST = Number(process.env["GANTRY_CHAOS_FIRST"] ?? 1);
const SEEDS = Number(process.env["GANTRY_CHAOS_SEEDS"] ?? (isLong ? 20 : 1));
const seeds =
  ONE_SEED === undefined ? Array.from({ length: SEEDS }, (_, n) => FIRST + n) : [Number(ONE_SEED)];
const SHOWN_MAX = 8;
const TIMEOUT_MS = 30 * 60_000;

const short: ChaosSize = {
  pods: 60,
  workers: 2,
  faultFactor: 1,
  harassMs: 15_000,
  killEveryMs: 5_000,
  idleMs: 60_000,
};
const long: ChaosSize = {
  pods: 1_000,
  workers: 3,
  faultFactor: 1.5,
  harassMs: 120_000,
  killEveryMs: 8_000,
  // A task that nobody heard of is given up after five minutes.
  idleMs: 400_000,
};

test.each(seeds)(
  "seed %i: one task an attempt, outcomes as scripted, nothing left",
  async (seed) => {
    const result = await runChaos(seed, isLong ? long : short);
    const { violations, directory, deeds, faults, counts } = result;
    if (isLong) process.stdout.write(`seed ${seed}: ${JSON.stringify({ ...counts, faults })}\n`);
    if (violations.length > 0) {
      const file = join(directory, "violations.txt");
      await writeFile(file, [...deeds, ...violations].join("\n"));
      const shown = violations.slice(0, SHOWN_MAX).join("\n");
      throw new Error(
        `${violations.length} violations; all of them, and the logs, are in ${directory}\n${shown}`,
      );
    }
    // A run that broke nothing proves nothing.
    const { kills = 0, restarts = 0, freezes = 0 } = counts;
    expect(kills + restarts + freezes).toBeGreaterThan(0);
    expect(Object.keys(faults).length).toBeGreaterThan(3);
  },
  TIMEOUT_MS,
);
