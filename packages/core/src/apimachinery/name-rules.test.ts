import { describe, expect, it } from "vitest";
import { byteLength, goQuote } from "./go-text.ts";
import {
  isCIdentifier,
  isConfigMapKey,
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isEnvVarName,
  isHttpHeaderName,
  isLabelValue,
  isPortName,
  isQualifiedName,
} from "./name-rules.ts";

const label = /^a lowercase RFC 1123 label must consist of lower case alphanumeric/;
const name = /^name part must consist of alphanumeric characters, '-', '_' or '\.'/;

describe("names (M1, M2, M8): what is wrong with them", () => {
  it.each<[string, (value: string) => string[], string, (string | RegExp)[]]>([
    ["label", isDns1123Label, "a-1", []],
    ["label with a dot", isDns1123Label, "a.b", ["must not contain dots"]],
    ["label, upper case", isDns1123Label, "A", [label]],
    ["label, too long", isDns1123Label, "a".repeat(64), ["must be no more than 63 characters"]],
    ["subdomain", isDns1123Subdomain, "a.b-c.d", []],
    ["subdomain, empty part", isDns1123Subdomain, "a..b", [/^a lowercase RFC 1123 subdomain/]],
    ["1035 label", isDns1035Label, "1a", [/^a DNS-1035 label must consist/]],
    ["qualified name", isQualifiedName, "example.com/My_Name.1", []],
    ["qualified name, empty", isQualifiedName, "", ["name part must be non-empty", name]],
    ["qualified name, no prefix", isQualifiedName, "/a", ["prefix part must be non-empty"]],
    ["qualified name, prefix", isQualifiedName, "A/a", [/^prefix part a lowercase RFC 1123/]],
    ["qualified name, two slashes", isQualifiedName, "a/b/c", [/^a qualified name must consist/]],
    [
      "qualified name, too long",
      isQualifiedName,
      "a".repeat(64),
      ["name part must be no more than 63 bytes"],
    ],
    ["label value", isLabelValue, "", []],
    [
      "label value, dash at the end",
      isLabelValue,
      "a-",
      [/^a valid label must be an empty string/],
    ],
    ["C identifier", isCIdentifier, "_a1", []],
    ["C identifier, digit first", isCIdentifier, "1a", [/^a valid C identifier must start/]],
    ["variable", isEnvVarName, "any thing-1", []],
    ["variable with =", isEnvVarName, "a=b", [/^a valid environment variable name must consist/]],
    ["variable, empty", isEnvVarName, "", ["environment variable name must be non-empty"]],
    ["config key", isConfigMapKey, "a_B-c.d", []],
    ["config key ..x", isConfigMapKey, "..x", ["must not start with '..'"]],
    ["config key, slash", isConfigMapKey, "a/b", [/^a valid config key must consist/]],
    ["header", isHttpHeaderName, "X-A", []],
    ["port", isPortName, "http-1", []],
    ["port, no letter", isPortName, "80", ["must contain at least one letter (a-z)"]],
    [
      "port, dashes",
      isPortName,
      "-a--b",
      ["must not contain consecutive hyphens", "must not begin or end with a hyphen"],
    ],
  ])("%s", (_title, rule, value, expected) => {
    const messages = rule(value);
    expect(messages).toHaveLength(expected.length);
    for (const [i, message] of expected.entries()) expect(messages[i]).toMatch(message);
  });

  it("a whole message, with examples and the regex", () => {
    expect(isLabelValue("-")).toEqual([
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or " +
        "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or " +
        "'my_value',  or '12345', regex used for validation is " +
        "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ]);
  });
});

it("text as Go has it", () => {
  expect(["a", "é", "€", "😀"].map(byteLength)).toEqual([1, 2, 3, 4]);
  expect(goQuote("a\t\u200b😀\\")).toBe('"a\\t\\u200b😀\\\\"');
});
