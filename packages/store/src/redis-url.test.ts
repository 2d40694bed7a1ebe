import { describe, expect, test } from "vitest";
import { parseRedisUrl, RedisUrlError, shownRedisUrl } from "./redis-url.ts";

describe("one server", () => {
  test.each([
    ["redis://", { host: "127.0.0.1", port: 6379 }],
    ["redis://h", { host: "h", port: 6379 }],
    ["redis://h:7000/3", { host: "h", port: 7000, db: 3 }],
    ["redis://[::1]:7000", { host: "::1", port: 7000 }],
    ["redis://:p%40ss@h", { host: "h", port: 6379, password: "p@ss" }],
    ["redis://u:p@h", { host: "h", port: 6379, username: "u", password: "p" }],
    ["rediss://h", { host: "h", port: 6379, tls: { servername: "h" } }],
    ["unix:///run/redis.sock", { path: "/run/redis.sock" }],
    ["unix:///a%20b.sock?db=2", { path: "/a b.sock", db: 2 }],
  ])("%s", (url, options) => {
    expect(parseRedisUrl(url)).toEqual({ kind: "single", options });
  });
});

test("Sentinels, the name of their primary, and both passwords", () => {
  const url = "redis+sentinel://u:p@a:1,b/main?db=1&sentinelUsername=s&sentinelPassword=t";
  expect(parseRedisUrl(url)).toEqual({
    kind: "sentinel",
    options: {
      sentinels: [
        { host: "a", port: 1 },
        { host: "b", port: 26379 },
      ],
      name: "main",
      username: "u",
      password: "p",
      sentinelUsername: "s",
      sentinelPassword: "t",
      db: 1,
    },
  });
});

test("Sentinels with TLS to them and to the primary", () => {
  expect(parseRedisUrl("rediss+sentinel://a/main").options).toMatchObject({
    tls: {},
    enableTLSForSentinelMode: true,
    sentinelTLS: {},
  });
});

test("a Cluster by some of its nodes", () => {
  expect(parseRedisUrl("rediss+cluster://:p@a,[fd00::1]:7001")).toEqual({
    kind: "cluster",
    nodes: [
      { host: "a", port: 6379 },
      { host: "fd00::1", port: 7001 },
    ],
    options: { password: "p", tls: {} },
  });
});

test.each([
  ["http://x", 'unsupported Redis URL scheme "http://"'],
  ["localhost:6379", "the Redis URL is none"],
  ["redis://a,b", "several servers are a Cluster or Sentinels"],
  ["redis://a:99999", 'no host and port in "a:99999"'],
  ["redis://a/x", '"x" is no number of a database'],
  ["redis+sentinel://a", "after the slash, the primary"],
  ["redis+cluster://", "names some of its nodes"],
  ["redis+cluster://a/1", "one database only"],
])("%s is refused, with the forms that are accepted", (url, why) => {
  expect(() => parseRedisUrl(url)).toThrow(RedisUrlError);
  expect(() => parseRedisUrl(url)).toThrow(why);
  expect(() => parseRedisUrl(url)).toThrow("redis+sentinel://HOST:PORT,HOST:PORT/NAME");
});

test("no password is shown", () => {
  expect(shownRedisUrl("redis://u:secret@h:1/0")).toBe("redis://u:***@h:1/0");
  expect(shownRedisUrl("redis+sentinel://:x@a,b/m?sentinelPassword=y&db=1")).toBe(
    "redis+sentinel://:***@a,b/m?sentinelPassword=***&db=1",
  );
});
