// A node is given up for having been away, never for what a clock says (G3): clocks are set, and differ.
import { renewLease, Templates, Txn } from "@gantry/store";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { ControllerContext } from "../src/controller-context.ts";
import { NODE_CHECK_EVERY_MS, NODE_GRACE_MS, NodeLifecycle } from "../src/node-lifecycle.ts";
import { MetricsCell } from "./metrics-cell.ts";

const LEASE_MS = 15_000;
const RENEW_EVERY_MS = 5_000;
const HOUR_MS = 3_600_000;

let server: TestRedis;
let cell: MetricsCell;
let cells = 0;
let elapsedMs: number;
/** Of the scheduler, and of the worker: against what has really passed. */
let [schedulerClockMs, workerClockMs] = [0, 0];
let nodes: NodeLifecycle;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  cells += 1;
  cell = new MetricsCell(server.url, `clocks${cells}`);
  [elapsedMs, schedulerClockMs, workerClockMs] = [0, 0, 0];
  const context = {
    store: cell.store,
    queues: cell.queues,
    templates: new Templates(cell.store),
    log: pino({ level: "silent" }),
    now: () => cell.nowMs + elapsedMs + schedulerClockMs,
  };
  const elapsed = (): number => elapsedMs;
  nodes = new NodeLifecycle(context as unknown as ControllerContext, NODE_GRACE_MS, elapsed);
  const node = { kind: "Node", apiVersion: "v1", metadata: { name: "n1", uid: "u1" } };
  await cell.store.commit(new Txn().create("nodes", "n1", JSON.stringify(node)));
});
afterEach(() => cell.close());

const renew = (): Promise<void> =>
  renewLease(cell.store, "n1", cell.nowMs + elapsedMs + workerClockMs + LEASE_MS);

/** The scheduler checks all the time; the worker renews, if it lives. */
const pass = async (ms: number, worker: "lives" | "is away"): Promise<void> => {
  for (const endMs = elapsedMs + ms; elapsedMs < endMs; elapsedMs += 1_000) {
    if (worker === "lives" && elapsedMs % RENEW_EVERY_MS === 0) await renew();
    if (elapsedMs % NODE_CHECK_EVERY_MS === 0) await nodes.check();
  }
};

const isThere = async (): Promise<boolean> => (await cell.store.get("nodes", "n1")) !== null;

test.each([
  ["behind", -HOUR_MS],
  ["ahead", HOUR_MS],
])("a worker whose clock is an hour %s keeps its node", async (_, offsetMs) => {
  workerClockMs = offsetMs;
  await pass(3 * NODE_GRACE_MS, "lives");
  expect(await isThere()).toBe(true);
});

test("a scheduler whose clock jumps ahead gives up no node that lives", async () => {
  await pass(20_000, "lives");
  schedulerClockMs = HOUR_MS;
  await pass(3 * NODE_GRACE_MS, "lives");
  expect(await isThere()).toBe(true);
});

test("a node that is away for a short time is not given up for a jump of the clock", async () => {
  await pass(20_000, "lives");
  await pass(LEASE_MS + 10_000, "is away");
  schedulerClockMs = HOUR_MS;
  await pass(20_000, "is away");
  expect(await isThere()).toBe(true);
  await renew();
  await pass(3 * NODE_GRACE_MS, "lives");
  expect(await isThere()).toBe(true);
});

test.each([
  ["stands", 0],
  ["jumps back", -HOUR_MS],
])("one that stays away is given up after its grace, though the clock %s", async (_, jumpMs) => {
  await pass(20_000, "lives");
  await pass(LEASE_MS + NODE_CHECK_EVERY_MS, "is away");
  schedulerClockMs = jumpMs;
  await pass(NODE_GRACE_MS - LEASE_MS, "is away");
  expect(await isThere()).toBe(true);
  schedulerClockMs = 0;
  await pass(LEASE_MS + RENEW_EVERY_MS + 2 * NODE_CHECK_EVERY_MS, "is away");
  expect(await isThere()).toBe(false);
});
