import { describe, expect, it } from "vitest";
import type { LabelSelector } from "../schema/meta.ts";
import { ApiError } from "./errors.ts";
import { aggregateText } from "./field-error.ts";
import { fieldPath } from "./field-path.ts";
import {
  escapeFieldValue,
  matchesFields,
  parseFieldSelector,
  requiredFieldValue,
} from "./field-selector.ts";
import {
  formatLabelSelector,
  formatRequirements,
  matchesLabels,
  selectorFromObject,
  validateLabelSelector,
} from "./label-selector.ts";
import { parseLabelSelector } from "./label-selector-parse.ts";

const errorOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof ApiError && error.code === 400) return error.message;
    throw error;
  }
  return "no error";
};

describe("label selectors: query string", () => {
  it.each<[selector: string, matching: Record<string, string>[], other: Record<string, string>[]]>([
    ["", [{}, { a: "1" }], []],
    ["a=1", [{ a: "1" }], [{}, { a: "2" }]],
    ["a==1,b!=2", [{ a: "1" }, { a: "1", b: "3" }], [{ a: "1", b: "2" }]],
    ["a in (1, 2)", [{ a: "1" }, { a: "2" }], [{ a: "3" }, {}]],
    ["a notin (1)", [{}, { a: "2" }], [{ a: "1" }]],
    ["a", [{ a: "" }], [{}]],
    ["!a", [{}], [{ a: "" }]],
    ["a=", [{ a: "" }], [{ a: "1" }, {}]],
    ["a in (,x)", [{ a: "" }, { a: "x" }], [{ a: "y" }]],
    ["in in (in)", [{ in: "in" }], [{}]],
    ["n>5", [{ n: "6" }], [{ n: "5" }, { n: "x" }, {}]],
    ["n<5", [{ n: "-1" }], [{ n: "5" }]],
    ["example.com/a=1", [{ "example.com/a": "1" }], [{ a: "1" }]],
    ["constructor", [], [{}]],
  ])("%j", (text, matching, other) => {
    const selector = parseLabelSelector(text);
    for (const labels of matching) expect(matchesLabels(selector, labels)).toBe(true);
    for (const labels of other) expect(matchesLabels(selector, labels)).toBe(false);
  });

  it.each([
    [
      "bad  selector",
      "unable to parse requirement: found 'selector', expected: in, notin, =, ==, !=, gt, lt",
    ],
    ["a=1 b", "found 'b', expected: ',' or 'end of string'"],
    ["a=1,", "found '', expected: identifier after ','"],
    ["a in 1", "unable to parse requirement: found '1' expected: '('"],
    ["a=)", "unable to parse requirement: found ')', expected: identifier"],
    ["a in (1 2)", "unable to parse requirement: found '2', expected: ',' or ')'"],
    [
      "n>x",
      'unable to parse requirement: values[0]: Invalid value: "x": ' +
        "for 'Gt', 'Lt' operators, the value must be an integer",
    ],
  ])("%j: %s", (text, message) => {
    expect(errorOf(() => parseLabelSelector(text))).toBe(message);
  });

  it("a bad key or value is named", () => {
    expect(errorOf(() => parseLabelSelector("a_=1"))).toMatch(
      /^unable to parse requirement: <nil>: Invalid value: "a_": name part must consist of/,
    );
    expect(errorOf(() => parseLabelSelector(`a=${"v".repeat(64)}`))).toContain(
      "values[0][a]: Invalid value:",
    );
  });

  it("prints sorted by key", () => {
    expect(formatRequirements(parseLabelSelector("c in (e, d),a=b,!x,y,n>1"))).toBe(
      "a=b,c in (d,e),n>1,!x,y",
    );
  });
});

describe("LabelSelector objects", () => {
  const selector: LabelSelector = {
    matchLabels: { a: "1" },
    matchExpressions: [
      { key: "b", operator: "NotIn", values: ["y", "x"] },
      { key: "c", operator: "Exists" },
    ],
  };

  it("match and print", () => {
    const parsed = selectorFromObject(selector);
    expect(matchesLabels(parsed, { a: "1", c: "" })).toBe(true);
    expect(matchesLabels(parsed, { a: "1", c: "", b: "x" })).toBe(false);
    expect(formatLabelSelector(selector)).toBe("a=1,b notin (x,y),c");
    expect(formatLabelSelector({})).toBe("<none>");
    expect(formatLabelSelector(undefined)).toBe("<none>");
    expect(matchesLabels(selectorFromObject(undefined), {})).toBe(false);
    expect(matchesLabels(selectorFromObject({}), undefined)).toBe(true);
  });

  it.each<[string, LabelSelector, string]>([
    ["valid", selector, ""],
    [
      "In without values",
      { matchExpressions: [{ key: "a", operator: "In" }] },
      "spec.selector.matchExpressions[0].values: Required value: " +
        "must be specified when `operator` is 'In' or 'NotIn'",
    ],
    [
      "Exists with values",
      { matchExpressions: [{ key: "a", operator: "Exists", values: ["x"] }] },
      "spec.selector.matchExpressions[0].values: Forbidden: " +
        "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    ],
    [
      "unknown operator",
      { matchExpressions: [{ key: "a", operator: "Like" }] },
      'spec.selector.matchExpressions[0].operator: Invalid value: "Like": ' +
        "not a valid selector operator",
    ],
  ])("S4: %s", (_title, value, text) => {
    const errors = validateLabelSelector(value, fieldPath("spec", "selector"));
    expect(aggregateText(errors)).toBe(text);
  });
});

describe("field selectors", () => {
  const supported = ["metadata.name", "status.successful"];
  const parse = (text: string) => parseFieldSelector(text, "Job", supported);

  it("matches", () => {
    const selector = parse("metadata.name==a\\,b,status.successful!=1,");
    const fields = (name: string, successful: string) => (field: string) =>
      field === "metadata.name" ? name : successful;
    expect(matchesFields(selector, fields("a,b", "2"))).toBe(true);
    expect(matchesFields(selector, fields("a,b", "1"))).toBe(false);
    expect(requiredFieldValue(selector, "metadata.name")).toBe("a,b");
    expect(requiredFieldValue(selector, "status.successful")).toBeUndefined();
    expect(matchesFields(parse(""), fields("", ""))).toBe(true);
    expect(parse(`metadata.name=${escapeFieldValue("x=\\,")}`)[0]?.value).toBe("x=\\,");
  });

  it.each([
    ["status.phase=x", 'field label "status.phase" not supported for Job'],
    ["metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
    ["metadata.name=a\\x", "invalid field selector: invalid escape sequence: \\x"],
    ["metadata.name=a=b", "invalid field selector: unescaped character in value: ="],
  ])("%s: %s", (text, message) => {
    expect(errorOf(() => parse(text))).toBe(message);
  });
});
