// Events as they are stored, against a real Redis (R76).
import { afterAll, beforeAll, expect, test } from "vitest";
import { EventRecorder } from "../src/event-recorder.ts";
import { Store } from "../src/store.ts";
import { startRedis, type TestRedis } from "../testing/redis-server.ts";

let server: TestRedis;
let store: Store;
beforeAll(async () => {
  server = await startRedis();
  store = new Store({ connection: { url: server.url }, cell: "events" });
});
afterAll(async () => {
  await store.close();
  await server.stop();
});

const job = { kind: "Job", apiVersion: "batch/v1", namespace: "default", name: "a", uid: "u" };
const nowMs = Date.UTC(2030, 0, 1);
const warnings: unknown[] = [];
const log = { warn: (fields: unknown) => warnings.push(fields) };

const stored = async (): Promise<unknown[][]> => {
  const { items } = await store.listAll("events", { keyPrefix: "default/" });
  return items.map(({ value }) => [value["message"], value["count"]]);
};

test("R76: what is told at one moment is counted, and told in one Event", async () => {
  const recorder = new EventRecorder(store, () => nowMs, log);
  const created = (n: number) => ({
    type: "Normal" as const,
    reason: "SuccessfulCreate",
    message: `Created pod: a-${n}`,
  });
  for (let n = 0; n < 15; n += 1) recorder.record("job-controller", job, created(n));
  const repeated = { type: "Normal" as const, reason: "Suspended", message: "Job suspended" };
  recorder.record("job-controller", job, repeated);
  recorder.record("job-controller", job, repeated);
  await recorder.close();
  const events = await stored();
  expect(events).toHaveLength(11);
  expect(events).toContainEqual(["(combined from similar events): Created pod: a-14", 6]);
  expect(events).toContainEqual(["Job suspended", 2]);
  recorder.record("job-controller", job, repeated);
  await recorder.close();
  expect(await stored()).toContainEqual(["Job suspended", 3]);
  expect(warnings).toEqual([]);
});
