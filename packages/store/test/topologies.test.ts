// The store on a Redis Cluster and behind Sentinels: scripts, queues and watches, and who answers after a failover.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkRedis, onServerChange, UnsafeRedisError } from "../src/connection.ts";
import { suffix } from "../src/keys.ts";
import { readLoad } from "../src/load.ts";
import { PodQueue } from "../src/pod-queue.ts";
import { enqueuePods, queuedPod } from "../src/queued-pods.ts";
import { Queues } from "../src/queues.ts";
import { Store } from "../src/store.ts";
import { Txn } from "../src/txn.ts";
import { type WatchChange, WatchHub } from "../src/watch.ts";
import { WorkQueue } from "../src/work-queue.ts";
import { createPod, updatePod } from "../src/writes.ts";
import { startCluster, startSentinels, type Topology } from "../testing/redis-topologies.ts";
import { waitFor } from "../testing/wait-for.ts";
import { podRecord } from "./pods.ts";

const topologies: Record<string, () => Promise<Topology>> = {
  "a Cluster": () => startCluster({ replicas: true, deadAfterMs: 2_000 }),
  Sentinels: () => startSentinels({ deadAfterMs: 1_000 }),
};

describe.each(Object.entries(topologies))("on %s", (name, start) => {
  let topology: Topology;
  beforeAll(async () => {
    topology = await start();
  });
  afterAll(() => topology?.stop());

  const open = async (failFast = false): Promise<Store> => {
    const store = new Store({ connection: { url: topology.url }, failFast });
    await store.open();
    return store;
  };

  const onCluster = name === "a Cluster" ? test : () => {};
  onCluster("one that names no addresses is refused, with the fix", async () => {
    const endpoints = (type: string): Promise<unknown> =>
      Promise.all(
        topology.nodes.map(({ client }) =>
          client.call("CONFIG", "SET", "cluster-preferred-endpoint-type", type),
        ),
      );
    await endpoints("unknown-endpoint");
    await expect(checkRedis({ url: topology.url })).rejects.toThrow("set cluster-announce-ip");
    await endpoints("ip");
  });

  test("it is looked at before it is used", async () => {
    await expect(checkRedis({ url: topology.url })).resolves.toEqual({
      version: expect.stringMatching(/^\d+\.\d+/) as string,
    });
    const { client } = await topology.ownerOf("{gantry}:rv");
    await client.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    await expect(checkRedis({ url: topology.url })).rejects.toThrow(UnsafeRedisError);
    await client.call("CONFIG", "SET", "maxmemory-policy", "noeviction");
  });

  test("transactions, pages, watches, queues and the load work", async () => {
    const store = await open();
    const queues = new Queues(store);
    const hub = new WatchHub(store);
    const seen: WatchChange[] = [];
    const watch = await hub.subscribe("pods", await store.revision(), (changes) => {
      seen.push(...changes);
    });
    const pods = Array.from({ length: 20 }, (_, n) =>
      podRecord(`pi-${String(n).padStart(5, "b")}`),
    );
    const txn = new Txn();
    for (const pod of pods) createPod(txn, pod);
    const queued = pods.map((pod) => queuedPod(pod, undefined));
    expect((await store.commit(enqueuePods(txn, queued, Date.now()))).ok).toBe(true);
    const page = await store.listAll("pods");
    expect(page.items).toHaveLength(20);
    await waitFor("the watch to show them", () => (seen.length === 20 ? true : undefined));
    expect(await queues.pods("pods").getWaitingCount()).toBe(20);
    const queue = new PodQueue(store, "pods");
    const how = { by: "n", nowMs: Date.now(), lockMs: 10_000 };
    expect((await queue.take(5, [], how)).pods).toHaveLength(5);
    await store.commit(new Txn().dirty("jobs|default/a").dirty("jobs|default/b"));
    expect(await new WorkQueue(store).take(5, [])).toHaveLength(2);
    expect(await readLoad(store)).toMatchObject({ unfinishedJobs: 0 });
    watch.close();
    hub.close();
    await queues.close();
    await store.close();
  });

  test("after a failover it goes on, and the revision has leapt", { timeout: 60_000 }, async () => {
    const store = await open();
    const txn = new Txn();
    createPod(txn, podRecord("pi-zzzzz"));
    await store.commit(txn);
    const before = await store.revision();
    const owner = await topology.ownerOf(store.key(suffix.revision));
    expect(await owner.client.wait(1, 5_000)).toBe(1);
    let changes = 0;
    onServerChange(store.redis, () => {
      changes += 1;
    });
    await owner.kill();
    await waitFor("another server to answer", async () => {
      const { moved } = await store.open();
      return moved || undefined;
    });
    expect(changes).toBeGreaterThan(0);
    expect(Number(await store.revision())).toBeGreaterThan(Number(before) + 999_999);
    const pod = await store.get("pods", "default/pi-zzzzz");
    if (pod === null) throw new Error("the Pod is lost");
    const next = new Txn();
    updatePod(next, pod, { ...pod.value, phase: "Running", node: "n" });
    expect((await store.commit(next)).ok).toBe(true);
    await owner.start();
    await store.close();
  });
});
