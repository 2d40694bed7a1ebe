import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkRedis, connect, UnsafeRedisError } from "../src/connection.ts";
import { startRedis, type TestRedis } from "../testing/redis-server.ts";

let server: TestRedis;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const configure = async (...args: string[]): Promise<void> => {
  const redis = connect({ url: server.url });
  await redis.call("CONFIG", "SET", ...args);
  redis.disconnect();
};

describe("a Redis is looked at before it is used", () => {
  test("a safe one is accepted, and tells its version", async () => {
    await expect(checkRedis({ url: server.url })).resolves.toEqual({
      version: expect.stringMatching(/^\d+\.\d+/) as string,
    });
  });

  test("one that may evict is refused, with the fix", async () => {
    await configure("maxmemory-policy", "allkeys-lru");
    const refused = checkRedis({ url: server.url });
    await expect(refused).rejects.toThrow(UnsafeRedisError);
    await expect(refused).rejects.toThrow("CONFIG SET maxmemory-policy noeviction");
    await configure("maxmemory-policy", "noeviction");
  });

  test("a read-only replica is refused", async () => {
    await configure("replica-serve-stale-data", "yes");
    const redis = connect({ url: server.url });
    await redis.replicaof("127.0.0.1", "1");
    await expect(checkRedis({ url: server.url })).rejects.toThrow("read-only replica");
    await redis.replicaof("NO", "ONE");
    redis.disconnect();
  });

  test("one that is not there is named, without its password", async () => {
    const refused = checkRedis({ url: "redis://user:secret@127.0.0.1:1/0" });
    await expect(refused).rejects.toThrow(
      /Redis at redis:\/\/user:\*\*\*@127\.0\.0\.1:1\/0 can't be used: .*ECONNREFUSED/,
    );
  });

  test("another scheme is refused", async () => {
    await expect(checkRedis({ url: "http://x" })).rejects.toThrow('scheme "http://"');
  });
});
