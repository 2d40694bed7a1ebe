// A Job's next body is what encoding all of it would give, whatever it and its new status say.
import fc from "fast-check";
import type { Job } from "@gantry/core";
import { describe, expect, test } from "vitest";
import { encodeBody, encodeNextBody, type Stored } from "./objects.ts";

const KEY = "ns/a";

const job = (spec: object, status: object, more: object = {}): Job =>
  ({
    kind: "Job",
    metadata: { name: "a", namespace: "ns", uid: "u" },
    spec,
    ...more,
    status,
  }) as unknown as Job;

const stored = (value: Job): Stored<Job> => {
  const body = encodeBody("jobs", value);
  return { key: KEY, rv: "1", value: JSON.parse(body) as Job, body };
};

const json = fc.dictionary(fc.string(), fc.jsonValue());

test("of another status", () => {
  fc.assert(
    fc.property(json, json, json, (spec, status, next) => {
      const before = stored(job(spec, status));
      const after = { ...before.value, status: next } as Job;
      expect(encodeNextBody("jobs", before, after)).toBe(encodeBody("jobs", after));
    }),
  );
});

describe("of something else that changed", () => {
  const before = stored(job({ a: 1 }, { active: 1 }));
  test.each([
    ["the spec", { ...before.value, spec: { a: 2 } }],
    ["metadata", { ...before.value, metadata: { ...before.value.metadata, labels: { x: "y" } } }],
    ["a field more", { ...before.value, other: 1 }],
    ["no status", { ...before.value, status: undefined }],
  ])("%s", (_what, after) => {
    const next = after as unknown as Job;
    expect(encodeNextBody("jobs", before, next)).toBe(encodeBody("jobs", next));
  });

  test("a body whose status is not its last field, or that is not there", () => {
    const odd = '{"status":{"active":1},"metadata":{"uid":"u","name":"a"}}';
    const value = JSON.parse(odd) as Job;
    const after = { ...value, status: { active: 2 } } as Job;
    for (const body of [odd, undefined]) {
      const known = { key: KEY, rv: "1", value, ...(body === undefined ? {} : { body }) };
      expect(encodeNextBody("jobs", known, after)).toBe(encodeBody("jobs", after));
    }
  });
});
