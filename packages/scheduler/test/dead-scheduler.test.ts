// A scheduler that dies in the middle of a sync holds up its Job for seconds, not for a minute (G1).
import { queueNames, queuePrefix } from "@gantry/store";
import { startRedis } from "@gantry/store/testing/redis-server";
import { waitFor } from "@gantry/store/testing/wait-for";
import { Worker } from "bullmq";
import { pino } from "pino";
import { expect, test } from "vitest";
import { startScheduler } from "../src/start-scheduler.ts";
import { jobSpec, MetricsCell } from "./metrics-cell.ts";

/** Two checks for stalled jobs, 5 s apart, and room for a slow machine. */
const TAKEN_OVER_WITHIN_MS = 20_000;

test("what it had taken is taken over", async () => {
  const server = await startRedis();
  const cell = new MetricsCell(server.url, "dead");
  await cell.createJob("a", jobSpec({}));
  const { redis } = cell.store;
  const prefix = queuePrefix(cell.store);
  const dead = new Worker(queueNames.sync, null, {
    connection: redis,
    prefix,
    lockDuration: 500,
  });
  expect((await dead.getNextJob("its token"))?.data).toEqual({ key: "jobs|default/a" });
  await dead.close();
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
