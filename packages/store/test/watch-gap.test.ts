// A watch that goes on while another server takes over never passes over what it did not see.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { suffix } from "../src/keys.ts";
import { ExpiredRevisionError, raiseRevisionBase, Store } from "../src/store.ts";
import { Txn } from "../src/txn.ts";
import { WatchHub } from "../src/watch.ts";
import { createPod } from "../src/writes.ts";
import { startRedis, type TestRedis } from "../testing/redis-server.ts";
import { waitFor } from "../testing/wait-for.ts";
import { podRecord } from "./pods.ts";

let server: TestRedis;
let store: Store;
let hub: WatchHub;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  store = new Store({ connection: { url: server.url } });
  await store.redis.flushall();
  await store.open();
  hub = new WatchHub(store);
});
afterEach(async () => {
  hub.close();
  await store.close();
});

const create = async (name: string): Promise<string> => {
  const txn = new Txn();
  createPod(txn, podRecord(name));
  const result = await store.commit(txn);
  return result.ok ? (result.rvs[0] ?? "") : "";
};

test.each([
  [
    "another server answers",
    async () => {
      await store.redis.hset(store.key(suffix.meta), "runId", "before");
      expect((await store.open()).moved).toBe(true);
    },
  ],
  ["changes were lost", () => raiseRevisionBase(store)],
])("after %s it ends before the next change, and can't be resumed", async (_, leap) => {
  const seen: string[] = [];
  let gaps = 0;
  const start = await store.revision();
  const listen = (after: string): Promise<unknown> =>
    hub.subscribe(
      "pods",
      after,
      (changes) => seen.push(...changes.map(({ key }) => key)),
      () => {
        gaps += 1;
      },
    );
  await listen(start);
  const last = await create("a-before");
  await waitFor("the change", () => seen.includes("default/a-before") || undefined);
  await leap();
  await create("a-after1");
  await create("a-after2");
  await waitFor("the gap", () => gaps === 1 || undefined);
  expect(seen).toEqual(["default/a-before"]);
  await expect(listen(last)).rejects.toThrow(ExpiredRevisionError);
  // Who begins anew goes on.
  await listen(await store.revision());
  await create("a-again");
  await waitFor("the next change", () => seen.includes("default/a-again") || undefined);
  expect(gaps).toBe(1);
});
