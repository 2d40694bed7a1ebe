// Which formats of a store are read, which are brought up, and which are refused.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newJob, type WireJob } from "@gantry/core";
import { FORMAT, storedMinor, StoreVersionError } from "../src/format.ts";
import { suffix } from "../src/keys.ts";
import { encodePod } from "../src/pod-codec.ts";
import { members, openPresence } from "../src/presence.ts";
import { Store } from "../src/store.ts";
import { Txn } from "../src/txn.ts";
import { createObject, removeObject, updateObject, writePod } from "../src/writes.ts";
import { startRedis, type TestRedis } from "../testing/redis-server.ts";
import { waitFor } from "../testing/wait-for.ts";
import { podRecord } from "./pods.ts";

let server: TestRedis;
let cells = 0;
let store: Store;
let opened: Store[];

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  cells += 1;
  opened = [];
  store = another();
});
afterEach(async () => {
  await Promise.all(opened.map((one) => one.close()));
});

/** A further process on the same cell. */
const another = (): Store => {
  const one = new Store({ connection: { url: server.url }, cell: `f${cells}` });
  opened.push(one);
  return one;
};

const log = { warn: () => {} };

const job = (name: string, finished = false) => {
  const manifest: WireJob = {
    metadata: { name, namespace: "default" },
    spec: {
      template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } },
    },
  };
  const made = newJob(manifest, `uid-${name}`, 1_795_000_000_000);
  const conditions = [{ type: "Complete", status: "True" }];
  return finished ? { ...made, status: { ...made.status, conditions } } : made;
};

/** A cell as format 1.0 wrote it: objects, their index and stream, and no index of unfinished Jobs. */
const writeFirstFormat = async (unfinished: number, finished: number): Promise<void> => {
  const { redis } = store;
  await redis.hset(store.key(suffix.meta), "format", "1", "runId", "elsewhere");
  let rv = 1;
  const write = async (name: string, done: boolean): Promise<void> => {
    rv += 1;
    const key = `default/${name}`;
    const body = JSON.stringify(job(name, done));
    await redis.hset(store.key("o:jobs"), key, `${rv} ${body}`);
    await redis.zadd(store.key("i:jobs"), 0, key);
    await redis.xadd(store.key("w:jobs"), `${rv}-0`, "t", "A", "k", key, "b", body);
  };
  for (let n = 0; n < unfinished; n++) await write(`open-${n}`, false);
  for (let n = 0; n < finished; n++) await write(`done-${n}`, true);
  const pod = podRecord("pi-abcde", { job: { name: "open-0", uid: "uid-open-0" } });
  rv += 1;
  await redis.hset(store.key("o:pods"), "default/pi-abcde", `${rv} ${encodePod(pod)}`);
  await redis.zadd(store.key("i:pods"), 0, "default/pi-abcde");
  await redis.sadd(store.key("live:uid-open-0"), "pi-abcde");
  await redis.set(store.key("rv"), rv);
};

const unfinishedKeys = async (): Promise<string[]> =>
  (await store.redis.smembers(store.key(suffix.unfinished))).sort();

describe("a store of an older minor", () => {
  test("is read, and gets the index that it lacks", async () => {
    await writeFirstFormat(3, 2);
    await store.open();
    expect(await storedMinor(store)).toBe(FORMAT.minor);
    expect(await unfinishedKeys()).toEqual(["default/open-0", "default/open-1", "default/open-2"]);
    expect((await store.listAll("jobs")).items).toHaveLength(5);
    const pod = await store.get("pods", "default/pi-abcde");
    expect(pod?.value.job?.name).toBe("open-0");
  });

  test("is brought up once by many that open it at once, while Jobs finish and come", async () => {
    await writeFirstFormat(40, 0);
    const writer = another();
    const change = async (n: number): Promise<void> => {
      const key = `default/open-${n}`;
      const before = await writer.get("jobs", key);
      if (before === null) throw new Error(key);
      const txn = new Txn();
      if (n % 2 === 0) updateObject(txn, "jobs", before, job(`open-${n}`, true));
      else removeObject(txn, "jobs", before);
      createObject(txn, "jobs", job(`new-${n}`), 0);
      expect((await writer.commit(txn)).ok).toBe(true);
    };
    await Promise.all([
      ...Array.from({ length: 5 }, () => another().open()),
      ...Array.from({ length: 20 }, (_, n) => change(n)),
    ]);
    const expected = [
      ...Array.from({ length: 20 }, (_, n) => `default/new-${n}`),
      ...Array.from({ length: 20 }, (_, n) => `default/open-${n + 20}`),
    ];
    expect(await unfinishedKeys()).toEqual(expected.sort());
    expect(await store.redis.exists(store.key(suffix.migration))).toBe(0);
  });

  test("whose migration died is gone on with when its lock has run out", async () => {
    await writeFirstFormat(1, 0);
    await store.redis.set(store.key(suffix.migration), "dead", "PX", 300);
    await store.open();
    expect(await unfinishedKeys()).toEqual(["default/open-0"]);
  });
});

describe("a store of a newer minor", () => {
  test("is opened, and keeps its mark", async () => {
    await store.open();
    await store.redis.hset(store.key(suffix.meta), "formatMinor", "7");
    await another().open();
    expect(await storedMinor(store)).toBe(7);
  });

  test("keeps what it says of a Pod and this format does not know", async () => {
    await store.open();
    const cells = JSON.parse(encodePod(podRecord("pi-abcde"))) as unknown[];
    while (cells.length < 26) cells.push(0);
    const text = JSON.stringify([...cells, "later", { more: true }]);
    await store.redis.hset(store.key("o:pods"), "default/pi-abcde", `1 ${text}`);
    const pod = await store.get("pods", "default/pi-abcde");
    if (pod === null) throw new Error("no Pod");
    const txn = new Txn();
    writePod(txn, pod, { ...pod.value, phase: "Running", node: "n" });
    expect((await store.commit(txn)).ok).toBe(true);
    const after = (await store.redis.hget(store.key("o:pods"), "default/pi-abcde")) ?? "";
    expect((JSON.parse(after.slice(after.indexOf(" "))) as unknown[]).slice(26)).toEqual([
      "later",
      { more: true },
    ]);
  });
});

describe("a store of a newer major", () => {
  test("is refused, and not touched", async () => {
    await store.redis.hset(store.key(suffix.meta), "format", "2", "formatMinor", "3");
    await expect(store.open()).rejects.toThrow(StoreVersionError);
    await expect(store.open()).rejects.toThrow(/the store has format 2, .* upgrade this Gantry/);
    expect(await store.redis.hgetall(store.key(suffix.meta))).toEqual({
      format: "2",
      formatMinor: "3",
    });
    expect(await store.redis.keys(`${store.prefix}*`)).toEqual([store.key(suffix.meta)]);
  });
});

test("a process of the first format goes on beside this one", async () => {
  await store.open();
  // What its opening did: HSET format 1, unless the store's was newer.
  expect(Number(await store.redis.hget(store.key(suffix.meta), "format"))).toBeLessThanOrEqual(1);
  await store.redis.hset(store.key(suffix.meta), "format", "1");
  expect(await store.open()).toEqual({ moved: false });
  expect(await storedMinor(store)).toBe(FORMAT.minor);
});

describe("the list of processes", () => {
  const told = { role: "scheduler", version: "1.2.3", log, onIncompatible: () => {} } as const;

  test("shows who is there, with the formats and the clock of each, until it leaves", async () => {
    await store.open();
    const presence = await openPresence(store, told);
    const { members: found, serverMs } = await members(another());
    expect(found).toMatchObject([
      {
        role: "scheduler",
        version: "1.2.3",
        pid: process.pid,
        format: `${FORMAT.major}.${FORMAT.minor}`,
      },
    ]);
    expect(Math.abs(found[0]?.skewMs ?? 1e9)).toBeLessThan(5_000);
    expect(serverMs - (found[0]?.seenAtMs ?? 0)).toBeLessThan(5_000);
    await presence.close();
    expect((await members(store)).members).toEqual([]);
  });

  test("forgets who was silent for a minute, and what is no entry", async () => {
    await store.open();
    const key = store.key(suffix.members);
    await store.redis.hset(key, "dead", `${Date.now() - 120_000} {"role":"api"}`, "junk", "x");
    expect((await members(store)).members).toEqual([]);
    const presence = await openPresence(store, told);
    expect(await store.redis.hlen(key)).toBe(1);
    await presence.close();
  });

  test("a process learns that a newer Gantry took the store", { timeout: 30_000 }, async () => {
    await store.open();
    let refused: Error | undefined;
    const presence = await openPresence(store, {
      ...told,
      onIncompatible: (error) => {
        refused = error;
      },
    });
    await store.redis.hset(store.key(suffix.meta), "format", "2");
    await waitFor("the process to notice", () => refused, 20_000);
    expect(refused).toBeInstanceOf(StoreVersionError);
    await presence.close();
  });
});

describe("a watch is not resumed over what nobody knows any more", () => {
  test("of a stream that was emptied", async () => {
    await store.open();
    const txn = new Txn();
    createObject(txn, "jobs", job("a"), 0);
    await store.commit(txn);
    const rv = await store.revision();
    await store.redis.xtrim(store.key(suffix.watch("jobs")), "MAXLEN", 0);
    await expect(store.assertResumable("jobs", "1")).rejects.toThrow("too old resource version");
    await store.assertResumable("jobs", rv);
  });
});
