// Templates that say where their Pods go, or that they are to wait: nodeName and schedulingGates.
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { waitFor } from "@gantry/store/testing/wait-for";
import { NODE_CHECK_EVERY_MS, NODE_GRACE_MS } from "../src/node-lifecycle.ts";
import { type Scheduler, startScheduler } from "../src/start-scheduler.ts";
import { jobSpec, MetricsCell } from "./metrics-cell.ts";

let server: TestRedis;
let cell: MetricsCell;
let scheduler: Scheduler;

beforeAll(async () => {
  server = await startRedis();
  cell = new MetricsCell(server.url, "placed");
  scheduler = await startScheduler({
    redis: { url: server.url },
    cell: "placed",
    log: pino({ level: "silent" }),
    now: () => cell.nowMs,
  });
});
afterAll(async () => {
  await scheduler.close();
  await cell.close();
  await server.stop();
});

const podSpec = { restartPolicy: "Never", containers: [{ name: "main", image: "none" }] };

const firstPod = (job: string) => waitFor(`a Pod of ${job}`, async () => (await cell.pods(job))[0]);

const isQueued = async (uid: string): Promise<boolean> =>
  (await cell.queues.pods("pods").getJob(uid)) !== undefined;

test("schedulingGates: the Pods are made with them, and offered to no worker", async () => {
  const spec = { ...podSpec, schedulingGates: [{ name: "example.com/hold" }] };
  await cell.createJob("gated", jobSpec({ template: { spec } }));
  const pod = await firstPod("gated");
  expect(pod.value.spec?.schedulingGates).toEqual([{ name: "example.com/hold" }]);
  await cell.settled();
  expect(await isQueued(pod.value.uid)).toBe(false);
});

test("nodeName: its node is told, and no other is offered it; without that node it is given up", async () => {
  const spec = { ...podSpec, nodeName: "nowhere" };
  await cell.createJob("bound", jobSpec({ template: { spec }, backoffLimit: 0 }));
  const pod = await firstPod("bound");
  expect(pod.value.node).toBe("nowhere");
  await cell.settled();
  expect(await isQueued(pod.value.uid)).toBe(false);
  const inbox = await cell.store.redis.xrange(cell.store.key("inbox:nowhere"), "-", "+");
  expect(inbox.map(([, fields]) => fields)).toEqual([["k", pod.key, "u", pod.value.uid]]);
  // Two looks at the nodes, a grace apart.
  const reason = cell.condition("bound", "Failed");
  const move = setInterval(() => (cell.nowMs += NODE_GRACE_MS), NODE_CHECK_EVERY_MS);
  expect(await reason.finally(() => clearInterval(move))).toBe("BackoffLimitExceeded");
});
