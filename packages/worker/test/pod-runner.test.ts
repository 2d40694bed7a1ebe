// What the worker's loop makes of what a runtime says: conditions, waiting reasons, Events.
import { randomUUID } from "node:crypto";
import type { PodRecord, PodSpec } from "@gantry/core";
import {
  createObject,
  createPod,
  EventRecorder,
  Store,
  type StoredObject,
  Templates,
  Txn,
} from "@gantry/store";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { waitFor } from "@gantry/store/testing/wait-for";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { PodRunner } from "../src/pod-runner.ts";
import type { Observation, Rejection, RunnablePod, Runtime } from "../src/runtime.ts";
import { sleep } from "../src/sleep.ts";
import type { WorkerContext } from "../src/worker-context.ts";

/** Ends every Pod with what the test wants; remembers what it was given. */
class ScriptedRuntime implements Runtime {
  readonly name = "process";
  end: Partial<Observation> = {};
  rejections: readonly Rejection[] = [];
  launched: RunnablePod[] = [];

  admit(): readonly Rejection[] {
    return this.rejections;
  }
  launch(pod: RunnablePod) {
    this.launched.push(pod);
    const last = { phase: "Failed" as const, ready: false, containers: [], ...this.end };
    return { ended: Promise.resolve(last), stop: () => {} };
  }
  async adopt(): Promise<null> {
    return null;
  }
  async logs(): Promise<never> {
    throw new Error("no logs");
  }
  async remove(): Promise<void> {}
  async list(): Promise<readonly []> {
    return [];
  }
  async close(): Promise<void> {}
}

const log = pino({ level: "silent" });
let redis: TestRedis;
let store: Store;
let events: EventRecorder;
let runtime: ScriptedRuntime;
let runner: PodRunner;

beforeAll(async () => {
  redis = await startRedis();
  store = new Store({ connection: { url: redis.url } });
  await registerNode("n1");
});
afterAll(async () => {
  await store.close();
  await redis.stop();
});
beforeEach(() => {
  runtime = new ScriptedRuntime();
  events = new EventRecorder(store, Date.now, log);
  const context: WorkerContext = {
    store,
    events,
    log,
    templates: new Templates(store),
    now: Date.now,
    sleep,
    node: "n1",
    hostIP: "127.0.0.1",
    fence: 1,
    runtimes: new Map([["process", runtime]]),
    defaultRuntime: "process",
  };
  runner = new PodRunner(context);
});

const registerNode = async (name: string): Promise<void> => {
  const node: StoredObject = {
    kind: "Node",
    apiVersion: "v1",
    metadata: { name, uid: randomUUID(), creationTimestamp: new Date().toISOString() },
  };
  const txn = new Txn();
  createObject(txn, "nodes", node, Date.now());
  await store.commit(txn);
};

const create = async (spec: PodSpec): Promise<PodRecord> => {
  const pod: PodRecord = {
    namespace: "default",
    name: `p-${randomUUID().slice(0, 8)}`,
    uid: randomUUID(),
    createdAtMs: Date.now(),
    tracked: false,
    phase: "Pending",
    ready: false,
    containers: [],
    spec,
  };
  const txn = new Txn();
  createPod(txn, pod);
  await store.commit(txn);
  return pod;
};

const stored = async ({ name }: PodRecord): Promise<PodRecord> => {
  const pod = await store.get("pods", `default/${name}`);
  if (pod === null) throw new Error(`pod ${name} is gone`);
  return pod.value;
};

const eventsOf = async (pod: PodRecord): Promise<string[]> => {
  await events.close();
  const all = await store.getMany("events", await store.keys("events"));
  return all.flatMap((event) => {
    const value = event?.value as unknown as {
      involvedObject: { name: string };
      source: { component: string };
      reason: string;
      message: string;
    };
    const { involvedObject, source, reason, message } = value;
    return involvedObject.name === pod.name ? [`${source.component} ${reason}: ${message}`] : [];
  });
};

const containers = [{ name: "main", image: "any" }];

test("X3, R85: a Pod that its host ended has DisruptionTarget; its place is told by an Event", async () => {
  const pod = await create({ containers });
  runtime.end = {
    reason: "NodeRebooted",
    message: "restarted",
    disruption: { reason: "TerminationByKubelet", message: "restarted" },
  };
  expect(await runner.run(pod)).toMatchObject({ kind: "ended", result: { phase: "Failed" } });
  const ended = await stored(pod);
  expect(ended).toMatchObject({ phase: "Failed", reason: "NodeRebooted", node: "n1" });
  expect(ended.conditions).toMatchObject([
    { type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet" },
  ]);
  expect(await eventsOf(pod)).toContain(
    `default-scheduler Scheduled: Successfully assigned default/${pod.name} to n1`,
  );
});

test("what ends by itself is not disrupted", async () => {
  const pod = await create({ containers });
  await runner.run(pod);
  expect((await stored(pod)).conditions ?? []).toEqual([]);
});

test("what the runtime refuses: UnsupportedByRuntime, with an Event, and never launched", async () => {
  const pod = await create({ containers });
  runtime.rejections = [{ path: "volumes[0].hostPath.path", message: "/etc is not allowed" }];
  await runner.run(pod);
  const message =
    "spec.volumes[0].hostPath.path: not supported by runtime process: /etc is not allowed";
  expect(await stored(pod)).toMatchObject({
    phase: "Failed",
    reason: "UnsupportedByRuntime",
    message,
  });
  expect(await eventsOf(pod)).toContain(`kubelet UnsupportedByRuntime: ${message}`);
  expect(runtime.launched).toEqual([]);
});

const configMap = (name: string, data: Record<string, string>): StoredObject => ({
  kind: "ConfigMap",
  apiVersion: "v1",
  metadata: {
    name,
    namespace: "default",
    uid: randomUUID(),
    creationTimestamp: "2026-11-23T00:00:00Z",
  },
  data,
});

test.each<[string, PodSpec, Record<string, string>, string, string]>([
  [
    "a volume's ConfigMap",
    { containers, volumes: [{ name: "v", configMap: { name: "late-1" } }] },
    { any: "x" },
    "ContainerCreating",
    'kubelet FailedMount: MountVolume.SetUp failed for volume "v" : configmap "late-1" not found',
  ],
  [
    "an environment's ConfigMap",
    { containers: [{ ...containers[0], envFrom: [{ configMapRef: { name: "late-2" } }] }] },
    { any: "x" },
    "CreateContainerConfigError",
    'kubelet Failed: Error: configmap "late-2" not found',
  ],
])(
  "%s that comes later: the Pod waits Pending, then runs",
  async (_, spec, data, reason, event) => {
    const pod = await create(spec);
    const run = runner.run(pod);
    await waitFor("the waiting reason", async () =>
      (await stored(pod)).containers[0]?.reason === reason ? true : undefined,
    );
    expect((await stored(pod)).phase).toBe("Pending");
    expect(await eventsOf(pod)).toContain(event);
    const name = /"(late-\d)"/.exec(event)?.[1] ?? "";
    const txn = new Txn();
    createObject(txn, "configmaps", configMap(name, data), Date.now());
    await store.commit(txn);
    expect(await run).toMatchObject({ kind: "ended" });
    expect([...(runtime.launched[0]?.sources.get(`configmap/${name}`) ?? [])]).toEqual([
      ["any", Buffer.from("x")],
    ]);
  },
);

test("a ConfigMap's binaryData is apart from its data; a volume may want a key of either", async () => {
  const txn = new Txn();
  const object = { ...configMap("both", { a: "x" }), binaryData: { b: "AAEC" } };
  createObject(txn, "configmaps", object, Date.now());
  await store.commit(txn);
  const items = ["a", "b"].map((key) => ({ key, path: key }));
  const volumes = [{ name: "v", configMap: { name: "both", items } }];
  await runner.run(await create({ containers, volumes }));
  expect([...(runtime.launched[0]?.sources ?? [])]).toEqual([
    ["configmap/both", new Map([["a", Buffer.from("x")]])],
    ["binarydata/both", new Map([["b", Buffer.from([0, 1, 2])]])],
  ]);
});

test("X5: activeDeadlineSeconds counts while a ConfigMap is waited for", async () => {
  const volumes = [{ name: "v", configMap: { name: "never" } }];
  const pod = await create({ containers, volumes, activeDeadlineSeconds: 1 });
  const result = { phase: "Failed", reason: "DeadlineExceeded" };
  expect(await runner.run(pod)).toMatchObject({ kind: "ended", result });
  expect(runtime.launched).toEqual([]);
});

test("a volume's key that its Secret lacks is waited for too", async () => {
  const secret = { ...configMap("half", { a: "" }), kind: "Secret" };
  const txn = new Txn();
  createObject(txn, "secrets", secret, Date.now());
  await store.commit(txn);
  const pod = await create({
    containers,
    volumes: [{ name: "v", secret: { secretName: "half", items: [{ key: "b", path: "b" }] } }],
  });
  const run = runner.run(pod);
  await waitFor("the wait", async () =>
    (await stored(pod)).containers[0]?.reason === "ContainerCreating" ? true : undefined,
  );
  expect(await eventsOf(pod)).toContain(
    'kubelet FailedMount: MountVolume.SetUp failed for volume "v" : references non-existent config key: b',
  );
  await runner.stopAll();
  await run;
  expect(runtime.launched).toEqual([]);
});

test("a worker whose Node was removed claims nothing until it has registered again", async () => {
  const node = await store.get("nodes", "n1");
  await store.commit(new Txn().delete("nodes", "n1", node?.rv ?? ""));
  const pod = await create({ containers });
  expect(await runner.run(pod)).toMatchObject({ kind: "unclaimed" });
  expect((await stored(pod)).node).toBeUndefined();
  await registerNode("n1");
  expect(await runner.run(pod)).toMatchObject({ kind: "ended" });
  expect((await stored(pod)).node).toBe("n1");
});

test("G1: a Pod whose template is lost has not succeeded: it never ran", async () => {
  const pod = await create({});
  const job = { name: "gone", uid: randomUUID() };
  const lost: PodRecord = {
    ...pod,
    name: `${pod.name}-2`,
    uid: randomUUID(),
    job,
    template: "none",
  };
  delete (lost as { spec?: PodSpec }).spec;
  const txn = new Txn();
  createPod(txn, lost);
  await store.commit(txn);
  runtime.end = { phase: "Succeeded" };
  expect(await runner.run(lost)).toMatchObject({ result: { phase: "Failed" } });
  expect(await stored(lost)).toMatchObject({ phase: "Failed", message: "its template is lost" });
  expect(runtime.launched).toEqual([]);
});
