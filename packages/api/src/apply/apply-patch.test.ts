// Server-side apply and ownership, case by case.
import { jobKind, namespaceKind, podKind } from "@gantry/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ApplyRequest, applyPatch } from "./apply-patch.ts";
import { conflictError } from "./conflict-error.ts";
import { fromFieldsV1, toFieldsV1 } from "./field-set.ts";
import type { Json } from "./shape.ts";
import { updateManagedFields } from "./update-managed-fields.ts";

const nowMs = Date.parse("2026-11-23T12:00:00Z");
const TIME = "2026-11-23T12:00:00Z";

const request = (
  live: Json | undefined,
  patch: Json,
  more: Partial<ApplyRequest> = {},
): ApplyRequest => ({
  live,
  patch: { apiVersion: "v1", kind: "Pod", ...patch },
  manager: "me",
  force: false,
  schema: podKind.schema,
  apiVersion: "v1",
  subresource: "",
  ignored: [["f:status"]],
  nowMs,
  ...more,
});

const applied = (...given: Parameters<typeof request>): Json => {
  const result = applyPatch(request(...given));
  if ("conflicts" in result) throw new Error(conflictError(result.conflicts).message);
  return result.object;
};
const refused = (...given: Parameters<typeof request>): string => {
  const result = applyPatch(request(...given));
  return "conflicts" in result ? conflictError(result.conflicts).message : "no conflict";
};
const entries = (object: Json): Json[] =>
  ((object["metadata"] as Json)["managedFields"] ?? []) as Json[];
const pod = (spec: Json, metadata: Json = {}): Json => ({
  metadata: { name: "p", ...metadata },
  spec,
});

describe("applyPatch", () => {
  it("a create owns what it names, and no more", () => {
    const object = applied(undefined, pod({ containers: [{ name: "c", image: "x" }] }));
    expect(entries(object)).toEqual([
      {
        manager: "me",
        operation: "Apply",
        apiVersion: "v1",
        time: TIME,
        fieldsType: "FieldsV1",
        fieldsV1: {
          "f:spec": {
            "f:containers": { 'k:{"name":"c"}': { ".": {}, "f:image": {}, "f:name": {} } },
          },
        },
      },
    ]);
  });

  it("what is no longer named goes, with the item that only it owned", () => {
    const first = applied(
      undefined,
      pod({
        hostname: "h",
        containers: [
          { name: "a", image: "x" },
          { name: "b", image: "y" },
        ],
      }),
    );
    const second = applied(first, pod({ containers: [{ name: "b", image: "y" }] }));
    expect(second["spec"]).toEqual({ containers: [{ name: "b", image: "y" }] });
  });

  it("what another manager owns too stays", () => {
    const first = applied(undefined, pod({ hostname: "h", subdomain: "s" }));
    const shared = applied(first, pod({ hostname: "h" }), { manager: "you" });
    const second = applied(shared, pod({ schedulerName: "x" }));
    expect(second["spec"]).toEqual({ hostname: "h", schedulerName: "x" });
  });

  it("what nobody owns stays below a part that is still named", () => {
    const first = applied(
      undefined,
      pod({ containers: [{ name: "c", image: "x", workingDir: "/" }] }),
    );
    const spec = first["spec"] as { containers: Json[] };
    const defaulted = { ...first, spec: { containers: [{ ...spec.containers[0], tty: true }] } };
    const second = applied(defaulted, pod({ containers: [{ name: "c", image: "x" }] }));
    expect(second["spec"]).toEqual({ containers: [{ name: "c", image: "x", tty: true }] });
  });

  it("another value for another's field is a conflict; the same value is shared", () => {
    const first = applied(undefined, pod({ hostname: "h" }));
    expect(refused(first, pod({ hostname: "i" }), { manager: "you" })).toBe(
      'Apply failed with 1 conflict: conflict with "me": .spec.hostname',
    );
    const shared = applied(first, pod({ hostname: "h" }), { manager: "you" });
    expect(entries(shared).map(({ manager }) => manager)).toEqual(["you", "me"]);
  });

  it("several conflicts are listed by manager", () => {
    const first = applied(
      undefined,
      pod({ hostname: "h", containers: [{ name: "c", image: "x" }] }),
    );
    const second = applied(first, pod({ subdomain: "s" }), { manager: "him" });
    const patch = pod({ hostname: "i", subdomain: "t", containers: [{ name: "c", image: "y" }] });
    expect(refused(second, patch, { manager: "you" })).toBe(
      "Apply failed with 3 conflicts: " +
        'conflicts with "him":\n- .spec.subdomain\n' +
        'conflicts with "me":\n- .spec.hostname\n- .spec.containers[name="c"].image',
    );
  });

  it("force takes the field over", () => {
    const first = applied(undefined, pod({ hostname: "h", subdomain: "s" }));
    const taken = applied(first, pod({ hostname: "i" }), { manager: "you", force: true });
    expect(taken["spec"]).toEqual({ hostname: "i", subdomain: "s" });
    const mine = entries(taken).find(({ manager }) => manager === "me");
    expect(mine?.["fieldsV1"]).toEqual({ "f:spec": { "f:subdomain": {} } });
  });

  it("an apply that changes nothing leaves the time alone", () => {
    const first = applied(undefined, pod({ hostname: "h" }));
    const again = applyPatch(request(first, pod({ hostname: "h" }), { nowMs: nowMs + 60_000 }));
    expect(again).toEqual({ object: first, changed: false });
  });

  it("items live first come first; applied ones keep their order", () => {
    const first = applied(
      undefined,
      pod({ containers: [{ name: "a" }, { name: "b" }, { name: "c" }] }),
    );
    const second = applied(
      first,
      pod({ containers: [{ name: "x" }, { name: "c" }, { name: "b" }] }),
      {
        manager: "you",
      },
    );
    const { containers } = second["spec"] as { containers: Json[] };
    expect(containers.map(({ name }) => name)).toEqual(["a", "x", "c", "b"]);
  });

  it("ports are told apart by port and protocol, which is TCP when left out", () => {
    const ports = (list: Json[]) => pod({ containers: [{ name: "c", ports: list }] });
    const first = applied(undefined, ports([{ containerPort: 53 }]));
    const stored = structuredClone(first) as { spec: { containers: { ports: Json[] }[] } };
    stored.spec.containers[0]!.ports[0]!["protocol"] = "TCP";
    const second = applied(
      stored as unknown as Json,
      ports([
        { containerPort: 53, name: "dns" },
        { containerPort: 53, protocol: "UDP" },
      ]),
    );
    const { containers } = second["spec"] as { containers: { ports: Json[] }[] };
    expect(containers[0]?.ports).toEqual([
      { containerPort: 53, protocol: "TCP", name: "dns" },
      { containerPort: 53, protocol: "UDP" },
    ]);
  });

  it("finalizers are a set, each owned for itself", () => {
    const meta = (finalizers: string[]) => ({ metadata: { name: "n", finalizers } });
    const first = applied(undefined, meta(["a", "b"]));
    const both = applied(first, meta(["c"]), { manager: "you" });
    const second = applied(both, meta(["b"]));
    expect((second["metadata"] as Json)["finalizers"]).toEqual(["b", "c"]);
  });

  it("selectors are owned whole", () => {
    const spec = (matchLabels: Json) => ({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "j" },
      spec: { selector: { matchLabels } },
    });
    const job = { schema: jobKind.schema, apiVersion: "batch/v1" };
    const first = applied(undefined, spec({ a: "b" }), job);
    expect(refused(first, spec({ c: "d" }), { ...job, manager: "you" })).toContain(
      ".spec.selector",
    );
    const next = applied(first, spec({ c: "d" }), job);
    expect(next["spec"]).toEqual({ selector: { matchLabels: { c: "d" } } });
  });

  it("an object that nobody owns belongs to whoever came before the first apply", () => {
    const live = { apiVersion: "v1", kind: "Pod", ...pod({ hostname: "h" }) };
    expect(refused(live, pod({ hostname: "i" }))).toBe(
      'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .spec.hostname',
    );
  });

  it("the fields that an endpoint does not write are nobody's", () => {
    const object = applied(undefined, { ...pod({}), status: { phase: "Running" } });
    expect(JSON.stringify(entries(object))).not.toContain("status");
  });

  it("what it is given stays as it was", () => {
    const live = Object.freeze(
      applied(undefined, pod({ hostname: "h", containers: [{ name: "a" }] })),
    );
    const text = JSON.stringify(live);
    applied(live, pod({ containers: [{ name: "b" }] }));
    expect(JSON.stringify(live)).toBe(text);
  });

  it("applying the result of an apply changes nothing, whatever was applied", () => {
    const name = fc.constantFrom("a", "b", "c");
    const spec = fc.record(
      {
        hostname: fc.string({ maxLength: 3 }),
        nodeSelector: fc.dictionary(name, name, { maxKeys: 2 }),
        containers: fc.uniqueArray(
          fc.record(
            { name, image: name, args: fc.array(name, { maxLength: 2 }) },
            { requiredKeys: ["name"] },
          ),
          { selector: (item) => item.name, maxLength: 3 },
        ),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(spec, fc.constantFrom("x", "y")), { minLength: 1, maxLength: 5 }),
        (steps) => {
          let object: Json | undefined;
          for (const [each, manager] of steps) {
            object = applied(object, pod(each), { manager, force: true });
            const again = applyPatch(request(object, pod(each), { manager, force: true }));
            expect(again).toEqual({ object, changed: false });
          }
        },
      ),
    );
  });
});

describe("updateManagedFields", () => {
  const namespace = (labels: Json, managedFields?: Json[]): Json => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "n", labels, ...(managedFields === undefined ? {} : { managedFields }) },
  });
  const update = (live: Json | undefined, next: Json, manager = "me", more: object = {}): Json[] =>
    updateManagedFields({
      live,
      next,
      manager,
      schema: namespaceKind.schema,
      apiVersion: "v1",
      subresource: "",
      ignored: [["f:status"]],
      nowMs,
      ...more,
    });

  it("whoever changes a field owns it; the time moves only then", () => {
    const first = namespace({ a: "1", b: "1" }, update(undefined, namespace({ a: "1", b: "1" })));
    const second = update(first, namespace({ a: "1", b: "2" }), "you", { nowMs: nowMs + 5_000 });
    expect(second).toEqual([
      expect.objectContaining({
        manager: "me",
        time: TIME,
        fieldsV1: { "f:metadata": { "f:labels": { ".": {}, "f:a": {} } } },
      }),
      expect.objectContaining({
        manager: "you",
        time: "2026-11-23T12:00:05Z",
        fieldsV1: { "f:metadata": { "f:labels": { "f:b": {} } } },
      }),
    ]);
  });

  it("an object without owners stays without", () => {
    expect(update(namespace({}), namespace({ a: "1" }))).toEqual([]);
  });

  it("[{}] takes all ownership away", () => {
    const first = namespace({ a: "1" }, update(undefined, namespace({ a: "1" })));
    expect(update(first, namespace({ a: "2" }, [{}]))).toEqual([]);
  });

  it("entries that make no sense are as good as none", () => {
    const first = namespace({ a: "1" }, update(undefined, namespace({ a: "1" })));
    const next = namespace({ a: "1" }, [
      { manager: "x", operation: "Nonsense", fieldsV1: [] as never },
    ]);
    expect(update(first, next)).toEqual(entries(first));
  });

  it("beyond ten updaters the oldest become one", () => {
    let object = namespace({}, update(undefined, namespace({ l: "x" }), "m0"));
    for (let n = 1; n <= 12; n++) {
      const labels = Object.fromEntries(Array.from({ length: n }, (_, i) => [`l${i}`, "x"]));
      const fields = update(object, namespace(labels), `m${n}`, { nowMs: nowMs + n * 1000 });
      object = namespace(labels, fields);
    }
    const names = entries(object).map(({ manager }) => manager);
    expect(names).toHaveLength(10);
    expect(names[0]).toBe("ancient-changes");
    expect(names.at(-1)).toBe("m12");
  });
});

describe("FieldsV1", () => {
  it.each([
    {
      "f:a": {},
      "f:b": { ".": {}, "f:c": {} },
      'k:{"name":"x"}': { ".": {}, "f:name": {} },
      'v:"y"': {},
    },
    { "f:a": { "f:b": { "f:c": {} } } },
    {},
  ])("reads back as it was written: %j", (fields) => {
    expect(toFieldsV1(fromFieldsV1(fields)!)).toEqual(fields);
  });

  it.each([null, [], "x", { "x:a": {} }, { "f:a": 1 }, { "f:a": { b: {} } }])(
    "refuses %j",
    (fields) => {
      expect(fromFieldsV1(fields)).toBeUndefined();
    },
  );
});
