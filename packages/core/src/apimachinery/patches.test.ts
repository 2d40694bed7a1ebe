import { describe, expect, it } from "vitest";
import { job } from "../schema/batch.ts";
import { pod } from "../schema/pod.ts";
import { ApiError } from "./errors.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { applyStrategicMergePatch } from "./strategic-merge-patch.ts";

const codeOf = (run: () => unknown): number | undefined => {
  try {
    run();
  } catch (error) {
    if (error instanceof ApiError) return error.code;
    throw error;
  }
  return undefined;
};

describe("merge patch (RFC 7386, appendix A)", () => {
  it.each<[target: unknown, patch: unknown, result: unknown]>([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("%j patched with %j", (target, patch, result) => {
    const before = JSON.stringify(target);
    expect(applyMergePatch(target, patch)).toEqual(result);
    expect(JSON.stringify(target)).toBe(before);
  });

  it("changes no prototype", () => {
    const patch = JSON.parse('{"__proto__":{"polluted":1},"a":1}') as unknown;
    expect(applyMergePatch({}, patch)).toEqual({ a: 1 });
  });
});

describe("JSON patch (RFC 6902)", () => {
  it.each<[string, unknown, unknown[], unknown]>([
    ["add a member", { a: 1 }, [{ op: "add", path: "/b", value: 2 }], { a: 1, b: 2 }],
    ["add an item", { l: [1, 3] }, [{ op: "add", path: "/l/1", value: 2 }], { l: [1, 2, 3] }],
    ["append", { l: [1] }, [{ op: "add", path: "/l/-", value: 2 }], { l: [1, 2] }],
    ["remove", { a: 1, b: 2 }, [{ op: "remove", path: "/a" }], { b: 2 }],
    ["remove an item", { l: [1, 2, 3] }, [{ op: "remove", path: "/l/1" }], { l: [1, 3] }],
    ["replace", { a: { b: 1 } }, [{ op: "replace", path: "/a/b", value: 2 }], { a: { b: 2 } }],
    ["replace the whole", { a: 1 }, [{ op: "replace", path: "", value: [] }], []],
    ["move", { a: { b: 1 } }, [{ op: "move", from: "/a/b", path: "/c" }], { a: {}, c: 1 }],
    ["copy", { a: [1] }, [{ op: "copy", from: "/a", path: "/b" }], { a: [1], b: [1] }],
    ["escapes", { "x/y~z": 1 }, [{ op: "replace", path: "/x~1y~0z", value: 2 }], { "x/y~z": 2 }],
    ["test", { a: { b: [1] } }, [{ op: "test", path: "/a", value: { b: [1] } }], { a: { b: [1] } }],
    ["test of nothing", {}, [{ op: "test", path: "/a", value: null }], {}],
  ])("%s", (_title, document, patch, result) => {
    const before = JSON.stringify(document);
    expect(applyJsonPatch(document, patch)).toEqual(result);
    expect(JSON.stringify(document)).toBe(before);
  });

  it.each<[string, unknown, number]>([
    ["a test that fails", [{ op: "test", path: "/a", value: 9 }], 422],
    ["a path that is not there", [{ op: "remove", path: "/nope" }], 422],
    ["a parent that is not there", [{ op: "add", path: "/nope/x", value: 1 }], 422],
    ["an index out of range", [{ op: "add", path: "/l/5", value: 1 }], 422],
    ["a move into itself", [{ op: "move", from: "/o", path: "/o/x" }], 422],
    ["an unknown operation", [{ op: "frob", path: "/a" }], 422],
    ["the prototype", [{ op: "add", path: "/__proto__", value: {} }], 422],
    ["no list", { op: "add" }, 400],
    ["too many operations", Array.from({ length: 10_001 }, () => ({})), 413],
  ])("%s is refused", (_title, patch, code) => {
    expect(codeOf(() => applyJsonPatch({ a: 1, l: [], o: {} }, patch))).toBe(code);
  });
});

describe("strategic merge patch", () => {
  const containers = (...items: object[]): object => ({
    spec: { template: { spec: { containers: items } } },
  });
  const base = containers({ name: "a", image: "x" }, { name: "b", image: "y" });
  const apply = (object: object, patch: object): unknown =>
    applyStrategicMergePatch(job, object, patch);

  it.each<[string, object, object, object]>([
    [
      "items merge by key and keep their place",
      base,
      containers({ name: "b", image: "z" }),
      containers({ name: "a", image: "x" }, { name: "b", image: "z" }),
    ],
    [
      "a new item comes first, as with Kubernetes",
      base,
      containers({ name: "c" }),
      containers({ name: "c" }, { name: "a", image: "x" }, { name: "b", image: "y" }),
    ],
    [
      "$patch: delete removes the item",
      base,
      containers({ name: "a", $patch: "delete" }),
      containers({ name: "b", image: "y" }),
    ],
    [
      "$patch: replace replaces the list",
      base,
      containers({ name: "c" }, { $patch: "replace" }),
      containers({ name: "c" }),
    ],
    [
      "nested lists by their own key",
      containers({ name: "a", ports: [{ containerPort: 80 }], env: [{ name: "A", value: "1" }] }),
      containers({
        name: "a",
        ports: [{ containerPort: 80, name: "web" }],
        env: [{ name: "A", value: "2" }],
      }),
      containers({
        name: "a",
        ports: [{ containerPort: 80, name: "web" }],
        env: [{ name: "A", value: "2" }],
      }),
    ],
    [
      "lists without a key are replaced",
      containers({ name: "a", args: ["1", "2"] }),
      containers({ name: "a", args: ["3"] }),
      containers({ name: "a", args: ["3"] }),
    ],
    [
      "null deletes, unmatched nulls vanish",
      { spec: { suspend: true } },
      { spec: { suspend: null, completions: null } },
      { spec: {} },
    ],
    [
      "nulls in what is new are dropped",
      {},
      { spec: { template: { metadata: { labels: { a: "1", b: null } } } } },
      { spec: { template: { metadata: { labels: { a: "1" } } } } },
    ],
    [
      "maps merge",
      { metadata: { labels: { a: "1", b: "2" } } },
      { metadata: { labels: { b: null, c: "3" } } },
      { metadata: { labels: { a: "1", c: "3" } } },
    ],
    [
      "$patch: replace of a map",
      { metadata: { labels: { a: "1" } } },
      { metadata: { labels: { $patch: "replace", c: "3" } } },
      { metadata: { labels: { c: "3" } } },
    ],
    [
      "sets merge and $deleteFromPrimitiveList takes away",
      { metadata: { finalizers: ["a/1", "a/2"] } },
      { metadata: { finalizers: ["a/2", "a/3"], "$deleteFromPrimitiveList/finalizers": ["a/1"] } },
      { metadata: { finalizers: ["a/2", "a/3"] } },
    ],
    [
      "$setElementOrder orders, items it does not name stay where they were",
      base,
      {
        spec: {
          template: {
            spec: {
              "$setElementOrder/containers": [{ name: "b" }, { name: "c" }],
              containers: [{ name: "c" }],
            },
          },
        },
      },
      containers({ name: "a", image: "x" }, { name: "b", image: "y" }, { name: "c" }),
    ],
    [
      "conditions by type",
      {
        status: {
          conditions: [
            { type: "A", status: "True" },
            { type: "B", status: "True" },
          ],
        },
      },
      { status: { conditions: [{ type: "B", status: "False" }] } },
      {
        status: {
          conditions: [
            { type: "A", status: "True" },
            { type: "B", status: "False" },
          ],
        },
      },
    ],
  ])("%s", (_title, object, patch, result) => {
    const before = JSON.stringify([object, patch]);
    expect(apply(object, patch)).toEqual(result);
    expect(JSON.stringify([object, patch])).toBe(before);
  });

  it("$retainKeys drops the other keys", () => {
    const object = { spec: { volumes: [{ name: "v", emptyDir: {} }] } };
    const volumes = [{ name: "v", $retainKeys: ["name", "hostPath"], hostPath: { path: "/x" } }];
    expect(applyStrategicMergePatch(pod, object, { spec: { volumes } })).toEqual({
      spec: { volumes: [{ name: "v", hostPath: { path: "/x" } }] },
    });
  });

  it.each<[string, object]>([
    ["an item without its key", containers({ image: "z" })],
    ["an unknown directive", { spec: { $patch: "frob" } }],
    ["$retainKeys that miss a key", { spec: { $retainKeys: ["template"], suspend: true } }],
  ])("%s is refused", (_title, patch) => {
    expect(codeOf(() => apply({ ...base }, patch))).toBe(400);
  });

  it("changes no prototype", () => {
    const patch = JSON.parse('{"metadata":{"labels":{"__proto__":{"x":"y"},"a":"1"}}}') as object;
    expect(apply({ metadata: { labels: {} } }, patch)).toEqual({
      metadata: { labels: { a: "1" } },
    });
  });
});
