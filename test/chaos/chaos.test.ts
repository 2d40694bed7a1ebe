// Real processes, a real Redis and real Pods while everything breaks; see docs/reliability.md.
//
// A few short seeds run with the other end-to-end tests; `npm run chaos` runs long ones with harder faults:
//   GANTRY_CHAOS_SEEDS=50 npm run chaos      that many seeds
//   GANTRY_CHAOS_FIRST=100 npm run chaos     from this one on
//   GANTRY_CHAOS_MINUTES=30 npm run chaos    no further seed begins after this time
//   GANTRY_CHAOS_SEED=7 npm run chaos        one seed, its fault log printed
// The faults, the Jobs and what users do are a function of the seed; how processes interleave is not.
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type ChaosProfile, type ChaosResult, runChaos } from "./chaos-run.ts";

const isLong = process.env["GANTRY_CHAOS"] === "long";
const ONE_SEED = process.env["GANTRY_CHAOS_SEED"];
const FIRST = Number(process.env["GANTRY_CHAOS_FIRST"] ?? 1);
const SEEDS = Number(process.env["GANTRY_CHAOS_SEEDS"] ?? (isLong ? 20 : 2));
const MINUTES = Number(process.env["GANTRY_CHAOS_MINUTES"] ?? Infinity);
/** After this many the picture is clear. */
const FAILURES_MAX = 5;
const SEED_TIMEOUT_MS = 15 * 60_000;
/** Shown of one failing seed; all of it is in its file. */
const SHOWN_MAX = 3;
const SHOWN_CHARACTERS = 4_000;

const short: ChaosProfile = {
  jobs: 16,
  cronJobs: 1,
  count: 10,
  spanMs: 10_000,
  pauseMaxMs: 1_500,
  absenceMaxMs: 5_000,
  redisFreezeMaxMs: 3_000,
  clockJumpMaxMs: 30_000,
  losses: 0,
  settleSeconds: 150,
};

const long: ChaosProfile = {
  jobs: 90,
  cronJobs: 2,
  count: 40,
  spanMs: 75_000,
  pauseMaxMs: 8_000,
  absenceMaxMs: 95_000,
  redisFreezeMaxMs: 40_000,
  clockJumpMaxMs: 300_000,
  losses: 0,
  settleSeconds: 420,
};

/** In every fifth long seed Redis also loses the end of its file, and less can be asserted. */
const profileOf = (seed: number): ChaosProfile =>
  isLong ? { ...long, losses: seed % LOSSY_EVERY === 0 ? LOSSES : 0 } : short;
const LOSSY_EVERY = 5;
const LOSSES = 2;

const add = (sums: Record<string, number>, more: Readonly<Record<string, number>>): void => {
  for (const [name, count] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + count;
};

const failureText = async (seed: number, result: ChaosResult): Promise<string> => {
  const all = [
    `seed ${seed}: ${result.violations.length} violations`,
    ...result.faultLog,
    ...result.violations,
  ];
  const file = join(result.directory, "violations.txt");
  await writeFile(file, all.join("\n\n"));
  return [
    all[0],
    ...result.faultLog.map((line) => `  ${line}`),
    ...result.violations.slice(0, SHOWN_MAX).map((one) => one.slice(0, SHOWN_CHARACTERS)),
    `journals, logs and all violations: ${result.directory}`,
    `replay: GANTRY_CHAOS_SEED=${seed} ${isLong ? "npm run chaos" : "npx vitest run --project e2e test/chaos"}`,
  ].join("\n");
};

test(
  "G1 to G6 hold whatever dies, stands still, is cut off or is meddled with",
  { timeout: SEED_TIMEOUT_MS * (ONE_SEED === undefined ? SEEDS : 1) },
  async () => {
    const began = performance.now();
    const seeds =
      ONE_SEED === undefined
        ? Array.from({ length: SEEDS }, (_, n) => FIRST + n)
        : [Number(ONE_SEED)];
    const [counts, faults, exceptions, troubles, exitReasons] = [{}, {}, {}, {}, {}];
    const failures: string[] = [];
    let ran = 0;
    for (const seed of seeds) {
      if (failures.length === FAILURES_MAX) break;
      if (performance.now() - began > MINUTES * 60_000) break;
      const result = await runChaos(seed, profileOf(seed));
      ran += 1;
      add(counts, result.counts);
      add(faults, result.faults);
      add(exceptions, result.exceptions);
      add(troubles, result.troubles);
      add(exitReasons, result.exitReasons);
      const verdict = `${result.violations.length} violations`;
      console.log(`seed ${seed}: ${verdict} ${JSON.stringify(result.counts)}`);
      if (ONE_SEED !== undefined) console.log(result.faultLog.join("\n"));
      if (result.violations.length > 0) {
        const text = await failureText(seed, result);
        console.log(text);
        failures.push(text);
      } else await rm(result.directory, { recursive: true, force: true });
    }
    console.log(
      `${ran} seeds ${JSON.stringify({ counts, faults, exceptions, troubles, exitReasons })}`,
    );
    expect(ran).toBeGreaterThan(0);
    expect(failures.join("\n\n")).toBe("");
  },
);
