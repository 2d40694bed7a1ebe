// The listener itself: authentication, limits, hostile input, health, a lost store.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createObject, createPod, Txn, updatePod } from "@gantry/store";
import { recordFromPod, rfc3339 } from "@gantry/core";
import { ApiUnderTest, jobManifest, JOBS, podManifest, PODS, TOKEN } from "./api-under-test.ts";

let api: ApiUnderTest;
beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(() => api.stop());

describe("authentication", () => {
  test.each([
    ["none", null],
    ["a wrong one", "wrong"],
    ["a longer one", `${TOKEN}x`],
  ])("token: %s is 401, on unknown paths too", async (_what, token) => {
    for (const path of [JOBS, "/nosuch", "/version", "/api"]) {
      const { status, body } = await api.send("GET", path, { token });
      expect([status, body.reason]).toEqual([401, "Unauthorized"]);
    }
  });

  test("health needs none", async () => {
    for (const path of ["/healthz", "/livez", "/readyz"]) {
      const { status, text } = await api.send("GET", path, { token: null });
      expect([path, status, text]).toEqual([path, 200, "ok"]);
    }
  });

  test("neither tokens nor Secrets are logged", async () => {
    const secret = { metadata: { name: "s" }, stringData: { password: "hunter2" } };
    const { body } = await api.post("/api/v1/namespaces/default/secrets", secret);
    expect(body.data.password).toBe(Buffer.from("hunter2").toString("base64"));
    expect(body.stringData).toBeUndefined();
    await api.post("/api/v1/namespaces/default/secrets", { ...secret, metadata: { name: "S!" } });
    const log = api.logged.join("");
    expect(log).toContain("/api/v1/namespaces/default/secrets");
    for (const word of [TOKEN, "hunter2", body.data.password]) expect(log).not.toContain(word);
  });
});

describe("impersonation", () => {
  const as = (user: string, group: Record<string, string> = {}) => ({
    "impersonate-user": user,
    ...group,
  });

  test("as somebody else nothing is allowed but discovery, as SubjectAccessReview says", async () => {
    for (const method of ["GET", "POST", "DELETE"]) {
      const body = method === "POST" ? jobManifest("as-bob") : undefined;
      const answer = await api.send(method, JOBS, { headers: as("bob"), body });
      expect(answer).toMatchObject({ status: 403, body: { reason: "Forbidden" } });
      expect(answer.body.message).toBe(
        `forbidden: User "bob" cannot ${method.toLowerCase()} path "${JOBS}"`,
      );
    }
    expect((await api.get(`${JOBS}/as-bob`)).status).toBe(404);
    for (const path of ["/apis", "/apis/batch/v1", "/openapi/v3", "/version"]) {
      expect([path, (await api.get(path, as("bob"))).status]).toEqual([path, 200]);
    }
  });

  const AUTHORIZATION = "/apis/authorization.k8s.io/v1";
  const IDENTITY = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  const whoami = async (headers: Record<string, string>) => {
    const { status, body } = await api.post(IDENTITY, {}, headers);
    return [status, body.status?.userInfo];
  };

  test("everybody may ask who he is", async () => {
    const devs = { "impersonate-group": "devs, ops" };
    const username = "bob";
    expect(await whoami(as("bob", devs))).toEqual([
      201,
      { username, groups: ["devs", "ops", "system:authenticated"] },
    ]);
    const more = { "impersonate-uid": "u1", "impersonate-extra-example.com%2fteam": "a" };
    expect(await whoami(as("bob", more))).toEqual([
      201,
      {
        username,
        uid: "u1",
        groups: ["system:authenticated"],
        extra: { "example.com/team": ["a"] },
      },
    ]);
    const robot = "system:serviceaccount:team:robot";
    const teams = ["system:serviceaccounts", "system:serviceaccounts:team", "system:authenticated"];
    expect(await whoami(as(robot))).toEqual([201, { username: robot, groups: teams }]);
    const masters = { "impersonate-group": "system:masters" };
    expect(await whoami(as("alice", masters))).toEqual([
      201,
      { username: "alice", groups: ["system:masters", "system:authenticated"] },
    ]);
    expect((await whoami({}))[1]).toMatchObject({ username: "gantry:admin" });
    // Nobody may ask as nobody.
    expect((await whoami(as("system:anonymous")))[0]).toBe(403);
    expect((await whoami({ "impersonate-group": "devs" }))[0]).toBe(403);
  });

  test("everybody may ask what he may do", async () => {
    const spec = { resourceAttributes: { verb: "create", group: "batch", resource: "jobs" } };
    const access = `${AUTHORIZATION}/selfsubjectaccessreviews`;
    const answer = await api.post(access, { spec }, as("bob"));
    expect([answer.status, answer.body.status]).toEqual([201, { allowed: false }]);
    expect((await api.post(access, { spec })).body.status).toEqual({ allowed: true });
    const path = `${AUTHORIZATION}/selfsubjectrulesreviews`;
    const rules = await api.post(path, { spec: { namespace: "default" } }, as("bob"));
    expect([rules.status, rules.body.status.resourceRules.length]).toEqual([201, 2]);
    const others = { spec: { ...spec, user: "alice" } };
    const asked = await api.post(`${AUTHORIZATION}/subjectaccessreviews`, others, as("bob"));
    expect(asked.status).toBe(403);
  });

  test("as the administrator, by name or by group, everything is", async () => {
    expect((await api.get(JOBS, as("gantry:admin"))).status).toBe(200);
    const group = { "impersonate-group": "devs, system:masters" };
    expect((await api.get(JOBS, as("alice", group))).status).toBe(200);
  });
});

describe("hostile input is refused, never a fault", () => {
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${["b", "c", "d", "e", "f", "g"]
    .map((name, n) => `${name}: &${name} [${Array(9).fill(`*${"abcdef"[n]}`).join(",")}]`)
    .join("\n")}\n`;
  test.each([
    ["empty body", "", "application/json", 400],
    ["no JSON", "{", "application/json", 400],
    ["a list", "[]", "application/json", 400],
    ["null", "null", "application/json", 400],
    ["deep JSON", deep, "application/json", 400],
    ["prototype key", '{"__proto__":{"a":1},"metadata":{"name":"x"}}', "application/json", 400],
    [
      "nested prototype key",
      '{"metadata":{"name":"x","labels":{"__proto__":"a"}}}',
      "application/json",
      400,
    ],
    ["YAML bomb", bomb, "application/yaml", 400],
    ["no YAML", "a: [", "application/yaml", 400],
    ["protobuf that ends early", "k8s\0\x0a\xff", "application/vnd.kubernetes.protobuf", 400],
    ["another type", "a,b", "text/csv", 415],
    ["too large", `{"a":"${"x".repeat(3 * 1024 * 1024)}"}`, "application/json", 413],
  ])("%s", async (_what, body, type, code) => {
    const answer = await api.send("POST", JOBS, { body, headers: { "content-type": type } });
    expect(answer.body).toMatchObject({ kind: "Status", code });
    expect(answer.status).toBe(code);
  });

  test.each([
    `${JOBS}/a%2Fb`,
    `${JOBS}/..%2F..%2Fsecrets`,
    `${JOBS}/${"x".repeat(600)}`,
    `/api/v1/namespaces/a%2Fb/pods`,
    `${JOBS}/%00`,
    `${JOBS}/%zz`,
    `${JOBS}?limit=x`,
    `${JOBS}?limit=99999999999999999999`,
    `${JOBS}?timeoutSeconds=-1&watch=1x`,
    `${JOBS}?resourceVersion=-1`,
  ])("GET %s is below 500", async (path) => {
    const controller = new AbortController();
    const response = await fetch(api.url(path), {
      headers: api.headers(),
      signal: controller.signal,
    });
    expect(response.status).toBeLessThan(500);
    controller.abort();
  });

  test("unknown resources, paths and methods", async () => {
    const resource = await api.get("/apis/batch/v1/namespaces/default/nosuch");
    expect([resource.status, resource.body.reason]).toEqual([404, "NotFound"]);
    const path = await api.get("/nosuch");
    expect([path.status, path.text]).toEqual([404, "404 page not found\n"]);
    expect((await api.send("POST", `${JOBS}/a`, { body: {} })).status).toBe(405);
  });

  const DEFAULT = "/api/v1/namespaces/default";
  test.each([
    [["OPTIONS", "DELETE", "POST"], `${JOBS}/a/status`],
    [["OPTIONS"], `${JOBS}/a`],
    [["OPTIONS", "PUT", "PATCH"], JOBS],
    [["OPTIONS", "POST", "PUT", "PATCH", "DELETE"], "/apis/batch/v1/jobs"],
    [["OPTIONS", "GET", "POST", "PATCH", "DELETE"], `${DEFAULT}/finalize`],
    [["OPTIONS", "POST", "PUT", "PATCH", "DELETE"], `${PODS}/a/log`],
    [["OPTIONS", "GET", "PUT", "PATCH", "DELETE"], `${PODS}/a/eviction`],
    [["OPTIONS", "PUT", "PATCH", "DELETE"], `${PODS}/a/exec`],
    [["OPTIONS", "POST", "DELETE"], `${DEFAULT}/services/kubernetes`],
    [["OPTIONS", "POST", "DELETE"], "/apis/apps/v1/deployments"],
    [["OPTIONS", "GET", "DELETE"], "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"],
  ])("%j %s: the method is not allowed, rather than nothing found", async (methods, path) => {
    for (const method of methods) {
      const answer = await api.send(method, path);
      expect([method, answer.status]).toEqual([method, 405]);
      expect(answer.body).toEqual({
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Failure",
        message: "the server does not allow this method on the requested resource",
        reason: "MethodNotAllowed",
        details: {},
        code: 405,
      });
    }
  });

  test.each([
    `${JOBS}/absent`,
    `${JOBS}/absent/status`,
    `${DEFAULT}/services/absent`,
    "/apis/apps/v1/namespaces/default/deployments/absent",
  ])("GET %s: 406 before anything is looked up", async (path) => {
    expect((await api.get(path)).status).toBe(404);
    const answer = await api.get(path, { accept: "text/plain" });
    expect(answer).toMatchObject({ status: 406, body: { reason: "NotAcceptable" } });
  });
});

describe("pods", () => {
  let worker: Server;
  const asked: { url: string; authorization: string | undefined }[] = [];
  beforeAll(async () => {
    worker = createServer((request, response) => {
      asked.push({ url: request.url ?? "", authorization: request.headers.authorization });
      if (request.url?.includes("previous") === true) {
        response.statusCode = 400;
        response.end(
          JSON.stringify({ message: "previous terminated container not found", status: 400 }),
        );
        return;
      }
      response.write("line 1\n");
      setTimeout(() => response.end("line 2\n"), 20);
    });
    await new Promise<void>((resolve) => worker.listen(0, "127.0.0.1", resolve));
    const { port } = worker.address() as AddressInfo;
    const now = Date.now();
    const txn = new Txn();
    const annotations = { "gantry.dev/logs-url": `http://127.0.0.1:${port}` };
    const metadata = { name: "n1", uid: "u-n1", creationTimestamp: rfc3339(now), annotations };
    createObject(txn, "nodes", { kind: "Node", apiVersion: "v1", metadata }, now);
    const pod = {
      metadata: {
        name: "bound",
        namespace: "default",
        uid: "u-bound",
        creationTimestamp: rfc3339(now),
      },
      spec: {
        nodeName: "n1",
        containers: [
          { name: "a", image: "x" },
          { name: "b", image: "x" },
        ],
      },
      status: { phase: "Running" },
    };
    createPod(txn, recordFromPod(pod));
    expect((await api.store.commit(txn)).ok).toBe(true);
  });
  afterAll(() => worker.close());

  test("logs come from the worker that holds the Pod", async () => {
    const { status, text } = await api.get(
      `${PODS}/bound/log?container=a&tailLines=5&timestamps=true`,
    );
    expect([status, text]).toEqual([200, "line 1\nline 2\n"]);
    const { url, authorization } = asked.at(-1) ?? { url: "" };
    const sent = new URL(url, "http://x");
    expect(sent.pathname).toBe("/pods/u-bound/log");
    expect(Object.fromEntries(sent.searchParams)).toEqual({
      container: "a",
      name: "bound",
      namespace: "default",
      tailLines: "5",
      timestamps: "true",
    });
    expect(authorization).toBe(`Bearer ${await api.store.sharedSecret("worker", () => "")}`);
  });

  test.each([
    ["", 400, "a container name must be specified for pod bound, choose one of: [a b]"],
    ["container=c", 400, "container c is not valid for pod bound"],
    ["container=a&tailLines=-1", 422, "must be greater than or equal to 0"],
    ["container=a&limitBytes=0", 422, "must be greater than 0"],
    ["container=a&sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", 422, "at most one of"],
    ["container=a&previous=true", 400, "previous terminated container not found"],
  ])("log?%s is %i", async (query, code, message) => {
    const { status, body } = await api.get(`${PODS}/bound/log?${query}`);
    expect([status, body.message]).toEqual([code, expect.stringContaining(message)]);
  });

  test("a Pod without a node has no logs, a lost worker is 503", async () => {
    await api.post(PODS, podManifest("unbound"));
    expect((await api.get(`${PODS}/unbound/log`)).body.message).toBe(
      "pod unbound does not have a host assigned",
    );
    const stored = await api.store.get("pods", "default/unbound");
    const txn = new Txn();
    if (stored !== null) updatePod(txn, stored, { ...stored.value, node: "lost" });
    await api.store.commit(txn);
    expect((await api.get(`${PODS}/unbound/log`)).status).toBe(503);
  });

  test("an eviction marks the Pod and deletes it gracefully (R85)", async () => {
    const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "bound" } };
    const { status } = await api.post(`${PODS}/bound/eviction`, body);
    expect(status).toBe(201);
    const pod = (await api.get(`${PODS}/bound`)).body;
    expect(pod.metadata.deletionGracePeriodSeconds).toBe(30);
    expect(pod.status.conditions).toContainEqual(
      expect.objectContaining({
        type: "DisruptionTarget",
        reason: "EvictionByEvictionAPI",
        status: "True",
      }),
    );
    expect((await api.post(`${PODS}/nosuch/eviction`, { ...body, metadata: {} })).status).toBe(404);
  });

  test("an orphan whose labels name a Job wakes that Job", async () => {
    await api.post(PODS, podManifest("orphan", { "job-name": "parent" }));
    expect(await api.store.redis.hget(api.store.key("dirty"), "jobs|default/parent")).toBe("1");
  });
});

describe("a lost store", () => {
  test("is 503 with Retry-After and not ready, and mends itself", async () => {
    const before = (await api.get(JOBS)).body.metadata.resourceVersion;
    const reader = await api.watch(`${JOBS}?watch=1&resourceVersion=${before}`);
    await api.redis.kill();
    const { status, body, headers } = await api.post(JOBS, jobManifest("later"));
    expect([status, body.reason]).toEqual([503, "ServiceUnavailable"]);
    expect(headers.get("retry-after")).toBe("1");
    expect((await api.get("/readyz")).status).toBe(503);
    expect((await api.get("/livez")).status).toBe(200);
    expect((await api.get(`${JOBS}?watch=1`)).status).toBe(503);
    await api.redis.restart();
    await expect.poll(async () => (await api.get("/readyz")).status, { timeout: 10_000 }).toBe(200);
    expect((await api.post(JOBS, jobManifest("later"))).status).toBe(201);
    // The watch ended, and resuming it tells the client to list again: the server may have lost a second.
    await expect.poll(() => reader.ended, { timeout: 20_000 }).toBe(true);
    const resumed = await api.watch(`${JOBS}?watch=1&resourceVersion=${before}`);
    expect((await resumed.next()).object.reason).toBe("Expired");
    const fresh = await api.watch(`${JOBS}?watch=1`);
    expect(await fresh.take(1)).toEqual(["ADDED later"]);
    fresh.close();
  });
});

test("GET / lists paths, each of which answers, with a slash at the end, too", async () => {
  const { paths } = (await api.get("/")).body as { paths: string[] };
  expect(paths).toEqual(expect.arrayContaining(["/api/v1", "/apis/batch", "/apis/batch/v1"]));
  for (const path of paths) {
    expect([path, (await api.get(path)).status]).toEqual([path, 200]);
    expect([path, (await api.get(`${path}/`)).status]).toEqual([path, 200]);
  }
});

test("a slash at the end of a resource's path counts for nothing", async () => {
  expect((await api.get(`${JOBS}/?limit=1`)).body).toMatchObject({ kind: "JobList" });
  expect((await api.get("/api/v1/namespaces/default/")).body).toMatchObject({ kind: "Namespace" });
});
