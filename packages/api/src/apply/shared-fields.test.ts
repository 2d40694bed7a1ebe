// managedFields as they are stored, and the short way to those of a new object.
import { jobKind, podKind, secretKind } from "@gantry/core";
import { assert, property, constantFrom, dictionary, jsonValue, record, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { writeManagers } from "./managers.ts";
import { packManagedFields, unpackManagedFields } from "./shared-fields.ts";
import type { Json } from "./shape.ts";
import { updatedManagers, updateManagedFields } from "./update-managed-fields.ts";

const entry = (fieldsV1: object, more: object = {}): Json => ({
  manager: "kubectl",
  operation: "Update",
  apiVersion: "batch/v1",
  time: "2026-01-01T00:00:00Z",
  fieldsType: "FieldsV1",
  fieldsV1,
  ...more,
});

describe("stored managedFields", () => {
  test("fields are one string, in which quotes need no escape", () => {
    const packed = packManagedFields([entry({ "f:spec": { 'k:{"name":"c"}': { ".": {} } } })]);
    expect(packed).toEqual([
      {
        manager: "kubectl",
        operation: "Update",
        apiVersion: "batch/v1",
        time: "2026-01-01T00:00:00Z",
        fieldsV1: "{'f:spec':{'k:{\\'name\\':\\'c\\'}':{'.':{}}}}",
      },
    ]);
  });

  test("what was packed comes back the same, whatever its names are", () => {
    assert(
      property(
        dictionary(
          string({ unit: constantFrom('"', "'", "\\", "a", "é") }),
          constantFrom({}, { ".": {} }),
        ),
        (fields) => {
          const entries = [entry(fields, { subresource: "status" }), entry(fields)];
          expect(unpackManagedFields(packManagedFields(entries))).toEqual(entries);
        },
      ),
    );
  });

  test("objects written alike share one tree, which nobody can change", () => {
    const [first] = unpackManagedFields(packManagedFields([entry({ "f:data": {} })])) as Json[];
    const [second] = unpackManagedFields(packManagedFields([entry({ "f:data": {} })])) as Json[];
    expect(first?.["fieldsV1"]).toBe(second?.["fieldsV1"]);
    expect(Object.isFrozen(first?.["fieldsV1"])).toBe(true);
  });

  test("entries of before they were packed are shown as they are", () => {
    const entries = [entry({ "f:data": { "f:a": {} } })];
    expect(unpackManagedFields(entries)).toEqual(entries);
  });
});

describe("the fields of a new object", () => {
  const container = record(
    {
      name: constantFrom("a", "b", "c'd"),
      image: string(),
      args: constantFrom([], ["x", "x"]),
      env: constantFrom([], [{ name: "A", value: "1" }, { name: 'q"' }]),
      ports: constantFrom([{ containerPort: 80 }, { containerPort: 80, protocol: "UDP" }], []),
      resources: constantFrom({}, { limits: { cpu: "1" } }),
      securityContext: constantFrom({}, { runAsUser: 1 }),
    },
    { requiredKeys: ["name"] },
  );
  const podSpec = container.map((one) => ({
    restartPolicy: "Never",
    containers: [one],
    securityContext: {},
    tolerations: [{ key: "a" }],
    volumes: [{ name: "v", emptyDir: {} }],
  }));
  const metadata = record(
    {
      name: string(),
      labels: dictionary(string(), string()),
      annotations: constantFrom({}, { a: "b" }),
      finalizers: constantFrom([], ["x/y"]),
      ownerReferences: constantFrom([], [{ uid: "u", name: "n", kind: "k", apiVersion: "v" }]),
    },
    { requiredKeys: ["name"] },
  );
  const objects = {
    Job: podSpec.map((spec) => ({ spec: { completions: 1, template: { metadata: {}, spec } } })),
    Pod: podSpec.map((spec) => ({ spec, status: { phase: "Pending" } })),
    Secret: dictionary(string(), jsonValue()).map((data) => ({ data, type: "Opaque" })),
  };

  test.each([jobKind, podKind, secretKind])("$kind: as the general way finds them", (kind) => {
    const ignored = kind.kind === "Secret" ? [] : [["f:status"]];
    const bodies = objects[kind.kind as keyof typeof objects];
    assert(
      property(metadata, bodies, (meta, body: object) => {
        const next: Json = {
          kind: kind.kind,
          apiVersion: kind.apiVersion,
          metadata: meta,
          ...body,
        };
        const { schema, apiVersion } = kind;
        const by = { manager: "m", schema, apiVersion, subresource: "", ignored, nowMs: 0 };
        const general = updatedManagers({
          ...by,
          before: { kind: kind.kind },
          after: next,
          managers: new Map(),
        });
        expect(updateManagedFields({ ...by, live: undefined, next })).toEqual(
          writeManagers(general),
        );
      }),
    );
  });
});
