// The ops listener: who is let in, what is refused, and what /metrics says.
import { connect as tcpConnect } from "node:net";
import type { Job } from "@gantry/core";
import { allQueueNames, createObject, Store, Txn, updateObject, WatchHub } from "@gantry/store";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { Metrics } from "../src/metrics/metrics.ts";
import { InsecureListenerError, type RunningOps, startOps } from "../src/ops/start-ops.ts";

const TOKEN = "correct-horse-battery-staple";
const log = pino({ level: "silent" });

let redis: TestRedis;
let store: Store;
let hub: WatchHub;
let metrics: Metrics;
let ops: RunningOps;
let nowMs = Date.parse("2026-11-23T12:00:00Z");

const start = (more: object = {}): Promise<RunningOps> =>
  startOps({
    store,
    metrics,
    log,
    host: "127.0.0.1",
    port: 0,
    token: TOKEN,
    write: false,
    now: () => nowMs,
    ...more,
  });

beforeAll(async () => {
  redis = await startRedis();
  store = new Store({ connection: { url: redis.url }, failFast: true });
  await store.open();
  hub = new WatchHub(store);
  metrics = new Metrics({
    store,
    hub,
    onError: (error) => {
      throw error;
    },
  });
  ops = await start();
});
afterAll(async () => {
  await ops?.close();
  metrics?.close();
  hub?.close();
  await store?.close();
  await redis?.stop();
});
// Failures of one test are forgotten before the next.
beforeEach(() => {
  nowMs += 120_000;
});

const get = (path: string, headers: Record<string, string> = {}, at = ops): Promise<Response> =>
  fetch(`http://127.0.0.1:${at.port}${path}`, { headers, redirect: "manual" });
const bearer = { authorization: `Bearer ${TOKEN}` };
const basic = (password: string) => ({
  authorization: `Basic ${Buffer.from(`anyone:${password}`).toString("base64")}`,
});
const login = (token: string, next = "/ops"): Promise<Response> =>
  fetch(`http://127.0.0.1:${ops.port}/ops/login`, {
    method: "POST",
    body: new URLSearchParams({ token, next }),
    redirect: "manual",
  });

describe("who is let in", () => {
  it.each(["/ops", "/ops/queues", "/ops/queues/api/queues", "/metrics", "/nothing"])(
    "%s needs the token",
    async (path) => {
      const response = await get(path);
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toMatch(/^Basic /);
    },
  );

  it.each([
    ["bearer", bearer],
    ["basic", basic(TOKEN)],
  ])("the token as %s", async (_title, headers) => {
    expect((await get("/ops/queues/api/queues", headers)).status).toBe(200);
  });

  it.each([
    ["a wrong bearer", { authorization: "Bearer nope" }],
    ["a wrong password", basic("nope")],
    ["another scheme", { authorization: `Digest ${TOKEN}` }],
    ["a forged cookie", { cookie: "gantry_ops=9999999999999.AAAA" }],
    ["an empty cookie", { cookie: "gantry_ops=" }],
  ])("%s is refused", async (_title, headers) => {
    expect((await get("/ops/queues/api/queues", headers)).status).toBe(401);
  });

  it("a browser is sent to the login, and back to where it was going", async () => {
    const first = await get("/ops/queues/?x=1", { accept: "text/html" });
    expect(first.status).toBe(303);
    expect(first.headers.get("location")).toBe("/ops/login?next=%2Fops%2Fqueues%2F%3Fx%3D1");
    const answer = await login(TOKEN, "/ops/queues/?x=1");
    expect(answer.headers.get("location")).toBe("/ops/queues/?x=1");
    const [cookie = ""] = (answer.headers.get("set-cookie") ?? "").split(";");
    expect(answer.headers.get("set-cookie")).toMatch(/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
    expect(cookie).not.toContain(TOKEN);
    expect((await get("/ops", { cookie })).status).toBe(200);
    const elsewhere = await get("/ops", { cookie: cookie.replace(/\d/, "9") });
    expect(elsewhere.status).toBe(401);
  });

  it("a cookie is good for twelve hours", async () => {
    const [cookie = ""] = ((await login(TOKEN)).headers.get("set-cookie") ?? "").split(";");
    nowMs += 12 * 3_600_000 - 1;
    expect((await get("/ops", { cookie })).status).toBe(200);
    nowMs += 1;
    expect((await get("/ops", { cookie })).status).toBe(401);
  });

  it.each(["https://evil.example", "//evil.example", "/ops/../../x?<script>", "/ops\r\nx: y"])(
    "the login leads nowhere else: %j",
    async (next) => {
      expect((await login(TOKEN, next)).headers.get("location")).toBe("/ops");
    },
  );

  it("ten failures, and the address has to wait, with the right token too", async () => {
    for (let n = 0; n < 10; n++) expect((await login("wrong")).status).toBe(401);
    const refused = await login(TOKEN);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await get("/metrics", bearer)).status).toBe(429);
    nowMs += 60_000;
    expect((await login(TOKEN)).status).toBe(303);
  });

  it("logging out takes the cookie back", async () => {
    const response = await fetch(`http://127.0.0.1:${ops.port}/ops/logout`, {
      method: "POST",
      headers: bearer,
      redirect: "manual",
    });
    expect(response.headers.get("set-cookie")).toMatch(/^gantry_ops=; .*Max-Age=0$/);
  });
});

describe("the listener", () => {
  it.each(["0.0.0.0", "::", "10.0.0.1", "example.com"])(
    "refuses plain HTTP on %s",
    async (host) => {
      await expect(start({ host })).rejects.toThrow(InsecureListenerError);
    },
  );

  it("takes any host when told that it is safe", async () => {
    const open = await start({ host: "0.0.0.0", insecure: true });
    expect((await get("/healthz", {}, open)).status).toBe(200);
    await open.close();
  });

  it("rejects when the port is taken, and leaves nothing open", async () => {
    await expect(start({ port: ops.port })).rejects.toThrow(/EADDRINUSE/);
  });

  it("closes with a connection that idles", async () => {
    const extra = await start();
    const socket = tcpConnect(extra.port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    const begin = Date.now();
    await extra.close();
    expect(Date.now() - begin).toBeLessThan(5_000);
    socket.destroy();
  });

  it("answers health without the token", async () => {
    const response = await get("/healthz");
    expect([response.status, await response.text()]).toEqual([200, "ok"]);
  });

  it("sends a policy that lets nothing in from elsewhere", async () => {
    const policy = (await get("/ops", bearer)).headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
  });
});

describe("the board", () => {
  const pause = (at: RunningOps): Promise<Response> =>
    fetch(`http://127.0.0.1:${at.port}/ops/queues/api/queues/pods/pause`, {
      method: "PUT",
      headers: bearer,
    });

  it("is read-only", async () => {
    expect((await pause(ops)).status).toBe(403);
    const { queues } = (await (await get("/ops/queues/api/queues", bearer)).json()) as {
      queues: { name: string; readOnlyMode: boolean; isPaused: boolean }[];
    };
    expect(queues.map(({ name }) => name).toSorted()).toEqual(allQueueNames.toSorted());
    for (const queue of queues)
      expect(queue).toMatchObject({ readOnlyMode: true, isPaused: false });
  });

  it("changes queues when started to", async () => {
    const writable = await start({ write: true });
    expect((await pause(writable)).status).toBe(200);
    const resumed = await fetch(
      `http://127.0.0.1:${writable.port}/ops/queues/api/queues/pods/resume`,
      { method: "PUT", headers: bearer },
    );
    expect(resumed.status).toBe(200);
    await writable.close();
  });
});

describe("metrics", () => {
  const job = (name: string, active: number): Job => ({
    metadata: {
      name,
      namespace: "default",
      uid: `uid-${name}`,
      creationTimestamp: "2026-11-23T08:37:31Z",
      generation: 1,
    },
    spec: {
      parallelism: 1,
      backoffLimit: 6,
      completionMode: "NonIndexed",
      suspend: false,
      podReplacementPolicy: "TerminatingOrFailed",
      selector: {},
      template: {},
    },
    status: { active },
  });
  const scrape = async (): Promise<string> => (await get("/metrics", bearer)).text();
  const until = async (check: (text: string) => boolean): Promise<string> => {
    const deadline = Date.now() + 5_000;
    for (;;) {
      const text = await scrape();
      if (check(text) || Date.now() > deadline) return text;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it("shows the process, its requests, and each Job as it changes", async () => {
    const create = new Txn();
    createObject(create, "jobs", job("one", 2), nowMs);
    expect((await store.commit(create)).ok).toBe(true);
    const first = await until((text) => text.includes('job_name="one"'));
    expect(first).toContain("process_cpu_user_seconds_total");
    expect(first).toMatch(
      /gantry_http_request_duration_seconds_count\{.*route="\/healthz".*code="200"/,
    );
    expect(first).toContain('kube_job_status_active{namespace="default",job_name="one"} 2\n');
    const stored = await store.get("jobs", "default/one");
    const update = new Txn();
    updateObject(update, "jobs", stored!, job("one", 0));
    expect((await store.commit(update)).ok).toBe(true);
    const second = await until((text) => text.includes('job_name="one"} 0\n'));
    expect(second).toContain('kube_job_status_active{namespace="default",job_name="one"} 0\n');
  });

  it("each family stands together, with its help and type before it", async () => {
    const seen: string[] = [];
    for (const line of (await scrape()).split("\n")) {
      const name = /^(kube_\w+)\{/.exec(line)?.[1];
      if (name !== undefined && seen.at(-1) !== name) seen.push(name);
    }
    expect(seen.length).toBeGreaterThan(3);
    expect(new Set(seen).size).toBe(seen.length);
  });
});
