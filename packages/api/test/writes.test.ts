// Creating, changing and deleting objects over HTTP.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ApiUnderTest,
  CONFIG_MAPS,
  configMap,
  jobManifest,
  JOBS,
  podManifest,
  PODS,
} from "./api-under-test.ts";

let api: ApiUnderTest;
beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(() => api.stop());

describe("create", () => {
  test("a Job is stored with defaults, and its controller is woken in the same transaction", async () => {
    const { status, body } = await api.post(JOBS, jobManifest("plain"));
    expect(status).toBe(201);
    expect(body).toMatchObject({
      kind: "Job",
      metadata: { generation: 1, namespace: "default" },
      spec: { backoffLimit: 6, completions: 1, parallelism: 1, suspend: false },
      status: {},
    });
    expect(body.spec.selector.matchLabels).toEqual({
      "batch.kubernetes.io/controller-uid": body.metadata.uid,
    });
    expect((await api.get(`${JOBS}/plain`)).body).toEqual(body);
    expect(await api.store.redis.hget(api.store.key("dirty"), "jobs|default/plain")).toBe("1");
  });

  test("status and metadata that only the server sets are ignored (M5)", async () => {
    const sent = {
      ...jobManifest(
        "pretender",
        {},
        { uid: "mine", generation: 7, creationTimestamp: "2001-01-01T00:00:00Z" },
      ),
      status: { succeeded: 5 },
    };
    const { body } = await api.post(JOBS, sent);
    expect(body.metadata.uid).not.toBe("mine");
    expect(body.metadata.generation).toBe(1);
    expect(body.status).toEqual({});
  });

  test("a name that is taken is 409, with generateName another one is found (M4)", async () => {
    await api.post(JOBS, jobManifest("taken"));
    const { status, body } = await api.post(JOBS, jobManifest("taken"));
    expect([status, body.reason]).toEqual([409, "AlreadyExists"]);
    const manifest = jobManifest("", {}, { name: undefined, generateName: "gen-" });
    const generated = await api.post(JOBS, manifest);
    expect(generated.body.metadata.name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  test("YAML is read as Go reads it: plain yes is true, dates are text", async () => {
    const yaml =
      "apiVersion: batch/v1\nkind: Job\nmetadata: {name: yaml, annotations: {day: 2026-01-02}}\n" +
      "spec:\n  suspend: yes\n  template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}\n";
    const { status, body } = await api.send("POST", JOBS, {
      body: yaml,
      headers: { "content-type": "application/yaml" },
    });
    expect(status).toBe(201);
    expect(body.spec.suspend).toBe(true);
    expect(body.metadata.annotations.day).toBe("2026-01-02");
  });

  test.each([
    [
      "unknown field",
      jobManifest("bad", { complexions: 1 }),
      400,
      'unknown field "spec.complexions"',
    ],
    ["wrong type", jobManifest("bad", { parallelism: "two" }), 400, "cannot unmarshal string"],
    [
      "negative number",
      jobManifest("bad", { parallelism: -1 }),
      422,
      "must be greater than or equal to 0",
    ],
    [
      "no template",
      { metadata: { name: "bad" }, spec: {} },
      422,
      "spec.template.spec.restartPolicy",
    ],
    ["another kind", podManifest("bad"), 400, "cannot be handled as a Job"],
    [
      "a runtime that no worker has",
      runtime("bad", "gvisor"),
      422,
      "spec.template.spec.runtimeClassName",
    ],
  ])("%s is refused, and nothing is stored", async (_what, manifest, code, message) => {
    const { status, body } = await api.post(`${JOBS}?fieldValidation=Strict`, manifest);
    expect(status).toBe(code);
    expect(body).toMatchObject({ kind: "Status", status: "Failure", code });
    expect(body.message).toContain(message);
    expect((await api.get(`${JOBS}/bad`)).status).toBe(404);
  });

  test("unknown fields warn by default, and say nothing when ignored", async () => {
    const manifest = jobManifest("warned", { complexions: 1 });
    const warned = await api.post(`${JOBS}?dryRun=All`, manifest);
    expect(warned.headers.get("warning")).toBe('299 - "unknown field \\"spec.complexions\\""');
    const ignored = await api.post(`${JOBS}?dryRun=All&fieldValidation=Ignore`, manifest);
    expect(ignored.headers.get("warning")).toBeNull();
  });

  test("a dry run answers as the request would, and stores nothing", async () => {
    const { status, body } = await api.post(`${JOBS}?dryRun=All`, jobManifest("dry"));
    expect(status).toBe(201);
    expect(body.metadata.resourceVersion).toBeUndefined();
    expect((await api.get(`${JOBS}/dry`)).status).toBe(404);
  });

  test("an Idempotency-Key makes repeats harmless, with generated names too", async () => {
    const manifest = jobManifest("", {}, { name: undefined, generateName: "once-" });
    const key = { "idempotency-key": "order-17" };
    const first = await api.post(JOBS, manifest, key);
    const again = await api.post(JOBS, manifest, key);
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body.metadata.uid).toBe(first.body.metadata.uid);
    const other = await api.post(
      JOBS,
      jobManifest("", { suspend: true }, { name: undefined, generateName: "once-" }),
      key,
    );
    expect(other.status).toBe(409);
  });

  test("concurrent creations of one name: exactly one wins", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => api.post(JOBS, jobManifest("race"))),
    );
    const count = (code: number) => answers.filter(({ status }) => status === code).length;
    expect([count(201), count(409)]).toEqual([1, 19]);
  });

  test("a Pod of a client is marked for its queue and gets a service account", async () => {
    const { status, body } = await api.post(PODS, podManifest("lonely"));
    expect([status, body.status.phase, body.spec.serviceAccountName]).toEqual([
      201,
      "Pending",
      "default",
    ]);
    await expect
      .poll(() =>
        api.store.redis
          .zcard("{gantry}:q:pods:prioritized")
          .then(async (n) => n + (await api.store.redis.llen("{gantry}:q:pods:wait"))),
      )
      .toBe(1);
  });
});

function runtime(name: string, runtimeClassName: string): object {
  return jobManifest(name, {
    template: {
      spec: { runtimeClassName, restartPolicy: "Never", containers: [{ name: "c", image: "x" }] },
    },
  });
}

describe("update and patch", () => {
  test("a stale resourceVersion is 409, an empty one writes whatever is there (M6)", async () => {
    const { body } = await api.post(CONFIG_MAPS, configMap("versions", { a: "1" }));
    const path = `${CONFIG_MAPS}/versions`;
    const next = await api.send("PUT", path, { body: { ...body, data: { a: "2" } } });
    expect([next.status, next.body.data.a]).toEqual([200, "2"]);
    const stale = await api.send("PUT", path, { body: { ...body, data: { a: "3" } } });
    expect([stale.status, stale.body.reason]).toEqual([409, "Conflict"]);
    const forced = await api.send("PUT", path, { body: configMap("versions", { a: "4" }) });
    expect([forced.status, forced.body.data.a]).toEqual([200, "4"]);
  });

  test("an update that changes nothing keeps the resourceVersion; an empty value is a change", async () => {
    const { body } = await api.post(CONFIG_MAPS, configMap("still", { a: "1" }));
    const path = `${CONFIG_MAPS}/still`;
    const same = await api.send("PUT", path, { body });
    expect(same.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
    const changed = await api.send("PATCH", path, { body: { data: { b: "" } } });
    expect(changed.body.data).toEqual({ a: "1", b: "" });
    expect(changed.body.metadata.resourceVersion).not.toBe(body.metadata.resourceVersion);
  });

  test("PUT never creates (M10)", async () => {
    const { status } = await api.send("PUT", `${CONFIG_MAPS}/never`, { body: configMap("never") });
    expect(status).toBe(404);
  });

  test("the generation counts changes of the spec only (M5)", async () => {
    await api.post(JOBS, jobManifest("counted", { suspend: true }));
    const path = `${JOBS}/counted`;
    const label = await api.send("PATCH", path, { body: { metadata: { labels: { a: "b" } } } });
    expect(label.body.metadata.generation).toBe(1);
    const spec = await api.send("PATCH", path, { body: { spec: { parallelism: 3 } } });
    expect(spec.body.metadata.generation).toBe(2);
  });

  test("JSON, merge and strategic merge patches", async () => {
    await api.post(JOBS, jobManifest("patched", { suspend: true }));
    const patch = (type: string, body: unknown) =>
      api.send("PATCH", `${JOBS}/patched`, { body, headers: { "content-type": type } });
    const json = await patch("application/json-patch+json", [
      { op: "add", path: "/metadata/annotations", value: { a: "1" } },
    ]);
    expect(json.body.metadata.annotations).toEqual({ a: "1" });
    const strategic = await patch("application/strategic-merge-patch+json", {
      spec: {
        template: { spec: { containers: [{ name: "main", resources: { limits: { cpu: "1" } } }] } },
      },
    });
    expect(strategic.status).toBe(200);
    expect(strategic.body.spec.template.spec.containers[0]).toMatchObject({
      image: "busybox:1.36",
      resources: { limits: { cpu: "1" } },
    });
    expect(
      (await patch("application/json-patch+json", [{ op: "test", path: "/kind", value: "Pod" }]))
        .status,
    ).toBe(422);
    expect((await patch("application/json", {})).status).toBe(415);
  });

  test("concurrent patches without a version all take effect", async () => {
    await api.post(CONFIG_MAPS, configMap("crowd"));
    const names = Array.from({ length: 15 }, (_, n) => `k${n}`);
    const answers = await Promise.all(
      names.map((name) =>
        api.send("PATCH", `${CONFIG_MAPS}/crowd`, { body: { data: { [name]: "x" } } }),
      ),
    );
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const { body } = await api.get(`${CONFIG_MAPS}/crowd`);
    expect(Object.keys(body.data).toSorted()).toEqual(names.toSorted());
  });

  test("/status changes status and metadata, not the spec (U1)", async () => {
    const { body } = await api.post(JOBS, jobManifest("reported", { suspend: true }));
    const conditions = [{ type: "Custom", status: "True" }];
    const { status, body: next } = await api.send("PATCH", `${JOBS}/reported/status`, {
      body: {
        metadata: { annotations: { seen: "yes" } },
        spec: { parallelism: 9 },
        status: { conditions },
      },
    });
    expect(status).toBe(200);
    expect(next.status.conditions).toMatchObject(conditions);
    expect(next.metadata.annotations).toEqual({ seen: "yes" });
    expect(next.spec).toEqual(body.spec);
    const main = await api.send("PATCH", `${JOBS}/reported`, { body: { status: { active: 4 } } });
    expect(main.body.status.active).toBeUndefined();
  });
});

describe("delete", () => {
  test("a Job without a policy is orphaned, with the Warning (D2, D3)", async () => {
    await api.post(JOBS, jobManifest("left"));
    const { status, body, headers } = await api.send("DELETE", `${JOBS}/left`);
    expect([status, body.kind, body.metadata.finalizers]).toEqual([200, "Job", ["orphan"]]);
    expect(headers.get("warning")).toContain("child pods are preserved by default");
  });

  test("a CronJob without a policy goes in the background (C3)", async () => {
    const { spec } = jobManifest("any") as { spec?: object };
    const jobTemplate = { spec };
    const cronJobs = JOBS.replace("jobs", "cronjobs");
    await api.post(cronJobs, {
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name: "hourly" },
      spec: { schedule: "0 * * * *", jobTemplate },
    });
    const { body, headers } = await api.send("DELETE", `${cronJobs}/hourly`);
    expect([body.kind, body.status, headers.get("warning")]).toEqual(["Status", "Success", null]);
    expect((await api.get(`${cronJobs}/hourly`)).status).toBe(404);
  });

  test("in the background it goes at once, answered with a Status", async () => {
    const { body: job } = await api.post(JOBS, jobManifest("gone"));
    const { body } = await api.send("DELETE", `${JOBS}/gone`, {
      body: { propagationPolicy: "Background" },
    });
    expect(body).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: { name: "gone", group: "batch", kind: "jobs", uid: job.metadata.uid },
    });
    expect((await api.get(`${JOBS}/gone`)).status).toBe(404);
  });

  test("the last finalizer's removal deletes an object that is going", async () => {
    await api.post(CONFIG_MAPS, configMap("held", {}, { finalizers: ["example.com/hold"] }));
    const path = `${CONFIG_MAPS}/held`;
    const marked = await api.send("DELETE", path);
    expect(marked.body.metadata.deletionTimestamp).toBeDefined();
    const added = await api.send("PATCH", path, {
      body: { metadata: { finalizers: ["example.com/hold", "example.com/more"] } },
    });
    expect(added.status).toBe(422);
    expect(
      (await api.send("PATCH", path, { body: { metadata: { finalizers: null } } })).status,
    ).toBe(200);
    expect((await api.get(path)).status).toBe(404);
  });

  test("and what it owned is looked after (D4)", async () => {
    const job = await api.post(JOBS, jobManifest("holder", {}, { finalizers: ["x.io/hold"] }));
    const path = `${JOBS}/holder`;
    await api.send("DELETE", `${path}?propagationPolicy=Background`);
    const { redis } = api.store;
    const mark = `gc|jobs|default/holder|${job.body.metadata.uid}`;
    // As garbage collection leaves it when it finds that the owner still stands.
    await redis.hdel(api.store.key("dirty"), mark);
    await api.send("PATCH", path, { body: { metadata: { finalizers: null } } });
    expect((await api.get(path)).status).toBe(404);
    expect(await redis.hget(api.store.key("dirty"), mark)).toBe("1");
  });

  test("preconditions, bad options and dry runs (D1)", async () => {
    await api.post(JOBS, jobManifest("guarded"));
    const path = `${JOBS}/guarded`;
    const uid = await api.send("DELETE", path, { body: { preconditions: { uid: "other" } } });
    expect([uid.status, uid.body.message]).toEqual([
      409,
      expect.stringContaining("UID in the precondition"),
    ]);
    expect((await api.send("DELETE", `${path}?propagationPolicy=Sideways`)).status).toBe(422);
    const both = { propagationPolicy: "Orphan", orphanDependents: true };
    expect((await api.send("DELETE", path, { body: both })).status).toBe(422);
    expect(
      (await api.send("DELETE", `${path}?dryRun=All&propagationPolicy=Background`)).status,
    ).toBe(200);
    expect((await api.get(path)).status).toBe(200);
  });

  test("deletecollection takes what its selector takes", async () => {
    for (const n of [1, 2, 3]) {
      await api.post(
        CONFIG_MAPS,
        configMap(`set-${n}`, {}, { labels: { set: n === 3 ? "b" : "a" } }),
      );
    }
    const { status, body } = await api.send("DELETE", `${CONFIG_MAPS}?labelSelector=set=a`);
    expect([status, body.items.length]).toEqual([200, 2]);
    const left = await api.get(`${CONFIG_MAPS}?labelSelector=set`);
    expect(
      left.body.items.map((item: { metadata: { name: string } }) => item.metadata.name),
    ).toEqual(["set-3"]);
  });
});

describe("namespaces", () => {
  test("a new one has its ServiceAccount and ConfigMap; a closed one takes nothing new", async () => {
    const created = await api.post("/api/v1/namespaces", { metadata: { name: "team" } });
    expect(created.body.status.phase).toBe("Active");
    expect((await api.get("/api/v1/namespaces/team/serviceaccounts/default")).status).toBe(200);
    expect((await api.get("/api/v1/namespaces/team/configmaps/kube-root-ca.crt")).status).toBe(200);
    expect((await api.post("/apis/batch/v1/namespaces/team/jobs", jobManifest("a"))).status).toBe(
      201,
    );
    const deleted = await api.send("DELETE", "/api/v1/namespaces/team");
    expect(deleted.body.status.phase).toBe("Terminating");
    const refused = await api.post("/apis/batch/v1/namespaces/team/jobs", jobManifest("b"));
    expect([refused.status, refused.body.details.causes[0].reason]).toEqual([
      403,
      "NamespaceTerminating",
    ]);
    expect((await api.post("/apis/batch/v1/namespaces/nosuch/jobs", jobManifest("a"))).status).toBe(
      404,
    );
  });

  test("the default namespace stays", async () => {
    expect((await api.send("DELETE", "/api/v1/namespaces/default")).status).toBe(403);
  });
});
