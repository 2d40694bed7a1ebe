import { describe, expect, it } from "vitest";
import type { ObjectMeta } from "../schema/meta.ts";
import { aggregateText } from "./field-error.ts";
import { fieldPath } from "./field-path.ts";
import { isDns1123Subdomain } from "./name-rules.ts";
import {
  prepareMetaForCreate,
  prepareMetaForUpdate,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from "./object-meta.ts";

const path = fieldPath("metadata");
const rules = { namespaced: true, nameRule: isDns1123Subdomain, path };
const good: ObjectMeta = { name: "x", namespace: "default" };
const owner = { apiVersion: "batch/v1", kind: "Job", name: "j", uid: "u" };

describe("object meta: create", () => {
  const long = "a".repeat(262_144);
  it.each<[string, ObjectMeta, string]>([
    ["M1: valid", good, ""],
    [
      "M1: charset",
      { ...good, name: "Bad_Name" },
      'metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of ' +
        "lower case alphanumeric characters, '-' or '.', and must start and end with an " +
        "alphanumeric character (e.g. 'example.com', regex used for validation is " +
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
    [
      "M1: length",
      { ...good, name: "a".repeat(254) },
      `metadata.name: Invalid value: "${"a".repeat(254)}": must be no more than 253 characters`,
    ],
    [
      "M4: no name",
      { namespace: "default" },
      "metadata.name: Required value: name or generateName is required",
    ],
    ["M4: a generateName ending in a dash is fine", { ...good, generateName: "job-" }, ""],
    ["namespace missing", { name: "x" }, "metadata.namespace: Required value"],
    [
      "M6: finalizer without a domain",
      { ...good, finalizers: ["orphan", "mine"] },
      'metadata.finalizers[1]: Invalid value: "mine": ' +
        "name is neither a standard finalizer name nor is it fully qualified",
    ],
    [
      "M6: contradicting finalizers",
      { ...good, finalizers: ["orphan", "foregroundDeletion"] },
      'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: ' +
        "finalizer orphan and foregroundDeletion cannot be both set",
    ],
    [
      "M7: owner without uid",
      { ...good, ownerReferences: [{ ...owner, uid: "" }] },
      'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
    ],
    [
      "M8: annotations too large",
      { ...good, annotations: { a: long } },
      "metadata.annotations: Too long: may not be more than 262144 bytes",
    ],
    ["M8: annotation keys in any case", { ...good, annotations: { "Example.COM/Key": "1" } }, ""],
    [
      "M8: label value",
      { ...good, labels: { a: "b".repeat(64) } },
      `metadata.labels: Invalid value: "${"b".repeat(64)}": must be no more than 63 bytes`,
    ],
  ])("%s", (_title, meta, text) => {
    expect(aggregateText(validateObjectMeta(meta, rules))).toBe(text);
  });

  it("M7: one controller at most", () => {
    const ownerReferences = [
      { ...owner, controller: true },
      { ...owner, name: "k", controller: true },
    ];
    expect(aggregateText(validateObjectMeta({ ...good, ownerReferences }, rules))).toContain(
      'Only one reference can have Controller set to true. Found "true" in references for ' +
        "Job/j and Job/k",
    );
  });

  it("kinds without namespace refuse one", () => {
    const errors = validateObjectMeta(good, { ...rules, namespaced: false });
    expect(aggregateText(errors)).toBe("metadata.namespace: Forbidden: not allowed on this type");
  });

  it("M4, M5: the server sets what is its own and drops what clients may not set", () => {
    const given: ObjectMeta = {
      generateName: "n".repeat(70),
      uid: "mine",
      generation: 7,
      creationTimestamp: "2000-01-01T00:00:00Z",
      deletionTimestamp: "2000-01-01T00:00:00Z",
      labels: { a: "b" },
    };
    const creation = { uid: "u1", nowMs: 0, namespace: "default", suffix: "bcdfg" } as const;
    expect(prepareMetaForCreate(given, { ...creation, generation: 1 })).toEqual({
      generateName: "n".repeat(70),
      name: `${"n".repeat(58)}bcdfg`,
      namespace: "default",
      uid: "u1",
      generation: 1,
      creationTimestamp: "1970-01-01T00:00:00Z",
      labels: { a: "b" },
    });
    const named = prepareMetaForCreate(
      { name: "x", generateName: "y-" },
      { ...creation, namespace: "", generation: undefined },
    );
    expect(named).toEqual({
      name: "x",
      generateName: "y-",
      uid: "u1",
      creationTimestamp: "1970-01-01T00:00:00Z",
    });
  });
});

describe("object meta: update (M6)", () => {
  const old: ObjectMeta = { ...good, uid: "u", resourceVersion: "1", generation: 2 };
  it.each<[string, ObjectMeta, ObjectMeta, string]>([
    ["nothing changed", old, old, ""],
    [
      "no resourceVersion",
      { ...old, resourceVersion: "" },
      old,
      'metadata.resourceVersion: Invalid value: "": must be specified for an update',
    ],
    [
      "generation goes down",
      { ...old, generation: 1 },
      old,
      "metadata.generation: Invalid value: 1: must not be decremented",
    ],
    [
      "uid changed",
      { ...old, uid: "v" },
      old,
      'metadata.uid: Invalid value: "v": field is immutable',
    ],
    [
      "deletionTimestamp removed",
      old,
      { ...old, deletionTimestamp: "2026-01-01T00:00:00Z" },
      "metadata.deletionTimestamp: Invalid value: null: field is immutable",
    ],
    [
      "finalizer added while deleted",
      { ...old, deletionTimestamp: "t", finalizers: ["a/b", "a/c"] },
      { ...old, deletionTimestamp: "t", finalizers: ["a/b"] },
      "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being " +
        'deleted, found new finalizers []string{"a/c"}',
    ],
  ])("%s", (_title, next, before, text) => {
    expect(aggregateText(validateObjectMetaUpdate(next, before, path))).toBe(text);
  });

  it("keeps what the client may not change or left out", () => {
    const stored: ObjectMeta = {
      ...old,
      creationTimestamp: "2026-01-01T00:00:00Z",
      deletionTimestamp: "2026-01-02T00:00:00Z",
      deletionGracePeriodSeconds: 0,
    };
    const next = { creationTimestamp: "2000-01-01T00:00:00Z", generation: 99, labels: { a: "b" } };
    expect(prepareMetaForUpdate(next, stored)).toEqual({ ...stored, labels: { a: "b" } });
  });
});
