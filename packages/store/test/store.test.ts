import type { PodRecord } from "@gantry/core";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startRedis, type TestRedis } from "../testing/redis-server.ts";
import { suffix } from "../src/keys.ts";
import { encodePod } from "../src/pod-codec.ts";
import type { StoredObject } from "../src/objects.ts";
import { StoreVersionError } from "../src/format.ts";
import { ExpiredRevisionError, Store } from "../src/store.ts";
import { type CommitResult, Txn } from "../src/txn.ts";
import { type WatchChange, WatchHub } from "../src/watch.ts";
import { createObject, createPod, removeObject, updateObject, writePod } from "../src/writes.ts";
import { podRecord } from "./pods.ts";

let server: TestRedis;
let store: Store;
let cell = 0;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  cell += 1;
  store = new Store({ connection: { url: server.url }, cell: `t${cell}` });
  await store.open();
});
afterEach(() => store.close());

const configMap = (name: string, data = "", namespace = "default"): StoredObject => ({
  kind: "ConfigMap",
  apiVersion: "v1",
  metadata: { name, namespace, uid: `uid-${name}`, creationTimestamp: "2026-11-23T00:00:00Z" },
  data: { value: data },
});

const create = (object: StoredObject): Promise<CommitResult> => {
  const txn = new Txn();
  createObject(txn, "configmaps", object, 0);
  return store.commit(txn);
};

const collect = async (
  hub: WatchHub,
  after: string,
): Promise<{ changes: WatchChange[]; reached: (rv: string) => Promise<void>; close(): void }> => {
  const changes: WatchChange[] = [];
  let wanted: { rv: string; resolve: () => void } | undefined;
  const look = (): void => {
    if (wanted !== undefined && changes.some((change) => change.rv === wanted?.rv)) {
      wanted.resolve();
    }
  };
  const subscription = await hub.subscribe("configmaps", after, (some) => {
    changes.push(...some);
    look();
  });
  return {
    changes,
    reached: (rv) =>
      new Promise((resolve) => {
        wanted = { rv, resolve };
        look();
      }),
    close: () => subscription.close(),
  };
};

describe("a transaction", () => {
  test("creates once: the second creation is refused and changes nothing", async () => {
    const first = await create(configMap("a", "1"));
    expect(first.ok).toBe(true);
    expect(await create(configMap("a", "2"))).toEqual({ ok: false, reason: "exists", at: 0 });
    expect((await store.get("configmaps", "default/a"))?.value["data"]).toEqual({ value: "1" });
  });

  test("applies whole or not at all", async () => {
    await create(configMap("a"));
    const txn = new Txn();
    createObject(txn, "configmaps", configMap("b"), 0);
    txn.add("some-set", "member");
    createObject(txn, "configmaps", configMap("a"), 0);
    expect((await store.commit(txn)).ok).toBe(false);
    expect(await store.get("configmaps", "default/b")).toBeNull();
    expect(await store.redis.exists(store.key("some-set"))).toBe(0);
  });

  test("of two from one snapshot exactly one wins", async () => {
    await create(configMap("a"));
    const before = await store.get("configmaps", "default/a");
    if (before === null) throw new Error("missing");
    const other = new Store({ connection: { url: server.url }, cell: `t${cell}` });
    const results = await Promise.all(
      [store, other].map((one, n) => {
        const txn = new Txn();
        updateObject(txn, "configmaps", before, { ...before.value, data: { value: `${n}` } });
        return one.commit(txn);
      }),
    );
    await other.close();
    expect(results.filter((result) => result.ok)).toHaveLength(1);
    expect(results.find((result) => !result.ok)).toMatchObject({ reason: "stale" });
  });

  test("many committed at once each get their own outcome", async () => {
    const results = await Promise.all(
      Array.from({ length: 500 }, (_, n) => create(configMap(`c${n % 250}`))),
    );
    expect(results.filter((result) => result.ok)).toHaveLength(250);
    expect((await store.listAll("configmaps")).items).toHaveLength(250);
  });

  test("clears a dirty mark only if no wake-up came meanwhile", async () => {
    await store.commit(new Txn().dirty("jobs|default/a"));
    await store.commit(new Txn().dirty("jobs|default/a"));
    await store.commit(new Txn().clean("jobs|default/a", "1"));
    expect(await store.redis.hgetall(store.key(suffix.dirty))).toEqual({ "jobs|default/a": "2" });
    await store.commit(new Txn().clean("jobs|default/a", "2"));
    expect(await store.redis.hgetall(store.key(suffix.dirty))).toEqual({});
  });
});

describe("the indexes of Pods", () => {
  const live = (uid: string): Promise<string[]> =>
    store.redis.smembers(store.key(suffix.live(uid)));

  test("follow a Pod from its creation to its removal", async () => {
    const pod = podRecord("pi-abcde");
    const uid = pod.job?.uid ?? "";
    const key = "default/pi-abcde";
    const read = async () => {
      const found = await store.get("pods", key);
      if (found === null) throw new Error("missing");
      return found;
    };
    let txn = new Txn();
    createPod(txn, pod);
    await store.commit(txn);
    expect(await live(uid)).toEqual(["pi-abcde"]);

    txn = new Txn();
    writePod(txn, await read(), { ...pod, node: "n", phase: "Running" });
    await store.commit(txn);
    expect(await store.redis.smembers(store.key(suffix.nodePods("n")))).toEqual([key]);

    txn = new Txn();
    writePod(txn, await read(), { ...pod, node: "n", phase: "Succeeded" });
    await store.commit(txn);
    expect(await live(uid)).toEqual(["pi-abcde"]);
    expect(await store.redis.exists(store.key(suffix.nodePods("n")))).toBe(0);

    txn = new Txn();
    writePod(txn, await read(), { ...pod, node: "n", phase: "Succeeded", tracked: false });
    await store.commit(txn);
    expect(await live(uid)).toEqual([]);
    expect(await store.redis.lrange(store.key(suffix.settled), 0, -1)).toEqual([key]);

    txn = new Txn();
    const deletion = { requestedAtMs: pod.createdAtMs, graceSeconds: 0 };
    const gone = writePod(txn, await read(), {
      ...pod,
      node: "n",
      phase: "Succeeded",
      tracked: false,
      deletion,
    });
    await store.commit(txn);
    expect(gone).toBe(true);
    expect(await store.get("pods", key)).toBeNull();
  });
});

describe("reads", () => {
  test("page in key order without gaps or repeats, by namespace", async () => {
    for (const namespace of ["a", "ab", "b"]) {
      for (let n = 0; n < 7; n++) await create(configMap(`x${n}`, "", namespace));
    }
    const seen: string[] = [];
    let after: string | undefined;
    for (;;) {
      const page = await store.page("configmaps", {
        namespace: "a",
        limit: 3,
        ...(after === undefined ? {} : { after }),
      });
      seen.push(...page.items.map((item) => item.key));
      if (!page.more) break;
      after = page.last;
    }
    expect(seen).toEqual(Array.from({ length: 7 }, (_, n) => `a/x${n}`));
  });

  test("listAll shows one revision, though objects change while it reads", async () => {
    const names = Array.from({ length: 2_500 }, (_, n) => `o${String(n).padStart(5, "0")}`);
    await Promise.all(names.map((name) => create(configMap(name, "0"))));
    let stop = false;
    const writer = (async () => {
      for (let round = 1; !stop; round++) {
        const key = `default/${names[(round * 37) % names.length]}`;
        const before = await store.get("configmaps", key);
        const txn = new Txn();
        if (before === null) continue;
        if (round % 3 === 0) removeObject(txn, "configmaps", before);
        else
          updateObject(txn, "configmaps", before, { ...before.value, data: { value: `${round}` } });
        await store.commit(txn);
      }
    })();
    const lists = [];
    for (let n = 0; n < 5; n++) lists.push(await store.listAll("configmaps"));
    stop = true;
    await writer;
    // What the watch stream says was there at each list's revision.
    const entries = await store.redis.xrange(store.key(suffix.watch("configmaps")), "-", "+");
    for (const list of lists) {
      const model = new Map<string, string>();
      for (const [id, [, type, , key = ""]] of entries) {
        const rv = id.slice(0, -2);
        if (Number(rv) > Number(list.rv)) break;
        if (type === "D") model.delete(key);
        else model.set(key, rv);
      }
      expect(new Map(list.items.map((item) => [item.key, item.rv]))).toEqual(model);
    }
  });

  test("a malformed record is reported and left out; others are not affected", async () => {
    await create(configMap("good"));
    await create(configMap("bad"));
    await store.redis.hset(store.key(suffix.objects("configmaps")), "default/bad", "9 {oops");
    const reported: unknown[] = [];
    store.onMalformed = (error) => reported.push(error);
    const { items } = await store.listAll("configmaps");
    expect(items.map((item) => item.key)).toEqual(["default/good"]);
    expect(String(reported[0])).toContain("configmaps default/bad is malformed");
    await expect(store.get("configmaps", "default/bad")).rejects.toThrow("malformed");
  });

  test.each([
    ["null", "the object"],
    [`{"metadata":{"uid":"u"}}`, "metadata.name"],
    [`{"metadata":{"name":"j","uid":"u","namespace":"default"}}`, "spec"],
    [`{"metadata":{"name":"j","uid":"u","namespace":"default"},"spec":{}}`, "spec.template"],
    [
      `{"metadata":{"name":"j","uid":"u","namespace":"default","ownerReferences":[null]},
        "spec":{"template":{}},"status":{}}`,
      "metadata.ownerReferences",
    ],
    [
      `{"metadata":{"name":"j","uid":"u","namespace":"default"},
        "spec":{"template":{}},"status":{"conditions":"x"}}`,
      "status.conditions",
    ],
  ])("a Job stored as %s is malformed too", async (body, field) => {
    await create(configMap("good"));
    await store.redis.hset(store.key(suffix.objects("jobs")), "default/j", `9 ${body}`);
    await store.redis.zadd(store.key(suffix.index("jobs")), 0, "default/j");
    const reported: unknown[] = [];
    store.onMalformed = (error) => reported.push(error);
    expect((await store.listAll("jobs")).items).toEqual([]);
    expect(reported).toMatchObject([
      {
        message: "stored jobs default/j is malformed",
        cause: { message: `${field} is missing or of another type` },
      },
    ]);
  });

  test.each([
    [{ conditions: [null] }, "conditions"],
    [{ meta: { finalizers: 7 } }, "meta.finalizers"],
    [{ meta: { ownerReferences: "x" } }, "meta.ownerReferences"],
    [{ spec: { containers: "x" } }, "spec.containers"],
  ])("and a Pod stored with %j", async (broken, field) => {
    const pod = podRecord("p", broken as unknown as Partial<PodRecord>);
    const hash = store.key(suffix.objects("pods"));
    await store.redis.hset(hash, "default/p", `9 ${encodePod(pod)}`);
    await expect(store.get("pods", "default/p")).rejects.toMatchObject({
      message: "stored pods default/p is malformed",
      cause: { message: `${field} is missing or of another type` },
    });
  });
});

describe("a watch", () => {
  test("sees every change after its revision once and in order, however it joins", async () => {
    const hub = new WatchHub(store);
    const start = await store.revision();
    const early = await collect(hub, start);
    for (let n = 0; n < 30; n++) await create(configMap(`e${n}`));
    const writes = Promise.all(Array.from({ length: 300 }, (_, n) => create(configMap(`m${n}`))));
    const late = await collect(hub, start);
    await writes;
    const last = await create(configMap("last"));
    const rv = last.ok ? (last.rvs[0] ?? "") : "";
    await Promise.all([early.reached(rv), late.reached(rv)]);
    for (const { changes } of [early, late]) {
      const rvs = changes.map((change) => Number(change.rv));
      expect(rvs).toEqual([...new Set(rvs)].toSorted((a, b) => a - b));
      expect(changes).toHaveLength(331);
    }
    hub.close();
  });

  test("of a revision whose changes were trimmed is refused", async () => {
    const small = new Store({
      connection: { url: server.url },
      cell: `t${cell}`,
      watchLength: 100,
    });
    const start = await small.revision();
    for (let round = 0; round < 20; round++) {
      await Promise.all(
        Array.from({ length: 50 }, (_, n) => {
          const txn = new Txn();
          createObject(txn, "configmaps", configMap(`r${round}x${n}`), 0);
          return small.commit(txn);
        }),
      );
    }
    const hub = new WatchHub(small);
    await expect(hub.subscribe("configmaps", start, () => {})).rejects.toThrow(
      ExpiredRevisionError,
    );
    await expect(
      hub.subscribe("configmaps", await small.revision(), () => {}),
    ).resolves.toBeDefined();
    hub.close();
    await small.close();
  });
});

describe("opening a cell", () => {
  test("of a newer format is refused", async () => {
    await store.redis.hset(store.key(suffix.meta), "format", "99");
    await expect(store.open()).rejects.toThrow(StoreVersionError);
  });

  test("after a restart of the server leaps the revision, and old watches list again", async () => {
    const before = await store.revision();
    await store.redis.hset(store.key(suffix.meta), "runId", "another-run");
    await store.open();
    expect(Number(await store.revision())).toBeGreaterThan(Number(before) + 999_999);
    await expect(store.assertResumable("configmaps", before)).rejects.toThrow(ExpiredRevisionError);
    await store.assertResumable("configmaps", await store.revision());
  });
});

describe("the transaction script against a model", () => {
  type Command =
    | { kind: "create"; key: string; value: string }
    | { kind: "update"; key: string; expected: "right" | "wrong" | "any"; value: string }
    | { kind: "delete"; key: string; expected: "right" | "wrong" | "any" }
    | { kind: "check"; key: string; expected: "right" | "absent" };
  const key = fc.constantFrom("default/a", "default/b", "other/c");
  const expected = fc.constantFrom<("right" | "wrong" | "any")[]>("right", "wrong", "any");
  const command: fc.Arbitrary<Command> = fc.oneof(
    fc.record({ kind: fc.constant("create" as const), key, value: fc.string() }),
    fc.record({ kind: fc.constant("update" as const), key, expected, value: fc.string() }),
    fc.record({ kind: fc.constant("delete" as const), key, expected }),
    fc.record({
      kind: fc.constant("check" as const),
      key,
      expected: fc.constantFrom<("right" | "absent")[]>("right", "absent"),
    }),
  );

  interface Model {
    revision: number;
    objects: Map<string, { rv: number; body: string }>;
  }

  const right = (model: Model, k: string): string => String(model.objects.get(k)?.rv ?? 999_999);

  /** What the script promises, in twenty lines. Operations of one transaction touch distinct keys. */
  const apply = (
    model: Model,
    commands: readonly Command[],
  ): "ok" | "exists" | "missing" | "stale" => {
    for (const one of commands) {
      const found = model.objects.get(one.key);
      const absent = one.kind === "create" || one.expected === "absent";
      if (absent && found !== undefined) return "exists";
      if (!absent && found === undefined) return "missing";
      if (one.kind !== "create" && one.expected === "wrong") return "stale";
    }
    for (const one of commands) {
      if (one.kind === "check") continue;
      model.revision += 1;
      if (one.kind === "delete") model.objects.delete(one.key);
      else model.objects.set(one.key, { rv: model.revision, body: JSON.stringify(one.value) });
    }
    return "ok";
  };

  const toTxn = (model: Model, commands: readonly Command[]): Txn => {
    const txn = new Txn();
    for (const one of commands) {
      if (one.kind === "create") txn.create("configmaps", one.key, JSON.stringify(one.value));
      else if (one.kind === "check" && one.expected === "absent")
        txn.checkAbsent("configmaps", one.key);
      else {
        const want =
          one.expected === "right" ? right(model, one.key) : one.expected === "wrong" ? "0" : "any";
        if (one.kind === "update")
          txn.update("configmaps", one.key, want, JSON.stringify(one.value));
        else if (one.kind === "delete") txn.delete("configmaps", one.key, want);
        else txn.check("configmaps", one.key, want);
      }
    }
    return txn;
  };

  test("gives the model's outcomes, objects, index and watch stream for any sequence", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uniqueArray(command, { selector: (c) => c.key, maxLength: 3, minLength: 1 }), {
          maxLength: 25,
        }),
        async (transactions) => {
          run += 1;
          const one = new Store({ connection: { url: server.url }, cell: `m${cell}-${run}` });
          await one.open();
          const model: Model = { revision: Number(await one.revision()), objects: new Map() };
          for (const commands of transactions) {
            const result = await one.commit(toTxn(model, commands));
            expect(result.ok ? "ok" : result.reason).toBe(apply(model, commands));
          }
          const stored = await one.redis.hgetall(one.key(suffix.objects("configmaps")));
          expect(stored).toEqual(
            Object.fromEntries([...model.objects].map(([k, v]) => [k, `${v.rv} ${v.body}`])),
          );
          expect((await one.keys("configmaps")).toSorted()).toEqual(
            [...model.objects.keys()].toSorted(),
          );
          expect(Number(await one.revision())).toBe(model.revision);
          await one.redis.quit();
        },
      ),
      { numRuns: 150 },
    );
  });
});
