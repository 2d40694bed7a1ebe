// Canonical JSON.
import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";

test("keys are sorted at every depth, lists keep their order, undefined is absent", () => {
  const value = { b: [{ z: 1, a: undefined, c: null }, 2], a: "x" };
  expect(canonicalJson(value)).toBe('{"a":"x","b":[{"c":null,"z":1},2]}');
});

test("the order of members does not matter", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const { ["__proto__"]: _, ...plain } = value;
      const reversed = Object.fromEntries(Object.entries(plain).toReversed());
      expect(canonicalJson(reversed)).toBe(canonicalJson(plain));
    }),
  );
});
