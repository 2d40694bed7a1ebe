// A scheduler that dies in the middle of a sync holds up its Job for seconds, not for a minute (G1).
import { WorkQueue } from "@gantry/store";
import { startRedis } from "@gantry/store/testing/redis-server";
import { waitFor } from "@gantry/store/testing/wait-for";
import { pino } from "pino";
import { expect, test } from "vitest";
import { startScheduler } from "../src/start-scheduler.ts";
import { jobSpec, MetricsCell } from "./metrics-cell.ts";

/** The lease of a scheduler, a sweep, and room for a slow machine. */
const LEASE_MS = 5_000;
const TAKEN_OVER_WITHIN_MS = 20_000;

test("what it had taken is taken over", async () => {
  const server = await startRedis();
  const cell = new MetricsCell(server.url, "dead");
  await cell.createJob("a", jobSpec({}));
  const dead = new WorkQueue(cell.store);
  await dead.sweep([], Date.now(), LEASE_MS);
  expect(await dead.take(1, [])).toMatchObject([{ key: "jobs|default/a" }]);
  const scheduler = await startScheduler({
    redis: { url: server.url },
    cell: "dead",
    log: pino({ level: "silent" }),
  });
  try {
    const pods = await waitFor(
      "the sync to be taken over",
      async () => {
        const found = await cell.pods("a");
        return found.length > 0 ? found : undefined;
      },
      TAKEN_OVER_WITHIN_MS,
    );
    expect(pods).toHaveLength(1);
  } finally {
    await scheduler.close();
    await cell.close();
    await server.stop();
  }
});
