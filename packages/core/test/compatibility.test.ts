// docs/compatibility.md is complete, and what it points at is there.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import {
  cronJob,
  cronJobSpec,
  cronJobStatus,
  job,
  jobCondition,
  jobSpec,
  jobStatus,
  jobTemplateSpec,
  podFailurePolicy,
  podFailurePolicyOnExitCodesRequirement,
  podFailurePolicyOnPodConditionsPattern,
  podFailurePolicyRule,
  successPolicy,
  successPolicyRule,
  uncountedTerminatedPods,
} from "../src/schema/batch.ts";
import { container } from "../src/schema/container.ts";
import { podSpec, podTemplateSpec } from "../src/schema/pod.ts";
import { kinds } from "../src/apimachinery/kinds.ts";

const packages = fileURLToPath(new URL("../../", import.meta.url));
const text = readFileSync(join(packages, "../docs/compatibility.md"), "utf8");

/** The text under a heading, up to the next one of its level or above. */
const section = (heading: string): string => {
  const level = heading.indexOf(" ");
  const start = text.indexOf(`\n${heading}\n`);
  expect(start, heading).toBeGreaterThan(-1);
  const rest = text.slice(start + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${level}} `, "m"));
  return end === -1 ? rest : rest.slice(0, end);
};

const rows = (part: string): string[] => part.split("\n").filter((line) => line.startsWith("| "));

const firstCells = (part: string): string =>
  rows(part)
    .map((line) => line.split(" | ")[0])
    .join("\n");

const mentions = (part: string, word: string): boolean =>
  new RegExp(`(?<![A-Za-z])${word}(?![A-Za-z])`).test(part);

describe("fields", () => {
  test.each<[string, z.ZodObject]>([
    ["### Job", job],
    ["### JobSpec", jobSpec],
    ["### JobSpec", podFailurePolicy],
    ["### JobSpec", podFailurePolicyRule],
    ["### JobSpec", podFailurePolicyOnExitCodesRequirement],
    ["### JobSpec", podFailurePolicyOnPodConditionsPattern],
    ["### JobSpec", successPolicy],
    ["### JobSpec", successPolicyRule],
    ["### JobStatus", jobStatus],
    ["### JobStatus", jobCondition],
    ["### JobStatus", uncountedTerminatedPods],
    ["### CronJob and CronJobSpec", cronJob],
    ["### CronJob and CronJobSpec", cronJobSpec],
    ["### CronJob and CronJobSpec", jobTemplateSpec],
    ["### CronJobStatus", cronJobStatus],
    ["### PodTemplateSpec", podTemplateSpec],
    ["### PodSpec", podSpec],
    ["### Container", container],
  ])("each one under %s", (heading, schema) => {
    const cells = firstCells(section(heading));
    const missing = Object.keys(schema.shape).filter((field) => !mentions(cells, field));
    expect(missing).toEqual([]);
  });
});

test("each kind and each of its subresources", () => {
  const table = section("## Kinds and verbs");
  const missing = kinds.filter(({ kind }) => !mentions(table, kind)).map(({ kind }) => kind);
  expect(missing).toEqual([]);
  for (const { kind, subresources } of kinds) {
    const row = rows(table).find((line) => mentions(line.split(" | ")[0] ?? "", kind)) ?? "";
    for (const { name } of subresources) {
      if (kind !== "Service") expect(row, `${kind}/${name}`).toMatch(new RegExp(`\\b${name}\\b`));
    }
  }
});

const numbered = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${letter}${n + 1}`);

const controllerRules = [
  ...numbered("R", 86),
  ...numbered("F", 10),
  ...numbered("X", 5),
  ...numbered("T", 7),
];
const cronRules = [
  ...numbered("A", 9),
  ...numbered("B", 19),
  ...numbered("C", 4),
  ...numbered("D", 2),
  ...numbered("G", 2),
  ...numbered("H", 10),
];
const apiRules = [
  ...numbered("M", 10),
  ...numbered("S", 5),
  ...numbered("C", 3),
  ...numbered("U", 3),
  ...numbered("D", 5),
  ...numbered("E", 7),
];

describe("rules", () => {
  test.each([
    ["## Rules of the Job controller", controllerRules],
    ["## Rules of the CronJob controller and of TTL", cronRules],
    ["## Rules of the API", apiRules],
  ])("%s has each of them once, in order", (heading, rules) => {
    const ids = rows(section(heading)).flatMap((line) => /^\| ([A-Z]\d+) \|/.exec(line)?.[1] ?? []);
    expect(ids).toEqual(rules);
  });

  test("the sections without numbers are spoken of", () => {
    const part = section("## Rules of the CronJob controller and of TTL");
    for (const letter of ["E", "F", "I"]) expect(part).toMatch(new RegExp(`^${letter}: `, "m"));
  });

  /** `R8 to R11`, `A1-A4`, `R10`. */
  const cites = (file: string, id: string): boolean => {
    const letter = id.slice(0, 1);
    const number = Number(id.slice(1));
    const pattern = new RegExp(
      `\\b${letter}(\\d+)\\b(?:\\s*(?:to|-|–)\\s*${letter}?(\\d+)\\b)?`,
      "g",
    );
    const source = readFileSync(join(packages, file), "utf8");
    return [...source.matchAll(pattern)].some(
      ([, from, to]) => number >= Number(from) && number <= Number(to ?? from),
    );
  };

  test("each test file that is named for a rule cites it", () => {
    const wrong = rows(text).flatMap((line) => {
      const id = /^\| ([A-Z]\d+) \|/.exec(line)?.[1];
      const tests = line.split(" | ").at(-1) ?? "";
      if (id === undefined || tests.startsWith("none")) return [];
      const files = [...tests.matchAll(/`([^`]+)`/g)].map(([, file = ""]) => file);
      if (files.length === 0) return [`${id}: names neither a test nor none`];
      return files.filter((file) => !cites(file, id)).map((file) => `${id}: ${file}`);
    });
    expect(wrong).toEqual([]);
  });
});

test("each file that is named is there", () => {
  const files = [...text.matchAll(/`((?:core|store|api|scheduler|worker|cli|sdk)\/[^`\s]+\.ts)`/g)];
  expect(files.length).toBeGreaterThan(200);
  const missing = files.flatMap(([, file = ""]) =>
    existsSync(join(packages, file)) ? [] : [file],
  );
  expect(missing).toEqual([]);
  const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link = ""]) => link);
  expect(links.filter((link) => !existsSync(join(packages, "../docs", link)))).toEqual([]);
});
