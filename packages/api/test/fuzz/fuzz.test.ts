// Whatever is sent to whichever route: an answer below 500, in time, and no change by what is refused.
import { Agent, type IncomingMessage, request as httpRequest } from "node:http";
import { assert, asyncProperty } from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  ApiUnderTest,
  CONFIG_MAPS,
  configMap,
  jobManifest,
  JOBS,
  podManifest,
  PODS,
  TOKEN,
} from "../api-under-test.ts";
import { fuzzRequest, type FuzzRequest } from "./requests.ts";

/** Requests; the same ones each time, unless FUZZ_SEED says otherwise. */
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 4_000);
const SEED = Number(process.env["FUZZ_SEED"] ?? 20_250);
/** An answer that takes longer is a hang. */
const ANSWER_MS = 5_000;
/** Requests that are right delete what the others need. */
const RESEED_EVERY = 250;
const BUDGET_MS = 300_000;

let api: ApiUnderTest;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** Kubernetes' answer to a revision that is still to come, by which clients know to wait. */
const isFutureRevision = (status: number, path: string): boolean =>
  status === 504 && path.includes("resourceVersion=");

/** Resolves with the status as soon as there is one, and the body has ended or is a watch's. */
const send = (one: FuzzRequest): Promise<number> =>
  new Promise((resolve, reject) => {
    const length = one.body === undefined ? {} : { "content-length": String(one.body.length) };
    const request = httpRequest({
      agent,
      host: "127.0.0.1",
      port: api.api.port,
      method: one.method,
      path: one.path,
      headers: { authorization: `Bearer ${TOKEN}`, ...one.headers, ...length },
    });
    const timer = setTimeout(() => request.destroy(new Error("no answer")), ANSWER_MS);
    request.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    request.once("response", (response: IncomingMessage) => {
      clearTimeout(timer);
      const status = response.statusCode ?? 0;
      resolve(status);
      // A watch goes on; what else is sent has a length.
      if (response.headers["transfer-encoding"] === "chunked") request.destroy();
      else response.resume();
      response.on("error", () => {});
    });
    request.end(one.body);
  });

const seed = async (): Promise<void> => {
  for (let n = 0; n <= 20; n++) {
    const name = `seeded-${n}`;
    await api.post(JOBS, jobManifest(name, {}, { labels: { a: "b" } }));
    await api.post(PODS, podManifest(name, { a: "b" }));
    await api.post(CONFIG_MAPS, configMap(name, { a: "1" }, { labels: { a: "b" } }));
    const metadata = { name };
    await api.post("/api/v1/namespaces/default/secrets", { metadata, stringData: { a: "1" } });
    await api.post("/api/v1/namespaces/default/serviceaccounts", { metadata });
    const spec = {
      schedule: "0 0 * * *",
      jobTemplate: { spec: (jobManifest(name) as { spec: object }).spec },
    };
    await api.post("/apis/batch/v1/namespaces/default/cronjobs", { metadata, spec });
    const involvedObject = { kind: "Job", name, namespace: "default" };
    await api.post("/api/v1/namespaces/default/events", { metadata, involvedObject });
    await api.post("/apis/coordination.k8s.io/v1/namespaces/default/leases", { metadata });
  }
};

beforeAll(async () => {
  api = await ApiUnderTest.start();
  await seed();
});
afterAll(async () => {
  agent.destroy();
  await api.stop();
});

test(
  `${RUNS} requests are answered, none with a 5xx, and a refused one changes nothing`,
  { timeout: BUDGET_MS },
  async () => {
    const seen = new Map<number, number>();
    let sent = 0;
    await assert(
      asyncProperty(fuzzRequest, async (one) => {
        if ((sent += 1) % RESEED_EVERY === 0) await seed();
        const before = await api.store.revision();
        const status = await send(one);
        seen.set(status, (seen.get(status) ?? 0) + 1);
        expect(status).toBeGreaterThanOrEqual(101);
        if (!isFutureRevision(status, one.path)) expect(status).toBeLessThan(500);
        if (status >= 400) expect(await api.store.revision()).toBe(before);
        expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
      }),
      { numRuns: RUNS, seed: SEED },
    );
    // What is sent gets past the first check often enough for this to mean something.
    expect(seen.get(201) ?? 0).toBeGreaterThan(RUNS / 200);
    expect(seen.get(200) ?? 0).toBeGreaterThan(RUNS / 20);
    expect(seen.get(422) ?? 0).toBeGreaterThan(RUNS / 200);
    expect(api.logged.filter((line) => line.includes("request failed"))).toEqual([]);
    expect((await api.get("/readyz")).status).toBe(200);
  },
);
