// Beyond its limits the API asks clients to come back, and goes on answering everything else.
import { connect, type Socket } from "node:net";
import { connect as connectRedis } from "@gantry/store";
import { waitFor } from "@gantry/store/testing/wait-for";
import { afterEach, describe, expect, test } from "vitest";
import {
  type Answer,
  ApiUnderTest,
  CONFIG_MAPS,
  configMap,
  jobManifest,
  JOBS,
  TOKEN,
} from "./api-under-test.ts";

let api: ApiUnderTest;
let sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await api.stop();
});

const expectRefused = (answer: Answer, retryAfter: string, message: string): void => {
  expect(answer.status).toBe(429);
  expect(answer.headers.get("retry-after")).toBe(retryAfter);
  expect(answer.body).toMatchObject({
    kind: "Status",
    status: "Failure",
    reason: "TooManyRequests",
    code: 429,
    details: { retryAfterSeconds: Number(retryAfter) },
  });
  expect(answer.body.message).toContain(message);
};

const expectAnswering = async (): Promise<void> => {
  for (const path of ["/healthz", "/livez", "/readyz"]) {
    expect((await api.get(path)).status).toBe(200);
  }
  expect((await api.get(JOBS)).status).toBe(200);
};

const refusals = async (reason: string): Promise<number> => {
  const text = (await api.get("/metrics")).text;
  const found = new RegExp(`refused_requests_total\\{reason="${reason}"\\} (\\d+)`).exec(text);
  return Number(found?.[1]);
};

describe("unfinished Jobs", () => {
  test("beyond the limit are refused until others end; everything else goes on", async () => {
    api = await ApiUnderTest.start({ maxPendingJobs: 3 });
    for (const name of ["a", "b", "c"]) {
      expect((await api.post(JOBS, jobManifest(name))).status).toBe(201);
    }
    const refused = await api.post(JOBS, jobManifest("d"));
    expectRefused(refused, "2", "at most 3 are taken");
    expect(await refusals("pending_jobs")).toBe(1);
    await expectAnswering();
    expect((await api.post(`${JOBS}?dryRun=All`, jobManifest("d"))).status).toBe(201);
    expect((await api.post(CONFIG_MAPS, configMap("m"))).status).toBe(201);
    const suspend = { spec: { suspend: true } };
    expect((await api.send("PATCH", `${JOBS}/a`, { body: suspend })).status).toBe(200);
    const orphan = "?propagationPolicy=Background";
    expect((await api.send("DELETE", `${JOBS}/a${orphan}`)).status).toBe(200);
    await waitFor("room for one more", async () =>
      (await api.post(JOBS, jobManifest("d"))).status === 201 ? true : undefined,
    );
    expectRefused(await api.post(JOBS, jobManifest("e")), "2", "at most 3 are taken");
  });

  test("many at once do not pass the limit", async () => {
    api = await ApiUnderTest.start({ maxPendingJobs: 10 });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => api.post(JOBS, jobManifest(`j${n}`))),
    );
    const codes = answers.map(({ status }) => status);
    expect(codes.filter((code) => code === 201)).toHaveLength(10);
    expect(codes.filter((code) => code === 429)).toHaveLength(30);
  });
});

test("beyond its share of Redis' memory nothing is created, and deletions make room", async () => {
  api = await ApiUnderTest.start();
  const redis = connectRedis({ url: api.redis.url });
  expect((await api.post(CONFIG_MAPS, configMap("m"))).status).toBe(201);
  const used = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
  await redis.call("CONFIG", "SET", "maxmemory", String(Math.round(used * 1.2)));
  const refused = await waitFor("the limit to be seen", async () => {
    const answer = await api.post(CONFIG_MAPS, configMap("n"));
    await api.send("DELETE", `${CONFIG_MAPS}/n`);
    return answer.status === 429 ? answer : undefined;
  });
  expectRefused(refused, "10", "% of its memory");
  await expectAnswering();
  expect((await api.send("DELETE", `${CONFIG_MAPS}/m`)).status).toBe(200);
  await redis.call("CONFIG", "SET", "maxmemory", "0");
  await waitFor("the new limit to be seen", async () =>
    (await api.post(CONFIG_MAPS, configMap("o"))).status === 201 ? true : undefined,
  );
  redis.disconnect();
});

test("a Redis without room answers 503, and nothing is half done", async () => {
  api = await ApiUnderTest.start({ maxMemoryFraction: 1 });
  const redis = connectRedis({ url: api.redis.url });
  await redis.call("CONFIG", "SET", "maxmemory", "1000");
  const answer = await api.post(JOBS, jobManifest("a"));
  expect([429, 503]).toContain(answer.status);
  const direct = await api.store.redis.keys(`${api.store.prefix}o:jobs`);
  expect(direct).toEqual([]);
  await redis.call("CONFIG", "SET", "maxmemory", "0");
  redis.disconnect();
});

describe("requests under way", () => {
  /** A request whose body never comes. */
  const hold = async (method: string, path: string): Promise<Socket> => {
    const socket = connect(api.api.port, "127.0.0.1");
    sockets.push(socket);
    const head = [
      `${method} ${path} HTTP/1.1`,
      "host: x",
      `authorization: Bearer ${TOKEN}`,
      "content-type: application/json",
      "content-length: 10",
    ];
    await new Promise<void>((resolve) =>
      socket.write(`${head.join("\r\n")}\r\n\r\n`, () => resolve()),
    );
    return socket;
  };
  const inflight = async (share: string): Promise<number> => {
    const text = (await api.get("/metrics")).text;
    return Number(new RegExp(`inflight_requests\\{share="${share}"\\} (\\d+)`).exec(text)?.[1]);
  };
  const held = (share: string, count: number): Promise<true> =>
    waitFor("the request to arrive", async () =>
      (await inflight(share)) === count ? true : undefined,
    );

  test("writes beyond the limit are refused until one ends; reads and probes go on", async () => {
    api = await ApiUnderTest.start({ maxInflight: 1 });
    const socket = await hold("POST", JOBS);
    await held("write", 1);
    expectRefused(
      await api.post(JOBS, jobManifest("a")),
      "1",
      "Too many requests, please try again later.",
    );
    await expectAnswering();
    // The client goes away: its place is free.
    socket.destroy();
    await held("write", 0);
    expect((await api.post(JOBS, jobManifest("a"))).status).toBe(201);
    expect(await refusals("inflight")).toBe(1);
  });

  test("reads have twice as many; watches and probes take none", async () => {
    api = await ApiUnderTest.start({ maxInflight: 1 });
    const watches = await Promise.all([1, 2, 3].map(() => api.watch(`${JOBS}?watch=1`)));
    await hold("DELETE", JOBS);
    await hold("DELETE", JOBS);
    await held("read", 2);
    expectRefused(await api.get(JOBS), "1", "Too many requests");
    for (const path of ["/healthz", "/livez", "/readyz"]) {
      expect((await api.get(path)).status).toBe(200);
    }
    expect((await api.post(JOBS, jobManifest("a"))).status).toBe(201);
    expect(await watches[0]?.take(1)).toEqual(["ADDED a"]);
    for (const watch of watches) watch.close();
  });

  test("strangers take no place", async () => {
    api = await ApiUnderTest.start({ maxInflight: 1 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => api.send("POST", JOBS, { token: null, body: {} })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 401));
  });
});
