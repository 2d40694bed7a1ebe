// Placement between real workers on one queue: room, selectors, taints, cordons, and what is said.
import type { PodSpec } from "@gantry/core";
import { suffix, Txn } from "@gantry/store";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { waitFor } from "@gantry/store/testing/wait-for";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PlacementCell } from "./placement-cell.ts";

let redis: TestRedis;
let cell: PlacementCell;

beforeEach(async () => {
  redis = await startRedis();
  cell = new PlacementCell(redis.url);
});
afterEach(async () => {
  await cell.close();
  await redis.stop();
});

const requesting = (requests: Record<string, string>, extra: PodSpec = {}): PodSpec => ({
  containers: [{ name: "c", image: "any", resources: { requests } }],
  ...extra,
});
const on = (node: string): PodSpec => ({ nodeSelector: { "kubernetes.io/hostname": node } });

/** The most Pods that ran at the same time, by what they report. */
const mostAtOnce = (pods: readonly { startedAtMs?: number; finishedAtMs?: number }[]): number => {
  const changes = pods
    .flatMap(({ startedAtMs = 0, finishedAtMs = 0 }) => [
      { atMs: startedAtMs, by: 1 },
      { atMs: finishedAtMs, by: -1 },
    ])
    .toSorted((a, b) => a.atMs - b.atMs || a.by - b.by);
  let [now, most] = [0, 0];
  for (const { by } of changes) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
};

test("conformance.md J24: 90 Pods of a fifth of the node's cpu: five at once, all complete", async () => {
  await cell.worker("a", { capacity: { cpu: "10" } });
  expect((await cell.node("a"))?.status).toMatchObject({
    capacity: { cpu: "10", pods: "100" },
    allocatable: { cpu: "10", pods: "100" },
  });
  const startMs = performance.now();
  const keys = await cell.pods("j24", 90, requesting({ cpu: "2" }, on("a")), 60);
  const pods = await cell.succeeded(keys);
  const seconds = (performance.now() - startMs) / 1000;
  console.log(`90 Pods of 60 ms, five at once: ${seconds.toFixed(1)} s`);
  const runs = pods.map(({ containers }) => ({
    startedAtMs: containers[0]?.startedAtMs ?? 0,
    finishedAtMs: containers[0]?.finishedAtMs ?? 0,
  }));
  expect(mostAtOnce(runs)).toBe(5);
});

test("Pods that do not fit now wait with the reason, do not hold up others, and go first when there is room", async () => {
  await cell.worker("a", { capacity: { cpu: "1", memory: "1Gi" } });
  const [first = ""] = await cell.pods("first", 1, requesting({ cpu: "1" }), 2_000);
  await waitFor("the first to run", async () =>
    (await cell.pod(first)).phase === "Running" ? true : undefined,
  );
  const waiting = await cell.pods("waiting", 3, requesting({ cpu: "500m" }), 10);
  const small = await cell.pods("small", 20, requesting({}), 10);
  await cell.succeeded(small, 5_000);
  for (const key of waiting) {
    await cell.unschedulable(key, "0/1 nodes are available: 1 Insufficient cpu.");
  }
  const [waited] = await cell.succeeded(waiting, 8_000);
  expect(waited?.conditions ?? []).toEqual([]);
  const events = await cell.events(waiting[0] ?? "", "FailedScheduling");
  expect(events).toMatchObject([
    {
      type: "Warning",
      message: "0/1 nodes are available: 1 Insufficient cpu.",
      source: { component: "default-scheduler" },
    },
  ]);
});

test("a request larger than any worker says so, once, and does not spin", async () => {
  await cell.worker("a", { capacity: { cpu: "4" } });
  await cell.worker("b", {
    capacity: { cpu: "2" },
    taints: [{ key: "gpu", effect: "NoSchedule" }],
  });
  const [key = ""] = await cell.pods("huge", 1, requesting({ cpu: "64" }), 10);
  const message =
    "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {gpu: }.";
  await cell.unschedulable(key, message);
  const { uid } = await cell.pod(key);
  const job = async () => {
    const [attempts, state] = await cell.store.redis.hmget(
      `{gantry}:q:pods:${uid}`,
      "ats",
      "delay",
    );
    return { attempts: Number(attempts), delayMs: Number(state) };
  };
  await waitFor("the back-off to grow to 4 s", async () =>
    (await job()).delayMs === 4_000 ? true : undefined,
  );
  expect((await job()).attempts).toBe(3);
  expect(await cell.events(key, "FailedScheduling")).toHaveLength(1);
});

test("a Pod for one of several workers gets there whoever takes it first", async () => {
  for (const name of ["a", "b", "c"]) {
    await cell.worker(name, { labels: { [`only-${name}`]: "yes" } });
  }
  const keys = await cell.pods(
    "to-c",
    30,
    requesting({}, { nodeSelector: { "only-c": "yes" } }),
    5,
  );
  const pods = await cell.succeeded(keys, 20_000);
  expect(new Set(pods.map(({ node }) => node))).toEqual(new Set(["c"]));
  expect(pods.flatMap(({ conditions }) => conditions ?? [])).toEqual([]);
});

test("kubectl cordon and taint: obeyed at once, undone at once, and kept when the worker registers again", async () => {
  const worker = await cell.worker("a", { labels: { pool: "one" } });
  await cell.changeNode("a", (node) => ({
    ...node,
    metadata: { ...node.metadata, labels: { ...node.metadata.labels, mine: "x" } },
    spec: { unschedulable: true },
  }));
  const key = await firstRefused();
  await cell.unschedulable(key, "0/1 nodes are available: 1 node(s) were unschedulable.");
  await worker.close();
  await cell.worker("a", { labels: { pool: "one" } });
  const again = await cell.node("a");
  expect(again?.spec).toEqual({ unschedulable: true });
  expect(again?.metadata?.labels).toMatchObject({ mine: "x", pool: "one" });
  const taints = [{ key: "dedicated", value: "x", effect: "NoSchedule" }];
  await cell.changeNode("a", (node) => ({ ...node, spec: { taints } }));
  await cell.unschedulable(
    key,
    "0/1 nodes are available: 1 node(s) had untolerated taint {dedicated: x}.",
  );
  await cell.changeNode("a", (node) => ({ ...node, spec: {} }));
  const startMs = performance.now();
  await cell.succeeded([key]);
  // Woken by the change: its back-off alone would be up to 10 s.
  expect(performance.now() - startMs).toBeLessThan(1_500);
});

test("a NoExecute taint drives out what does not tolerate it, at once or after its time", async () => {
  await cell.worker("a");
  const taint = { key: "failing", effect: "NoExecute" };
  const tolerating = (tolerationSeconds?: number): PodSpec => ({
    tolerations: [
      {
        ...taint,
        operator: "Exists",
        ...(tolerationSeconds !== undefined && { tolerationSeconds }),
      },
    ],
  });
  const [out = ""] = await cell.pods("out", 1, requesting({}), 600_000);
  const [later = ""] = await cell.pods("later", 1, requesting({}, tolerating(1)), 600_000);
  const [stays = ""] = await cell.pods("stays", 1, requesting({}, tolerating()), 600_000);
  await waitFor(
    "all to run",
    async () =>
      (await cell.all([out, later, stays])).every(({ phase }) => phase === "Running") || undefined,
  );
  await cell.changeNode("a", (node) => ({ ...node, spec: { taints: [taint] } }));
  const gone = (key: string) =>
    waitFor(`${key} to go`, async () =>
      (await cell.store.get("pods", key)) === null ? true : undefined,
    );
  await gone(out);
  expect((await cell.pod(later)).deletion).toBeUndefined();
  await gone(later);
  expect((await cell.pod(stays)).phase).toBe("Running");
  expect(await cell.events(out, "TaintManagerEviction")).toHaveLength(1);
});

test("a Pod with scheduling gates waits until they are taken away", async () => {
  await cell.worker("a");
  const gated = requesting({}, { schedulingGates: [{ name: "example.com/quota" }] });
  const [key = ""] = await cell.pods("gated", 1, gated, 5);
  await cell.unschedulable(key, "Scheduling is blocked due to non-empty scheduling gates");
  expect((await cell.pod(key)).conditions?.[0]?.reason).toBe("SchedulingGated");
  await cell.changePod(key, (pod) => ({
    ...pod,
    spec: requesting({}, { restartPolicy: "Never" }),
  }));
  await cell.succeeded([key]);
  expect(await cell.events(key, "FailedScheduling")).toEqual([]);
});

test("a worker whose Node was removed or marked as away shows itself again", async () => {
  await cell.worker("a");
  const stored = await cell.store.get("nodes", "a");
  await cell.store.commit(new Txn().delete("nodes", "a", stored?.rv ?? ""));
  await waitFor("the Node to be there again", () => cell.node("a"));
  await cell.changeNode("a", (node) => ({
    ...node,
    status: { conditions: [{ type: "Ready", status: "Unknown" }] },
  }));
  await waitFor("the Node to be Ready again", async () => {
    const ready = (await cell.node("a"))?.status?.conditions?.find(({ type }) => type === "Ready");
    return ready?.status === "True" ? true : undefined;
  });
});

test("what a worker's Pods request is known to the others", async () => {
  const first = await cell.worker("a", { capacity: { cpu: "2" }, drain: "wait" });
  const [long = ""] = await cell.pods("long", 1, requesting({ cpu: "2" }), 1_500);
  await waitFor("usage to be published", async () => {
    const text = await cell.store.redis.hget(cell.store.key(suffix.usage), "a");
    return text !== null && JSON.parse(text).cpu === "2000000000" ? true : undefined;
  });
  await cell.worker("b", { capacity: { cpu: "1" } });
  const [key = ""] = await cell.pods("next", 1, requesting({ cpu: "2" }), 5);
  await cell.unschedulable(key, "0/2 nodes are available: 2 Insufficient cpu.");
  await cell.succeeded([long, key]);
  expect((await cell.pod(key)).node).toBe("a");
  await first.close();
});

/** Sends Pods until the worker has seen the change and refuses one. */
const firstRefused = async (): Promise<string> => {
  for (let n = 0; ; n += 1) {
    const [key = ""] = await cell.pods(`cordoned-${n}`, 1, requesting({}), 5);
    const refused = await waitFor("the pod to end or to be refused", async () => {
      const { phase, conditions = [] } = await cell.pod(key);
      return phase === "Succeeded" ? false : conditions.length > 0 ? true : undefined;
    });
    if (refused) return key;
  }
};
