// What is stored and what of it is looked into: managedFields, pages of lists, and the last finalizer of a Namespace.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ApiUnderTest, configMap, jobManifest, JOBS, podManifest, PODS } from "./api-under-test.ts";

let api: ApiUnderTest;
beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(() => api.stop());

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly fieldsV1: Readonly<Record<string, object>>;
}

const entriesOf = (body: { metadata: { managedFields?: Entry[] } }): Entry[] =>
  body.metadata.managedFields ?? [];

const recordOf = async (resource: string, key: string): Promise<string> =>
  (await api.store.redis.hget(api.store.key(`o:${resource}`), key)) ?? "";

describe("managedFields", () => {
  test("are stored as one string, and shown as Kubernetes shows them", async () => {
    const { body } = await api.post(JOBS, jobManifest("owned"), { "user-agent": "me/1" });
    expect(entriesOf(body)).toEqual([
      expect.objectContaining({ manager: "me", operation: "Update", fieldsType: "FieldsV1" }),
    ]);
    expect(await recordOf("jobs", "default/owned")).toContain(`"fieldsV1":"{'f:spec':{'f:`);
    const read = await api.get(`${JOBS}/owned`);
    expect(entriesOf(read.body)).toEqual(entriesOf(body));
    const { body: pod } = await api.post(PODS, podManifest("owned"));
    expect(await recordOf("pods", "default/owned")).not.toContain('"f:');
    expect(entriesOf((await api.get(`${PODS}/owned`)).body)).toEqual(entriesOf(pod));
  });

  test("the creator owns what it set and what defaults made of it, not what the server added", async () => {
    const { body } = await api.post(JOBS, jobManifest("server-added"));
    const spec = entriesOf(body)[0]?.fieldsV1["f:spec"] as Record<string, object>;
    expect(Object.keys(spec)).toEqual(expect.arrayContaining(["f:backoffLimit", "f:template"]));
    expect(spec).not.toHaveProperty("f:selector");
    expect(spec["f:template"]).not.toHaveProperty("f:metadata");
    expect(body.spec.selector.matchLabels).toHaveProperty(["batch.kubernetes.io/controller-uid"]);
  });

  test("a JSON patch may take parts of them away", async () => {
    await api.post(JOBS, jobManifest("patched"));
    const patched = await api.send("PATCH", `${JOBS}/patched`, {
      body: [{ op: "remove", path: "/metadata/managedFields/0/fieldsV1/f:spec/f:backoffLimit" }],
      headers: { "content-type": "application/json-patch+json" },
    });
    expect(patched.status).toBe(200);
    const spec = entriesOf(patched.body)[0]?.fieldsV1["f:spec"];
    expect(spec).toHaveProperty(["f:template"]);
    expect(spec).not.toHaveProperty(["f:backoffLimit"]);
    // The other Job made alike keeps its own.
    await api.post(JOBS, jobManifest("like-patched"));
    const other = await api.get(`${JOBS}/like-patched`);
    expect(entriesOf(other.body)[0]?.fieldsV1["f:spec"]).toHaveProperty(["f:backoffLimit"]);
  });
});

test("a page looks into no more objects than it shows", async () => {
  const space = "/api/v1/namespaces/paged/configmaps";
  await api.post("/api/v1/namespaces", { metadata: { name: "paged" } });
  for (const name of ["a", "b", "c", "d"]) await api.post(space, configMap(name));
  // A record that can't be read is reported when it is looked into.
  const key = api.store.key("o:configmaps");
  await api.store.redis.hset(key, "paged/c", "7 {not JSON");
  const reports = (): number =>
    api.logged.filter((line) => line.includes("paged/c is malformed")).length;
  const first = await api.get(`${space}?limit=2`);
  expect(first.body.items).toHaveLength(2);
  expect(reports()).toBe(0);
  const { continue: token } = first.body.metadata;
  const second = await api.get(`${space}?limit=2&continue=${String(token)}`);
  const names = second.body.items.map((one: { metadata: { name: string } }) => one.metadata.name);
  expect(names).toEqual(["d"]);
  expect(reports()).toBe(1);
});

describe("namespaces/finalize", () => {
  const path = "/api/v1/namespaces/stuck";
  test("the last finalizer of the spec lets a terminating Namespace go", async () => {
    await api.post("/api/v1/namespaces", { metadata: { name: "stuck" } });
    // No controller runs here, so it stays terminating.
    expect((await api.send("DELETE", path)).body.status.phase).toBe("Terminating");
    const { body } = await api.get(path);
    const done = await api.send("PUT", `${path}/finalize`, { body: { ...body, spec: {} } });
    expect(done.status).toBe(200);
    expect((await api.get(path)).status).toBe(404);
  });

  test("of one that is not deleted, it changes the spec alone", async () => {
    await api.post("/api/v1/namespaces", { metadata: { name: "kept" } });
    const kept = "/api/v1/namespaces/kept";
    const { body } = await api.get(kept);
    const changed = { ...body, spec: { finalizers: ["example.com/mine"] }, status: {} };
    const done = await api.send("PUT", `${kept}/finalize`, { body: changed });
    expect(done.body.spec.finalizers).toEqual(["example.com/mine"]);
    expect(done.body.status.phase).toBe("Active");
    const plain = await api.send("PUT", kept, { body: { ...done.body, spec: {} } });
    expect(plain.body.spec.finalizers).toEqual(["example.com/mine"]);
  });
});

test("the Service of the API is as old as the installation", async () => {
  const { body: service } = await api.get("/api/v1/namespaces/default/services/kubernetes");
  const { body: namespace } = await api.get("/api/v1/namespaces/default");
  expect(service.metadata.creationTimestamp).toBe(namespace.metadata.creationTimestamp);
});
