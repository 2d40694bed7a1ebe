import { describe, expect, it } from "vitest";
import { ageText, durationText } from "./duration-text.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

describe("section 11: durations and ages", () => {
  it.each([
    [-2 * second, "<invalid>"],
    [-second, "0s"],
    [-1, "0s"],
    [0, "0s"],
    [119 * second + 999, "119s"],
    [120 * second, "2m"],
    [9 * minute + 59 * second, "9m59s"],
    [10 * minute + 5 * second, "10m"],
    [3 * hour - 1, "179m"],
    [3 * hour, "3h"],
    [7 * hour + 30 * minute, "7h30m"],
    [8 * hour + 30 * minute, "8h"],
    [48 * hour - 1, "47h"],
    [48 * hour, "2d"],
    [7 * day + 3 * hour, "7d3h"],
    [8 * day + 3 * hour, "8d"],
    [2 * year - 1, "729d"],
    [2 * year, "2y"],
    [3 * year + 5 * day, "3y5d"],
    [8 * year + 5 * day, "8y"],
  ])("%i ms is %s", (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });

  it("an age needs a creation time", () => {
    expect(ageText(undefined, 5)).toBe("<unknown>");
    expect(ageText(0, 5 * second)).toBe("5s");
  });
});
