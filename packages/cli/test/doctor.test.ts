// `gantry doctor` on installations in which one thing is wrong.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enqueuePods, FORMAT, openPresence, Queues, Store, suffix, Txn } from "@gantry/store";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { startCluster } from "@gantry/store/testing/redis-topologies";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { diagnose } from "../src/commands/doctor.ts";
import { dataDir } from "../src/data-dir.ts";
import { type Check, checkLine, exitCode } from "../src/doctor/check.ts";
import { makeAuthority } from "../src/server/certificate-issue.ts";
import { servingCertificate } from "../src/server/certificate.ts";
import { bearerToken } from "../src/server/token.ts";

let server: TestRedis;
let store: Store;
let root: string;
beforeAll(async () => {
  server = await startRedis({ appendOnly: true });
});
afterAll(() => server.stop());
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "gantry-doctor-"));
  store = new Store({ connection: { url: server.url } });
  await store.redis.flushall();
  await store.open();
});
afterEach(async () => {
  rmSync(root, { recursive: true, force: true });
  await store.close();
});

const look = (redis = server.url): Promise<Check[]> => diagnose({ redis, dataDir: root });

/** The lines of one check. */
const lines = async (name: string, redis?: string): Promise<string[]> =>
  (await look(redis)).filter((check) => check.name === name).map(checkLine);

const log = { warn: () => {} };

test("an installation that is well: every line is ok, and the exit code 0", async () => {
  const roles = ["api", "scheduler", "worker"] as const;
  const there = await Promise.all(
    roles.map((role) =>
      openPresence(store, { role, name: role, version: "1", log, onIncompatible: () => {} }),
    ),
  );
  await store.redis.zadd(store.key(suffix.leases), Date.now() + 60_000, "worker");
  await store.redis.set(store.key(suffix.resync), "x");
  const checks = await look();
  expect(checks.filter(({ level }) => level !== "ok")).toEqual([]);
  expect(exitCode(checks)).toBe(0);
  expect(new Set(checks.map(({ name }) => name))).toEqual(
    new Set([
      ...["redis", "version", "persistence", "eviction", "memory", "replication", "latency"],
      ...["clock", "format", "api", "scheduler", "worker", "versions", "clocks", "leases"],
      ...["queue pods", "work", "jobs", "pods", "timers", "files", "disk"],
    ]),
  );
  for (const one of there) await one.close();
});

describe("the server", () => {
  test("that is not there: what was tried, without its password", async () => {
    const checks = await look("redis://u:secret@127.0.0.1:1");
    expect(checks.map(checkLine)[0]).toMatch(
      /^FAIL {2}redis: redis:\/\/u:\*\*\*@127\.0\.0\.1:1 can't be used \(.*ECONNREFUSED.*\): is it/,
    );
    expect(exitCode(checks)).toBe(2);
  });

  test.each([
    ["eviction", "maxmemory-policy", "allkeys-lru", "noeviction", /^FAIL .*maxmemory-policy noe/],
    ["persistence", "appendonly", "no", "yes", /^FAIL .*nothing is kept .*appendonly yes/],
    ["persistence", "appendfsync", "no", "always", /^warn .*CONFIG SET appendfsync everysec/],
    ["memory", "maxmemory", "2mb", "0", /^(warn|FAIL) .*of 2 MiB \(maxmemory\) used/],
  ])("%s: %s %s", async (name, setting, wrong, right, expected) => {
    await store.redis.call("CONFIG", "SET", setting, wrong);
    try {
      const [line] = await lines(name);
      expect(line).toMatch(expected);
    } finally {
      await store.redis.call("CONFIG", "SET", setting, right);
    }
  });

  test("a Cluster, and one whose slot is being moved", async () => {
    const cluster = await startCluster();
    try {
      expect(await lines("cluster", cluster.url)).toEqual([
        expect.stringMatching(/^ok {4}cluster: 3 primaries; all of Gantry is in slot \d+$/),
      ]);
      const owner = await cluster.ownerOf("{gantry}:rv");
      const other = cluster.nodes.find((node) => node !== owner);
      const slot = String(await owner.client.call("CLUSTER", "KEYSLOT", "{gantry}:rv"));
      const id = String(await other?.client.call("CLUSTER", "MYID"));
      await owner.client.call("CLUSTER", "SETSLOT", slot, "MIGRATING", id);
      expect((await lines("cluster", cluster.url))[0]).toMatch(
        /^FAIL .* is being moved: stop Gantry until it is moved/,
      );
    } finally {
      await cluster.stop();
    }
  });
});

describe("the store", () => {
  test("of a newer format is not looked at any further", async () => {
    await store.redis.hset(store.key(suffix.meta), "format", FORMAT.major + 1);
    const checks = await look();
    expect(checks.find(({ name }) => name === "format")).toMatchObject({
      level: "fail",
      advice: "upgrade this Gantry",
    });
    expect(checks.some(({ name }) => name === "leases")).toBe(false);
    expect(exitCode(checks)).toBe(2);
  });

  test("without processes: what does not happen, and what to start", async () => {
    expect(await lines("scheduler")).toEqual([
      "FAIL  scheduler: none is there: nothing makes Pods or counts them: start `gantry scheduler`",
    ]);
  });

  test("two versions side by side, and a clock that is off", async () => {
    const said = { role: "api", host: "h", pid: 1, startedAtMs: 0, format: "1.1" };
    const key = store.key(suffix.members);
    await store.redis.hset(
      key,
      "a",
      `${Date.now()} ${JSON.stringify({ ...said, version: "1", skewMs: 0 })}`,
    );
    await store.redis.hset(
      key,
      "b",
      `${Date.now()} ${JSON.stringify({ ...said, version: "2", skewMs: -9000 })}`,
    );
    expect(await lines("versions")).toEqual([
      "warn  versions: side by side: 1, 2: finish the deploy; they understand each other meanwhile",
    ]);
    expect(await lines("clocks")).toEqual([
      "FAIL  clocks: the api h/1 is furthest off, by -9000 ms: let NTP set the clocks: leases of workers last 15 s",
    ]);
  });

  test("lanes of the ecs runtime that are shut: since when, why, and who is to mend it", async () => {
    const shut = { class: "capacity", message: "no room", sinceMs: Date.now() - 90_000 };
    await store.redis.hset(store.key(suffix.ecsLanes), {
      spot: JSON.stringify({ ...shut, circuit: false }),
      "task definitions": JSON.stringify({ ...shut, message: "AccessDenied", circuit: true }),
    });
    expect(await lines("ecs lane spot")).toEqual([
      expect.stringMatching(/^warn {2}ecs lane spot: shut for 9\ds: no room: it opens by itself/),
    ]);
    expect(await lines("ecs task definitions")).toEqual([
      expect.stringMatching(/^warn {2}ecs task definitions: shut for 9\ds: AccessDenied: nothing/),
    ]);
  });

  test("a lease that ran out", async () => {
    await store.redis.zadd(store.key(suffix.leases), Date.now() - 30_000, "gone");
    expect((await lines("leases"))[0]).toMatch(
      /^warn {2}leases: 0 Nodes alive, 1 ran out: gone \(3\ds ago\)/,
    );
  });

  test("a paused queue, jobs without worker, without Pods, and timers without objects", async () => {
    const queues = new Queues(store);
    const pod = { queue: "pods", namespace: "default", name: "nobody", uid: "u-1" };
    const pods = [pod, { ...pod, uid: "u-2" }];
    await store.commit(enqueuePods(new Txn(), pods, Date.now()));
    await store.redis.lmove(`{gantry}:q:pods:wait`, `{gantry}:q:pods:active`, "RIGHT", "LEFT");
    expect((await lines("queue pods"))[0]).toMatch(
      /^warn .*1 waiting, 1 active.*1 without the worker/,
    );
    expect((await lines("jobs"))[0]).toMatch(/^warn {2}jobs: 2 of 2 jobs on queues have no Pod/);
    await queues.pods("pods").pause();
    expect((await lines("queue pods"))[0]).toMatch(/^warn .*paused, .*resume it in Bull Board/);
    await store.redis.zadd(store.key(suffix.timers), Date.now() + 1e6, "jobs|default/nobody");
    expect((await lines("timers"))[0]).toMatch(
      /^warn {2}timers: 1 of 1 timers belong to no object/,
    );
    await queues.close();
  });
});

describe("the data directory", () => {
  test("a token that others may read", async () => {
    const dir = dataDir(root);
    bearerToken(dir.token, {});
    chmodSync(dir.token, 0o644);
    expect((await lines("files"))[0]).toBe(
      `FAIL  files: others may read ${dir.token}: chmod go= ${dir.token}, and change what others may have read`,
    );
  });

  test("certificates: one that is good, one that has run out, one that is none", async () => {
    const dir = dataDir(root);
    servingCertificate(dir.tls, "127.0.0.1", Date.now());
    expect((await lines("certificate")).map((line) => line.slice(0, 2))).toEqual(["ok", "ok"]);
    const old = makeAuthority(Date.now() - 2e9, Date.now() - 1e9);
    writeFileSync(join(dir.tls, "server.crt"), old.cert);
    writeFileSync(join(dir.tls, "ca.crt"), "nothing");
    const [expired, broken] = await lines("certificate");
    expect(expired).toMatch(/^FAIL .*server\.crt has run out: restart Gantry/);
    expect(broken).toMatch(/^FAIL .*ca\.crt can't be read/);
  });

  test("alone, without a Redis", async () => {
    const checks = await diagnose({ dataDir: root });
    expect(checks[0]).toMatchObject({ name: "redis", level: "fail" });
    expect(checks[0]?.advice).toContain("--redis");
  });
});
