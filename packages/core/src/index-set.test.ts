// IndexSet against the wording of R57, R58 and against a plain Set.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IndexSet } from "./index-set.ts";

describe("IndexSet", () => {
  it.each([
    [[], ""],
    [[5], "5"],
    [[1, 2], "1,2"],
    [[1, 2, 3], "1-3"],
    [[0, 1, 2, 4, 6, 7], "0-2,4,6,7"],
    [[7, 6, 4, 2, 1, 0, 0], "0-2,4,6,7"],
  ])("R57: %j is written %j", (indexes, text) => {
    expect(IndexSet.of(indexes).toString()).toBe(text);
  });

  it.each([
    ["an absent list", undefined, 10, ""],
    ["an empty list", "", 10, ""],
    ["pieces that can't be read", "1,x,3-y,,5-,-7,9-8,6", 10, "1,6"],
    ["stops at the first piece that starts beyond", "1,12,2", 10, "1"],
    ["cuts an end to completions - 1", "1,7-20", 10, "1,7-9"],
    ["merges adjacent intervals", "0-2,3,4-6", 10, "0-6"],
    ["sorts what a client disordered", "4,0-2,1-3", 10, "0-4"],
    ["nothing of no completions", "0-4", 0, ""],
  ])("R58: %s", (_, text, completions, kept) => {
    expect(IndexSet.parse(text, completions).toString()).toBe(kept);
  });

  it("R30: gives the lowest missing, without walking what is there", () => {
    const most = IndexSet.parse("0-99999998", 1e8);
    expect(most.lowestMissing(3, 1e8)).toEqual([99_999_999]);
    expect(IndexSet.parse("0-2,4,6,7", 10).lowestMissing(3, 10)).toEqual([3, 5, 8]);
    expect(IndexSet.empty.lowestMissing(2, 1)).toEqual([0]);
    expect(IndexSet.of([2]).lowestMissing(0, 5)).toEqual([]);
    expect(IndexSet.of([7]).lowestMissing(9, 3)).toEqual([0, 1, 2]);
  });

  it("agrees with a Set in every operation", () => {
    const indexes = fc.array(fc.nat({ max: 40 }));
    fc.assert(
      fc.property(indexes, indexes, fc.nat({ max: 45 }), fc.nat({ max: 12 }), (a, b, n, count) => {
        const [one, other] = [IndexSet.of(a), IndexSet.of(b)];
        const [plain, otherPlain] = [new Set(a), new Set(b)];
        expect(one.size).toBe(plain.size);
        expect(one.has(n)).toBe(plain.has(n));
        const both = new Set([...a, ...b]);
        expect(one.union(other).toString()).toBe(IndexSet.of(both).toString());
        expect(one.intersectionSize(other)).toBe(
          [...plain].filter((i) => otherPlain.has(i)).length,
        );
        const missing = Array.from({ length: n }, (_, i) => i).filter((i) => !plain.has(i));
        expect(one.lowestMissing(count, n)).toEqual(missing.slice(0, count));
        expect(IndexSet.parse(one.toString(), 1000).intervals).toEqual(one.intervals);
      }),
      { numRuns: 10_000 },
    );
  });
});
