// What people write, and how it is understood: addresses, durations, kinds, manifests, conditions.
import { describe, expect, test } from "vitest";
import { parseGoal } from "./commands/wait.ts";
import { humanDuration, parseDurationMs } from "./duration.ts";
import { parseTargets } from "./kinds.ts";
import { isLoopback, localUrl, parseListen } from "./listen.ts";
import { parseManifests } from "./manifest.ts";
import { nodeName } from "./server/engine.ts";

describe("an address to listen on", () => {
  test.each([
    ["127.0.0.1:7443", { host: "127.0.0.1", port: 7443 }],
    ["127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
    ["[::1]:7443", { host: "::1", port: 7443 }],
    [":7443", { host: "0.0.0.0", port: 7443 }],
    ["7443", { host: "127.0.0.1", port: 7443 }],
    ["localhost:80", { host: "localhost", port: 80 }],
  ])("%s", (text, listen) => expect(parseListen(text)).toEqual(listen));

  test.each(["", "host", "1.2.3.4:", "1.2.3.4:99999", "::1:80"])("%j is refused", (text) =>
    expect(() => parseListen(text)).toThrow("write HOST:PORT"),
  );

  test.each([
    ["127.0.0.1", true],
    ["127.8.9.1", true],
    ["::1", true],
    ["localhost", true],
    ["0.0.0.0", false],
    ["10.0.0.1", false],
    ["127.example.com", false],
  ])("%s on loopback: %s", (host, loopback) => expect(isLoopback(host)).toBe(loopback));

  test("a wildcard is reached over loopback, IPv6 in brackets", () => {
    expect(localUrl("https", { host: "0.0.0.0", port: 1 })).toBe("https://127.0.0.1:1");
    expect(localUrl("http", { host: "::1", port: 2 })).toBe("http://[::1]:2");
  });
});

describe("a duration", () => {
  test.each([
    ["30s", 30_000],
    ["1m30s", 90_000],
    ["2h", 7_200_000],
    ["500ms", 500],
    ["1.5s", 1_500],
    ["90", 90_000],
    ["0s", 0],
  ])("%s", (text, ms) => expect(parseDurationMs(text)).toBe(ms));

  test.each(["", "s", "1x", "-1s", "1s "])("%j is refused", (text) =>
    expect(() => parseDurationMs(text)).toThrow("no duration"),
  );

  test.each([
    [0, "0s"],
    [119_000, "119s"],
    [125_000, "2m5s"],
    [3_600_000, "1h"],
    [11_400_000, "3h10m"],
    [352_800_000, "4d2h"],
    [-5, "0s"],
  ])("%d ms reads %s", (ms, text) => expect(humanDuration(ms)).toBe(text));
});

describe("naming objects", () => {
  const names = (words: string[]): string[] =>
    parseTargets(words).map(({ kind, name }) => `${kind.plural}/${name ?? "*"}`);
  test.each([
    [["jobs"], ["jobs/*"]],
    [
      ["job", "a", "b"],
      ["jobs/a", "jobs/b"],
    ],
    [
      ["job/a", "po/b"],
      ["jobs/a", "pods/b"],
    ],
    [["jobs,pods"], ["jobs/*", "pods/*"]],
    [["jobs.batch", "a"], ["jobs/a"]],
    [["CJ"], ["cronjobs/*"]],
  ])("%j", (words, targets) => expect(names(words)).toEqual(targets));

  test.each([[["things"]], [["job/a", "b"]], [["job/"]], [[]]])("%j is refused", (words) =>
    expect(() => parseTargets(words)).toThrow(),
  );
});

describe("a manifest", () => {
  const job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: pi}\n";
  test("may hold several documents, empty ones, lists and JSON", () => {
    const list = `{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod"}]}`;
    const kinds = parseManifests("f", `---\n${job}---\n---\n${list}\n`).map(
      ({ object }) => object.kind,
    );
    expect(kinds).toEqual(["Job", "Pod"]);
  });

  test.each([
    ["a: [1", "f: not valid YAML"],
    ["a: 1\na: 2", "f: not valid YAML"],
    ["just text", "f: a manifest is a mapping"],
    ["- 1", "f: a manifest is a mapping"],
    ["kind: Job", "f: apiVersion: Required value"],
    ["apiVersion: batch/v1", "f: kind: Required value"],
  ])("%j is refused with its place", (text, message) =>
    expect(() => parseManifests("f", text)).toThrow(message),
  );
});

describe("what to wait for", () => {
  test("conditions and deletion", () => {
    expect(parseGoal("condition=complete")).toEqual({ type: "complete", status: "True" });
    expect(parseGoal("condition=Ready=false")).toEqual({ type: "Ready", status: "false" });
    expect(parseGoal("delete")).toEqual({ type: "delete" });
    expect(() => parseGoal("complete")).toThrow("--for=condition=Complete");
  });
});

test.each([
  ["Anna's MacBook.local", "anna-s-macbook.local"],
  ["-x-", "x"],
  ["___", "localhost"],
  ["a".repeat(80), "a".repeat(63)],
])("a host called %s is the node %s", (host, node) => expect(nodeName(host)).toBe(node));
