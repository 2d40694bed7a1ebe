// The strict index-list grammar (job-spec 3.4).
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
