// What a worker's Node tells of its runtimes, on a real Redis.
import { DEFAULT_RUNTIME_ANNOTATION, runtimeSettingsAnnotation } from "@gantry/core";
import { Store } from "@gantry/store";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { registerNode } from "../src/node-registration.ts";

let redis: TestRedis;
let store: Store;
beforeAll(async () => {
  redis = await startRedis();
  store = new Store({ connection: { url: redis.url } });
  await store.open();
});
afterAll(async () => {
  await store.close();
  await redis.stop();
});

const register = async (
  published: ReadonlyMap<string, string>,
): Promise<Record<string, string>> => {
  const node = {
    name: "w1",
    address: "127.0.0.1",
    logsUrl: "http://127.0.0.1:1",
    port: 1,
    capacity: { cpu: "1", memory: "1Gi", pods: "1" },
    labels: {},
    taints: [],
    runtimes: ["ecs", "process"],
    defaultRuntime: "ecs",
    published,
    version: "0.0.0",
  };
  const registration = await registerNode(store, node, pino({ level: "silent" }), Date.now);
  await registration.close(true);
  return { ...(await store.get("nodes", "w1"))?.value.metadata.annotations };
};

test("the settings that admission needs are on the Node, and go with the runtime", async () => {
  const first = await register(new Map([["ecs", '{"a":1}']]));
  expect(first).toMatchObject({
    [DEFAULT_RUNTIME_ANNOTATION]: "ecs",
    [runtimeSettingsAnnotation("ecs")]: '{"a":1}',
  });
  const then = await register(new Map());
  expect(then).not.toHaveProperty([runtimeSettingsAnnotation("ecs")]);
  expect(then["gantry.dev/logs-url"]).toBe("http://127.0.0.1:1");
});
