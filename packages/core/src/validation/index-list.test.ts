// The strict index-list grammar (job-spec 3.4).
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstCommonIndex, parseIndexList } from "./index-list.ts";

describe("3.4 index lists", () => {
  test.each([
    ["", 0],
    ["0", 1],
    ["0-9", 10],
    ["1,3-4,7", 4],
    ["0,1,2", 3],
    ["007,+8", 2],
  ])("accepts %j of %i indexes", (text, total) => {
    expect(parseIndexList(text, 10)).toEqual({ ok: true, total });
  });

  const interval = "an index interval can have at most two parts separated by '-'";
  test.each([
    ["abc", 'cannot convert string to integer for index: "abc"'],
    ["1-x", 'cannot convert string to integer for index: "x"'],
    ["-1", 'cannot convert string to integer for index: ""'],
    ["1, 2", 'cannot convert string to integer for index: " 2"'],
    ["1,", 'cannot convert string to integer for index: ""'],
    ["10", 'too large index: "10"'],
    ["3-10", 'too large index: "10"'],
    ["3,1", "non-increasing order, previous: 3, current: 1"],
    ["3,3", "non-increasing order, previous: 3, current: 3"],
    ["5-4", "non-increasing order, previous: 5, current: 4"],
    ["4-4", "non-increasing order, previous: 4, current: 4"],
    ["1-3,3", "non-increasing order, previous: 3, current: 3"],
    ["1-2-3", `the fragment "1-2-3" violates the requirement that ${interval}`],
  ])("refuses %j", (text, error) => {
    expect(parseIndexList(text, 10)).toEqual({ ok: false, error });
  });

  test.each([
    ["0-2", "3-5", undefined],
    ["0-3", "3-5", 3],
    ["5", "1-9", 5],
    ["0,4-6", "2,6-8", 6],
    ["", "1", undefined],
    ["1,x,7", "7", 7],
    ["1", "y,1", 1],
  ])("%j and %j share %s", (completed, failed, index) => {
    expect(firstCommonIndex(completed, failed, 10)).toBe(index);
  });
});

describe("3.4 any lists", () => {
  const indexes = fc
    .uniqueArray(fc.nat(60), { maxLength: 30 })
    .map((list) => list.toSorted(ascending));

  test("parsing counts what was written, as single numbers and as runs", () => {
    fc.assert(
      fc.property(indexes, (list) => {
        expect(parseIndexList(list.join(","), 61)).toEqual({ ok: true, total: list.length });
        expect(parseIndexList(asRuns(list), 61)).toEqual({ ok: true, total: list.length });
      }),
    );
  });

  test("the first common index is the smallest of the intersection", () => {
    fc.assert(
      fc.property(indexes, indexes, (completed, failed) => {
        const common = completed.filter((index) => failed.includes(index));
        expect(firstCommonIndex(asRuns(completed), failed.join(","), 61)).toBe(common[0]);
      }),
    );
  });
});

const ascending = (a: number, b: number): number => a - b;

function asRuns(list: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const index of list) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else runs.push([index, index]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}
