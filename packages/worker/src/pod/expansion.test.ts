// `$(VAR)` expansion, case by case.
import { expect, test } from "vitest";
import { expand } from "./expansion.ts";

const variables = new Map([
  ["A", "one"],
  ["EMPTY", ""],
  ["NESTED", "$(A)"],
]);

test.each([
  ["plain", "plain"],
  ["$(A)-$(A)", "one-one"],
  ["$(EMPTY)", ""],
  ["$$(A)", "$(A)"],
  ["$$$(A)", "$one"],
  ["$(MISSING)", "$(MISSING)"],
  ["$A ${A}", "$A ${A}"],
  ["$(A", "$(A"],
  ["$", "$"],
  ["$(NESTED)", "$(A)"],
])("job-spec.md 6: %s expands to %s", (text, expected) => {
  expect(expand(text, variables)).toBe(expected);
});
