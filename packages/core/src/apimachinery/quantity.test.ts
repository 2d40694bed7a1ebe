import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addQuantities,
  canonicalQuantity,
  canonicalResource,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  QuantityError,
  quantityToInteger,
  quantityToMilli,
  quantityToNumber,
} from "./quantity.ts";

describe("quantity: canonical text", () => {
  it.each([
    ["0", "0"],
    ["0.0", "0"],
    ["-0", "0"],
    ["100m", "100m"],
    ["1000m", "1"],
    ["1.5", "1500m"],
    [".5", "500m"],
    ["1.", "1"],
    ["+2", "2"],
    ["-1.5", "-1500m"],
    ["1024Mi", "1Gi"],
    ["1.5Gi", "1536Mi"],
    ["0.5Gi", "512Mi"],
    ["0.9Gi", "966367641600m"],
    ["1Ki", "1Ki"],
    ["0.5Ki", "512"],
    ["1000k", "1M"],
    ["100000", "100k"],
    ["128974848", "128974848"],
    ["129e6", "129e6"],
    ["1e3", "1e3"],
    ["100e1", "1e3"],
    ["1E", "1E"],
    ["0.0000000001", "1n"],
    ["-0.0000000001", "-1n"],
    ["9999999999999999999", "9223372036854775807"],
    ["1048576", "1048576"],
    ["007", "7"],
  ])("%s is %s", (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical);
  });

  it("amounts of resources are rounded up to a thousandth", () => {
    expect(canonicalResource("0.30000000000000004")).toBe("301m");
    expect(canonicalResource("1u")).toBe("1m");
    expect(canonicalResource("250m")).toBe("250m");
  });

  it.each(["", "abc", "1x", "1 Gi", "1.2.3", "5Mix"])("%j is refused", (text) => {
    expect(() => parseQuantity(text)).toThrow(
      new QuantityError(
        "quantities must match the regular expression " +
          "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      ),
    );
  });

  it.each(["1Km", "--1", "1ee3", "1e"])("%s: the suffix is refused", (text) => {
    expect(() => parseQuantity(text)).toThrow(
      new QuantityError("unable to parse quantity's suffix"),
    );
  });

  it("canonical text is a fixed point and keeps the amount", () => {
    const suffix = fc.constantFrom("", "m", "u", "n", "k", "M", "G", "Ki", "Mi", "Gi", "e2", "E-2");
    const texts = fc.tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.nat(999), suffix);
    fc.assert(
      fc.property(texts, ([whole, fraction, unit]) => {
        const quantity = parseQuantity(`${whole}.${fraction}${unit}`);
        const text = formatQuantity(quantity);
        expect(canonicalQuantity(text)).toBe(text);
        expect(parseQuantity(text).nano).toBe(quantity.nano);
      }),
    );
  });
});

describe("quantity: arithmetic", () => {
  it("compares, adds and converts", () => {
    const a = parseQuantity("1500m");
    const b = parseQuantity("1Gi");
    expect(compareQuantities(a, b)).toBe(-1);
    expect(compareQuantities(b, a)).toBe(1);
    expect(compareQuantities(a, parseQuantity("1.5"))).toBe(0);
    expect(formatQuantity(addQuantities(a, parseQuantity("500m")))).toBe("2");
    expect(formatQuantity(addQuantities(parseQuantity("0"), b))).toBe("1Gi");
    expect(quantityToNumber(a)).toBe(1.5);
    expect(quantityToInteger(a)).toBe(2n);
    expect(quantityToMilli(a)).toBe(1500n);
  });
});
