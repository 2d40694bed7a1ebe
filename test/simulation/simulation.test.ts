// Thousands of small Jobs through the whole control path, under a virtual clock, with everything going wrong.
//
// The real parts: the store and its scripts on a real Redis, every controller of the scheduler, and
// the worker's claiming, running and reporting of Pods. Played: the queues of Pods (BullMQ's
// semantics), the containers, the users, and time. Each command and each queue call is a step; the seed says which
// step is next, who dies before, after or in the middle of it, who stands still, what is lost,
// refused, done twice or handed out again.
//
// Each run is held to: what a straight-line reading of its script says must become of each Job; the
// rules that every change on the watch streams must keep (see auditor.ts); and that nothing is left
// once everything is deleted.
//
// A failure names its seed. To replay it with a trace of every step:
//   GANTRY_SIMULATION_SEED=1234 npx vitest run --project e2e test/simulation
// For a longer run: GANTRY_SIMULATION_SEEDS=20000 npm run test:simulation
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadScripts } from "@gantry/store";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { Simulation, type SimulationResult } from "./simulation.ts";

const SEEDS = Number(process.env["GANTRY_SIMULATION_SEEDS"] ?? 1_000);
const ONE_SEED = process.env["GANTRY_SIMULATION_SEED"];
const FIRST_SEED = Number(process.env["GANTRY_SIMULATION_FIRST"] ?? 1);
/** Time for the slowest machine; a hung run says so itself long before. */
const TIMEOUT_MS = 60_000 + SEEDS * 1_000;
/** After this many the picture is clear. */
const FAILURES_MAX = 5;

let server: TestRedis;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis({ path: new URL(server.url).pathname });
  // Scripts are known before the first run, so that each takes the same steps.
  await loadScripts(redis);
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const simulate = async (seed: number): Promise<SimulationResult & { trace: readonly string[] }> => {
  const simulation = new Simulation({ url: server.url, redis, seed });
  try {
    return { ...(await simulation.run()), trace: simulation.trace };
  } catch (error) {
    const file = join(await mkdtemp(join(tmpdir(), "gantry-simulation-")), `seed-${seed}.txt`);
    await writeFile(file, `${simulation.trace.join("\n")}\n`);
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(
      `seed ${seed}: ${what}\nevery step: ${file}\nreplay: GANTRY_SIMULATION_SEED=${seed}`,
      { cause: error },
    );
  }
};

test("a seed replays exactly", async () => {
  const [first, again] = [await simulate(7), await simulate(7)];
  expect(again.trace).toEqual(first.trace);
});

test(
  "every Job reaches the end that its script determines, whatever dies when",
  { timeout: TIMEOUT_MS },
  async () => {
    const seeds =
      ONE_SEED === undefined
        ? Array.from({ length: SEEDS }, (_, n) => FIRST_SEED + n)
        : [Number(ONE_SEED)];
    const sums = { jobs: 0, determined: 0, steps: 0, crashes: 0, faults: 0, simulatedMs: 0 };
    const failures: Error[] = [];
    for (const seed of seeds) {
      if (failures.length === FAILURES_MAX) break;
      const result = await simulate(seed).catch((error: Error) => {
        failures.push(error);
        return undefined;
      });
      if (result === undefined) continue;
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += result[name];
      if (ONE_SEED !== undefined) console.log(result.trace.join("\n"));
    }
    console.log(`${seeds.length} seeds: ${JSON.stringify(sums)}`);
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join("\n\n"));
    // The oracle must decide most of them, or it would prove little.
    expect(sums.determined).toBeGreaterThan(ONE_SEED === undefined ? sums.jobs / 2 : -1);
  },
);
