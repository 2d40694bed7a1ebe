import { ApiError } from "@gantry/core";
import { describe, expect, test } from "vitest";
import { deleteOptions, flag, listOptions, writeOptions } from "./query.ts";

const code = (work: () => unknown): number => {
  try {
    work();
    return 200;
  } catch (error) {
    return error instanceof ApiError ? error.code : 0;
  }
};

test.each([
  ["", false],
  ["watch=false", false],
  ["watch=False", false],
  ["watch=0", false],
  ["watch", true],
  ["watch=", true],
  ["watch=true", true],
  ["watch=True", true],
  ["watch=no", true],
])("the flag watch of %j is %s", (query, expected) => {
  expect(flag(new URLSearchParams(query), "watch")).toBe(expected);
});

describe("list options", () => {
  test.each([
    ["", 200],
    ["limit=5&continue=x", 200],
    ["watch=1&resourceVersion=5", 200],
    ["resourceVersion=5&resourceVersionMatch=Exact", 200],
    ["limit=a", 400],
    ["resourceVersion=a", 400],
    ["resourceVersion=-1", 400],
    ["continue=x&resourceVersion=5", 400],
    ["resourceVersionMatch=Exact", 422],
    ["resourceVersion=0&resourceVersionMatch=Exact", 422],
    ["resourceVersion=5&resourceVersionMatch=Newest", 422],
    ["sendInitialEvents=true", 422],
    ["watch=1&sendInitialEvents=true", 422],
    ["watch=1&resourceVersionMatch=NotOlderThan", 422],
    ["watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan", 200],
  ])("%s is %i", (query, expected) => {
    expect(code(() => listOptions(new URLSearchParams(query)))).toBe(expected);
  });
});

describe("write options", () => {
  test.each([
    ["", 200],
    ["dryRun=All&fieldValidation=Strict&fieldManager=me", 200],
    ["dryRun=true", 422],
    ["fieldValidation=Sometimes", 422],
    [`fieldManager=${"x".repeat(129)}`, 422],
  ])("%s is %i", (query, expected) => {
    expect(code(() => writeOptions(new URLSearchParams(query), "CreateOptions"))).toBe(expected);
  });
});

describe("delete options (D1)", () => {
  test("the body wins over the query; legacy orphanDependents is a policy", () => {
    const query = new URLSearchParams("propagationPolicy=Orphan&gracePeriodSeconds=5");
    expect(deleteOptions(query, undefined)).toMatchObject({
      propagation: "Orphan",
      graceSeconds: 5,
    });
    expect(deleteOptions(query, { propagationPolicy: "Foreground" })).toMatchObject({
      propagation: "Foreground",
      graceSeconds: undefined,
    });
    expect(deleteOptions(query, { orphanDependents: false }).propagation).toBe("Background");
  });

  test("an unknown policy names those there are", () => {
    expect(() =>
      deleteOptions(new URLSearchParams("propagationPolicy=Sideways"), undefined),
    ).toThrow(
      'propagationPolicy: Unsupported value: "Sideways": supported values: ' +
        '"Foreground", "Background", "Orphan", "nil"',
    );
  });
});
