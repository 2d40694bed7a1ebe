// Leases of workers: shown from what Redis has of them, and only read.
import { createObject, renewLease, type StoredObject, Txn } from "@gantry/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ApiUnderTest } from "./api-under-test.ts";

const GROUP = "/apis/coordination.k8s.io/v1";
const HELD = `${GROUP}/namespaces/kube-node-lease/leases`;
const RENEWED = Date.parse("2026-11-23T12:00:05.250Z");

let api: ApiUnderTest;

beforeAll(async () => {
  api = await ApiUnderTest.start();
  const txn = new Txn();
  for (const name of ["n1", "n2", "silent"]) {
    const uid = `uid-of-${name}`;
    const metadata = { name, uid, creationTimestamp: "2026-11-23T12:00:00Z" };
    const node = { metadata, spec: {}, status: {} } as StoredObject;
    createObject(txn, "nodes", node, RENEWED);
  }
  expect((await api.store.commit(txn)).ok).toBe(true);
  for (const name of ["n2", "n1", "without-a-node"]) {
    await renewLease(api.store, name, RENEWED + 15_000);
  }
  // A Pod was bound to it by a client.
  await renewLease(api.store, "silent", 0);
  const own = { metadata: { name: "leader" }, spec: { holderIdentity: "somebody" } };
  expect((await api.post(`${GROUP}/namespaces/default/leases`, own)).status).toBe(201);
});
afterAll(() => api.stop());

const names = async (path: string): Promise<string[]> => {
  const { status, body } = await api.get(path);
  expect(status).toBe(200);
  return body.items.map((item: { metadata: { name: string } }) => item.metadata.name);
};

test("a Lease is its Node's, with the last renewal", async () => {
  const { status, body } = await api.get(`${HELD}/n1`);
  expect(status).toBe(200);
  expect(body).toEqual({
    kind: "Lease",
    apiVersion: "coordination.k8s.io/v1",
    metadata: {
      name: "n1",
      namespace: "kube-node-lease",
      uid: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      resourceVersion: expect.stringMatching(/^\d+$/),
      creationTimestamp: "2026-11-23T12:00:00Z",
      ownerReferences: [{ apiVersion: "v1", kind: "Node", name: "n1", uid: "uid-of-n1" }],
    },
    spec: {
      holderIdentity: "n1",
      leaseDurationSeconds: 15,
      renewTime: "2026-11-23T12:00:05.250000Z",
    },
  });
  const revision = await api.store.revision();
  await renewLease(api.store, "n1", RENEWED + 20_000);
  const renewed = (await api.get(`${HELD}/n1`)).body;
  expect(renewed.spec.renewTime).toBe("2026-11-23T12:00:10.250000Z");
  expect(renewed.metadata).toEqual(body.metadata);
  expect(await api.store.revision()).toBe(revision);
});

test.each(["silent", "without-a-node", "nobody"])("%s has none", async (name) => {
  expect((await api.get(`${HELD}/${name}`)).status).toBe(404);
});

test("lists have them where they are, in order, in pages and by selectors", async () => {
  expect(await names(HELD)).toEqual(["n1", "n2"]);
  expect(await names(`${GROUP}/leases`)).toEqual(["leader", "n1", "n2"]);
  expect(await names(`${GROUP}/namespaces/default/leases`)).toEqual(["leader"]);
  expect(await names(`${HELD}?fieldSelector=metadata.name=n2`)).toEqual(["n2"]);
  expect(await names(`${GROUP}/leases?fieldSelector=metadata.name!=n1`)).toEqual(["leader", "n2"]);
  const first = (await api.get(`${GROUP}/leases?limit=2`)).body;
  expect(first.metadata.remainingItemCount).toBe(1);
  expect(await names(`${GROUP}/leases?limit=2&continue=${first.metadata.continue}`)).toEqual([
    "n2",
  ]);
});

test("a watch begins with them", async () => {
  const watch = await api.watch(`${HELD}?watch=1`);
  expect(await watch.take(2)).toEqual(["ADDED n1", "ADDED n2"]);
  watch.close();
});

test.each([
  ["POST", HELD],
  ["DELETE", HELD],
  ["PUT", `${HELD}/n1`],
  ["PATCH", `${HELD}/n1`],
  ["DELETE", `${HELD}/n1`],
])("workers hold them: %s %s is 405", async (method, path) => {
  const answer = await api.send(method, path, { body: {} });
  expect(answer).toMatchObject({ status: 405, body: { reason: "MethodNotAllowed" } });
});
