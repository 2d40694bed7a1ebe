// What the API shows of the ecs runtime: its metrics, lanes that are shut, logs of Pods whose worker is gone.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { recordFromPod, rfc3339, RUNTIMES_ANNOTATION } from "@gantry/core";
import {
  createObject,
  createPod,
  ecsRegistration,
  renewLease,
  type StoredObject,
  suffix,
  Txn,
} from "@gantry/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ApiUnderTest } from "./api-under-test.ts";

let api: ApiUnderTest;
let worker: Server;
const asked: string[] = [];

const node = (name: string, runtimes: string, logsUrl: string): StoredObject => ({
  kind: "Node",
  apiVersion: "v1",
  metadata: {
    name,
    uid: `u-${name}`,
    creationTimestamp: rfc3339(Date.now()),
    annotations: { "gantry.dev/logs-url": logsUrl, [RUNTIMES_ANNOTATION]: runtimes },
  },
});

beforeAll(async () => {
  api = await ApiUnderTest.start();
  worker = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end("from the task\n");
  });
  await new Promise<void>((resolve) => worker.listen(0, "127.0.0.1", resolve));
  const { port } = worker.address() as AddressInfo;
  const nowMs = Date.now();
  const txn = new Txn();
  createObject(txn, "nodes", node("gone", "ecs", "http://127.0.0.1:1"), nowMs);
  createObject(txn, "nodes", node("other", "process", "http://127.0.0.1:1"), nowMs);
  createObject(txn, "nodes", node("live", "ecs", `http://127.0.0.1:${port}`), nowMs);
  for (const [name, portable] of [
    ["task", true],
    ["local", undefined],
  ] as const) {
    const metadata = { name, namespace: "default", uid: name, creationTimestamp: rfc3339(nowMs) };
    const spec = { nodeName: "gone", containers: [{ name: "main", image: "x" }] };
    createPod(txn, {
      ...recordFromPod({ metadata, spec, status: { phase: "Running" } }),
      portable,
    });
  }
  expect((await api.store.commit(txn)).ok).toBe(true);
  for (const name of ["other", "live"]) await renewLease(api.store, name, nowMs + 600_000);
});
afterAll(async () => {
  worker.close();
  await api.stop();
});

const log = (pod: string) => api.get(`/api/v1/namespaces/default/pods/${pod}/log`);

test("any live worker with the runtime answers for the log of a task; nobody for a local Pod's", async () => {
  const { status, text } = await log("task");
  expect([status, text]).toEqual([200, "from the task\n"]);
  expect(asked.at(-1)).toContain("/pods/task/log");
  expect((await log("local")).status).toBe(503);
});

test("without the runtime there are no metrics of it", async () => {
  expect((await api.get("/metrics")).text).not.toContain("gantry_ecs_");
});

test("what the workers counted, as Prometheus reads it", async () => {
  await api.store.redis.hset(api.store.key(suffix.ecsCounters), {
    "launches|fargate": 3,
    'throttles|a"b': 1,
    "latency|pull|2": 1,
    "latency|pull|+Inf": 1,
    "latency_ms|pull": 2_001_500,
    "event_lag_ms|": 250,
  });
  await api.store.redis.hset(api.store.key(suffix.ecsOwners), { uid: "default/task" });
  const { text } = await api.get("/metrics");
  const lines = text.split("\n").filter((line) => line.startsWith("gantry_ecs_"));
  expect(lines).toEqual(
    expect.arrayContaining([
      "gantry_ecs_tasks 1",
      'gantry_ecs_launches_total{lane="fargate"} 3',
      'gantry_ecs_throttles_total{bucket="a\\"b"} 1',
      'gantry_ecs_launch_phase_seconds_bucket{phase="pull",le="1"} 0',
      'gantry_ecs_launch_phase_seconds_bucket{phase="pull",le="2"} 1',
      'gantry_ecs_launch_phase_seconds_bucket{phase="pull",le="1800"} 1',
      'gantry_ecs_launch_phase_seconds_bucket{phase="pull",le="+Inf"} 2',
      'gantry_ecs_launch_phase_seconds_sum{phase="pull"} 2001.5',
      'gantry_ecs_launch_phase_seconds_count{phase="pull"} 2',
      "gantry_ecs_event_lag_seconds_total 0.25",
    ]),
  );
});

test("a lane that only an operator can open is in /readyz?verbose; the API stays ready", async () => {
  const shut = { class: "operator", message: "AccessDenied", sinceMs: 0, circuit: true };
  const full = { class: "capacity", message: "no room", sinceMs: 0, circuit: false };
  await api.store.redis.hset(api.store.key(suffix.ecsLanes), {
    a: JSON.stringify(shut),
    b: JSON.stringify(full),
    [ecsRegistration]: JSON.stringify({ ...shut, message: "iam:PassRole" }),
  });
  const { status, text } = await api.get("/readyz?verbose");
  expect(status).toBe(200);
  expect(text).toContain("[!]ecs lane a is shut: AccessDenied");
  expect(text).toContain("[!]ecs task definitions can't be registered: iam:PassRole");
  expect(text).not.toContain("no room");
  const metrics = (await api.get("/metrics")).text;
  expect(metrics).toContain('gantry_ecs_lane_shut{lane="a",class="operator"} 1');
  expect(metrics).toContain('gantry_ecs_lane_shut{lane="b",class="capacity"} 1');
});
