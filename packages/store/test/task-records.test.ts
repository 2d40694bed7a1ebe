// What is kept of ECS tasks, on a real Redis.
import { afterAll, beforeAll, expect, test } from "vitest";
import { Store } from "../src/store.ts";
import {
  deleteTaskRecord,
  putTaskRecord,
  readTaskRecord,
  taskOwners,
  type TaskRecord,
} from "../src/task-records.ts";
import { Txn } from "../src/txn.ts";
import { startRedis, type TestRedis } from "../testing/redis-server.ts";

let redis: TestRedis;
let store: Store;
beforeAll(async () => {
  redis = await startRedis();
  store = new Store({ connection: { url: redis.url } });
});
afterAll(async () => {
  await store.close();
  await redis.stop();
});

const record = { podUid: "uid", pod: "default/p", attempt: 1, lane: "l", cpu: 256 };
const intent = record as unknown as TaskRecord;

const commit = async (write: (txn: Txn) => void): Promise<void> => {
  const txn = new Txn();
  write(txn);
  expect((await store.commit(txn)).ok).toBe(true);
};

test("a record that is written after another worker closed it is found by its owner again", async () => {
  await commit((txn) => putTaskRecord(txn, intent));
  expect(await taskOwners(store)).toEqual(new Map([["uid", "default/p"]]));
  await commit((txn) => deleteTaskRecord(txn, intent));
  expect(await readTaskRecord(store, "uid")).toBeNull();
  expect((await taskOwners(store)).size).toBe(0);
  await commit((txn) => putTaskRecord(txn, { ...intent, taskArn: "arn" }, intent));
  expect(await readTaskRecord(store, "uid")).toMatchObject({ taskArn: "arn" });
  expect(await taskOwners(store)).toEqual(new Map([["uid", "default/p"]]));
});
