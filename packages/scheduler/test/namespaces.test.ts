// What every namespace has, against a real Redis: it comes back after whoever deleted it, while the namespace stays.
import {
  createObject,
  deleteObject,
  shareCertificate,
  type StoredObject,
  Templates,
  Txn,
  updateObject,
} from "@gantry/store";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { waitFor } from "@gantry/store/testing/wait-for";
import { type Scheduler, startScheduler } from "../src/start-scheduler.ts";
import { MetricsCell } from "./metrics-cell.ts";

let server: TestRedis;
let cell: MetricsCell;
let scheduler: Scheduler;

const NAMESPACE = "team";
const contents = [
  ["serviceaccounts", "default"],
  ["configmaps", "kube-root-ca.crt"],
] as const;
type Content = (typeof contents)[number];

const write = async (plan: (txn: Txn) => void): Promise<void> => {
  const txn = new Txn();
  plan(txn);
  txn.dirty(`namespaces|${NAMESPACE}`);
  expect((await cell.store.commit(txn)).ok).toBe(true);
};

const found = ([resource, name]: Content) => cell.store.get(resource, `${NAMESPACE}/${name}`);

const uidOf = async (content: Content): Promise<string | undefined> =>
  (await found(content))?.value.metadata.uid;

const made = (content: Content, otherThan?: string): Promise<string> =>
  waitFor(`${content.join(" ")} to be there`, async () => {
    const uid = await uidOf(content);
    return uid === otherThan ? undefined : uid;
  });

const remove = ([resource, name]: Content, propagation: "Background" | "Foreground") =>
  deleteObject(
    cell.store,
    new Templates(cell.store),
    resource,
    `${NAMESPACE}/${name}`,
    { propagation },
    cell.nowMs,
  );

beforeAll(async () => {
  server = await startRedis();
  cell = new MetricsCell(server.url, "namespaces");
  await shareCertificate(cell.store, "the certificate");
  scheduler = await startScheduler({
    redis: { url: server.url },
    cell: "namespaces",
    log: pino({ level: "silent" }),
    now: () => cell.nowMs,
    nodeGraceMs: 60_000,
  });
});
afterAll(async () => {
  await scheduler.close();
  await cell.close();
  await server.stop();
});
beforeEach(async () => {
  if ((await cell.store.get("namespaces", NAMESPACE)) !== null) return;
  const metadata = { name: NAMESPACE, uid: "u", creationTimestamp: "2030-01-01T12:00:00Z" };
  const namespace = { metadata, status: { phase: "Active" } } as StoredObject;
  await write((txn) => createObject(txn, "namespaces", namespace, cell.nowMs));
});

test.each(contents.map((content) => ({ content })))("$content comes back", async ({ content }) => {
  let uid = await made(content);
  for (const propagation of ["Background", "Foreground"] as const) {
    await remove(content, propagation);
    uid = await made(content, uid);
  }
  if (content[0] !== "configmaps") return;
  expect((await found(content))?.value).toMatchObject({
    metadata: { namespace: NAMESPACE },
    data: { "ca.crt": "the certificate" },
  });
});

test("one whose finalizer holds it comes back when it has gone", async () => {
  const [content] = contents;
  const uid = await made(content);
  const held = await found(content);
  if (held === null) throw new Error("no ServiceAccount");
  const metadata = { ...held.value.metadata, finalizers: ["example.com/hold"] };
  await write((txn) => updateObject(txn, content[0], held, { ...held.value, metadata }));
  await remove(content, "Background");
  await cell.settled();
  expect(await uidOf(content)).toBe(uid);
  const marked = await found(content);
  if (marked === null) throw new Error("no ServiceAccount");
  const free = { ...marked.value, metadata: { ...marked.value.metadata, finalizers: [] } };
  await write((txn) => updateObject(txn, content[0], marked, free));
  await remove(content, "Background");
  await made(content, uid);
});

test("nothing comes back in a namespace that ends", async () => {
  for (const content of contents) await made(content);
  const before = await cell.store.get("namespaces", NAMESPACE);
  if (before === null) throw new Error("no namespace");
  const metadata = {
    ...before.value.metadata,
    deletionTimestamp: "2030-01-01T12:00:00Z",
    finalizers: ["example.com/hold"],
  };
  await write((txn) => updateObject(txn, "namespaces", before, { ...before.value, metadata }));
  for (const content of contents) {
    await waitFor(`${content.join(" ")} to go`, async () =>
      (await found(content)) === null ? true : undefined,
    );
  }
  await cell.settled();
  for (const content of contents) expect(await found(content)).toBeNull();
});
