// A Pod's template is found whatever becomes of its Job: without it the Pod would be one without containers.
import { type Job, newJob } from "@gantry/core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startRedis, type TestRedis } from "../testing/redis-server.ts";
import type { Stored } from "../src/objects.ts";
import { Store } from "../src/store.ts";
import { Templates } from "../src/templates.ts";
import { Txn } from "../src/txn.ts";
import { createObject, removeObject, templateId, updateObject } from "../src/writes.ts";
import { podRecord } from "./pods.ts";

const UID = "4a3f6c1e-2222-4333-8444-555566667777";
let server: TestRedis;
let store: Store;
let cell = 0;
let before: Stored<Job>;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  cell += 1;
  store = new Store({ connection: { url: server.url }, cell: `tpl${cell}` });
  const container = { name: "main", image: "none", command: ["true"] };
  const template = { spec: { restartPolicy: "Never", containers: [container] } };
  const manifest = { metadata: { name: "pi", namespace: "default" }, spec: { template } };
  const txn = new Txn();
  createObject(txn, "jobs", newJob(manifest, UID, 0), 0);
  await store.commit(txn);
  before = await stored();
});
afterEach(() => store.close());

const stored = async (): Promise<Stored<Job>> => {
  const found = await store.get("jobs", "default/pi");
  if (found === null) throw new Error("the Job is gone");
  return found;
};

const update = async (change: (job: Job) => Job): Promise<void> => {
  const txn = new Txn();
  const old = await stored();
  updateObject(txn, "jobs", old, change(old.value));
  await store.commit(txn);
};

/** The same fields, the other way round. */
const reversed = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).toReversed()) as T;

const withTemplate = (job: Job, template: Job["spec"]["template"]): Job => ({
  ...job,
  spec: { ...job.spec, template },
});

const podOf = (job: Job) => podRecord("pi-x", { template: templateId(job.spec.template) });

/** As a process that has seen nothing before. */
const found = (job: Job) => new Templates(store).of(podOf(job));

test("while the Job is as it was", async () => {
  expect(await found(before.value)).toEqual(before.value.spec.template);
});

test("after a patch that changed nothing of it but the order of its fields", async () => {
  await update((job) => withTemplate(job, reversed(job.spec.template)));
  expect(templateId((await stored()).value.spec.template)).not.toBe(
    templateId(before.value.spec.template),
  );
  expect(await found(before.value)).toEqual(before.value.spec.template);
});

test("after the template was changed, and the Job removed", async () => {
  const labels = { tier: "new" };
  await update((job) => ({
    ...withTemplate(job, { ...job.spec.template, metadata: { labels } }),
    metadata: { ...job.metadata, generation: job.metadata.generation + 1 },
  }));
  const after = await stored();
  const txn = new Txn();
  removeObject(txn, "jobs", after);
  await store.commit(txn);
  expect(await found(before.value)).toEqual(before.value.spec.template);
  expect(await found(after.value)).toEqual(after.value.spec.template);
});

test("a change that passes the template on costs no further copy", async () => {
  await update((job) => ({ ...job, status: { ...job.status, active: 1 } }));
  expect(await store.redis.exists(store.key(`tpl:${UID}`))).toBe(0);
});
