// Pods that derive from their Job's template, as clients see and change them.
import { type Job, newPodRecord } from "@gantry/core";
import { createPod, Txn, templateId } from "@gantry/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ApiUnderTest, jobManifest, JOBS, PODS } from "./api-under-test.ts";

let api: ApiUnderTest;
beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(() => api.stop());

/** Stores a Job and one Pod of it, as the Job controller does. */
const withPod = async (name: string): Promise<string> => {
  await api.post(JOBS, jobManifest(name));
  const stored = await api.store.get("jobs", `default/${name}`);
  if (stored === null) throw new Error("the Job was not stored");
  const job: Job = stored.value;
  const pod = newPodRecord(
    job,
    { name: `${name}-abcde`, uid: `uid-of-${name}` },
    templateId(job.spec.template),
    Date.now(),
  );
  const txn = new Txn();
  createPod(txn, pod);
  expect((await api.store.commit(txn)).ok).toBe(true);
  return `${PODS}/${name}-abcde`;
};

test("it shows the template's spec and labels, its owner and the tracking finalizer", async () => {
  const path = await withPod("whole");
  const { body } = await api.get(path);
  expect(body.metadata).toMatchObject({
    generateName: "whole-",
    labels: { "job-name": "whole" },
    ownerReferences: [{ kind: "Job", name: "whole", controller: true, blockOwnerDeletion: true }],
    finalizers: ["batch.kubernetes.io/job-tracking"],
  });
  expect(body.spec.containers[0].image).toBe("busybox:1.36");
  const list = await api.get(`${PODS}?labelSelector=job-name=whole`);
  expect(list.body.items).toHaveLength(1);
});

test("a watch by the Job's label sees it leave and come back (R9, R10)", async () => {
  const path = await withPod("labelled");
  const { body: pod } = await api.get(path);
  const reader = await api.watch(
    `${PODS}?watch=1&labelSelector=job-name=labelled&resourceVersion=${pod.metadata.resourceVersion}`,
  );
  const bare = await api.send("PUT", path, {
    body: { ...pod, metadata: { ...pod.metadata, labels: undefined } },
  });
  expect([bare.status, bare.body.metadata.labels]).toEqual([200, undefined]);
  const again = { metadata: { labels: { "job-name": "labelled" } } };
  expect((await api.send("PATCH", path, { body: again })).status).toBe(200);
  expect(await reader.take(2)).toEqual(["DELETED labelled-abcde", "ADDED labelled-abcde"]);
  reader.close();
});

test("a watch by labels sees it go when it loses owner and labels at once", async () => {
  const path = await withPod("both");
  const { body: pod } = await api.get(path);
  const reader = await api.watch(
    `${PODS}?watch=1&labelSelector=job-name=both&resourceVersion=${pod.metadata.resourceVersion}`,
  );
  const body = { metadata: { ownerReferences: null, labels: null } };
  const { body: next } = await api.send("PATCH", path, { body });
  expect((await api.get(path)).body).toEqual(next);
  expect(await reader.take(2)).toEqual(["MODIFIED both-abcde", "DELETED both-abcde"]);
  reader.close();
});

test("taken from its Job, it keeps its spec and labels, and the Job is woken", async () => {
  const path = await withPod("orphaned");
  const { body: pod } = await api.get(path);
  const before = await api.store.redis.hget(api.store.key("dirty"), "jobs|default/orphaned");
  const { status, body } = await api.send("PATCH", path, {
    body: { metadata: { ownerReferences: null } },
  });
  expect(status).toBe(200);
  expect(body.metadata.ownerReferences).toBeUndefined();
  const read = (await api.get(path)).body;
  expect(read.spec).toEqual(pod.spec);
  expect(read.metadata.labels).toEqual(pod.metadata.labels);
  const after = await api.store.redis.hget(api.store.key("dirty"), "jobs|default/orphaned");
  expect(Number(after)).toBeGreaterThan(Number(before));
  expect(await api.store.redis.smembers(api.store.key("ownerless:default"))).toContain(
    "orphaned-abcde",
  );
});

test("deleted while it waits for a node, it goes once its finalizer does (D5)", async () => {
  const path = await withPod("ending");
  const { body } = await api.send("DELETE", path);
  expect(body.metadata).toMatchObject({ deletionGracePeriodSeconds: 0, generation: 2 });
  expect((await api.get(path)).status).toBe(200);
  expect((await api.send("PATCH", path, { body: { metadata: { finalizers: null } } })).status).toBe(
    200,
  );
  expect((await api.get(path)).status).toBe(404);
});
