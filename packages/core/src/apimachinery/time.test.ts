import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRfc3339, rfc3339, rfc3339Micro } from "./time.ts";

describe("times", () => {
  it.each([
    [0, "1970-01-01T00:00:00Z"],
    [951_782_400_000, "2000-02-29T00:00:00Z"],
    [1_795_422_651_999, "2026-11-23T08:30:51Z"],
    [-1, "1969-12-31T23:59:59Z"],
  ])("%i ms is %s", (ms, text) => {
    expect(rfc3339(ms)).toBe(text);
  });

  it.each([
    ["2026-11-23T10:00:00+02:00", "2026-11-23T08:00:00Z"],
    ["2026-01-01T00:30:00-01:00", "2026-01-01T01:30:00Z"],
  ])("%s is %s", (text, utc) => {
    expect(rfc3339(parseRfc3339(text))).toBe(utc);
  });

  it.each([
    "",
    "2026-02-30T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01",
  ])("%j is no time", (text) => {
    expect(parseRfc3339(text)).toBeNaN();
  });

  it("survives a round trip", () => {
    const years9999 = 253_402_300_799_000;
    fc.assert(
      fc.property(fc.integer({ min: -62_135_596_800_000, max: years9999 }), (ms) => {
        expect(parseRfc3339(rfc3339(ms))).toBe(Math.floor(ms / 1000) * 1000);
        expect(parseRfc3339(rfc3339Micro(ms))).toBe(ms);
      }),
    );
  });
});
