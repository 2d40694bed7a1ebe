// Table tests of pod-names.ts, by rule.
import { describe, expect, it } from "vitest";
import { podNamePrefix } from "./pod-names.ts";

describe("R55, R56: prefixes of generated names", () => {
  it.each([
    ["pi", undefined, "pi-"],
    ["pi", 7, "pi-7-"],
    ["j".repeat(57), undefined, `${"j".repeat(57)}-`],
    ["j".repeat(63), undefined, "j".repeat(58)],
    ["j".repeat(60), 12, `${"j".repeat(54)}-12-`],
  ])("%s, index %s", (name, index, prefix) => {
    expect(podNamePrefix(name, index)).toBe(prefix);
    expect(prefix.length).toBeLessThanOrEqual(58);
  });
});
