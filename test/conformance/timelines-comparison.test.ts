// The comparison of lives: what it passes over and what it must tell.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compareLives } from "./timelines-comparison.ts";
import { keptDifferences } from "./timelines-differences.ts";
import { parseRecording, type Recording } from "./timelines-recording.ts";

const RUNNING =
  '{"startTime":"set","active":2,"terminating":0,"uncountedTerminatedPods":{},"ready":0}';
const counted = (fields: string): string =>
  `{"startTime":"set",${fields}"terminating":0,"uncountedTerminatedPods":{},"ready":0}`;
const MET = "SuccessCriteriaMet=True(CompletionsReached: enough)";

/** Two Pods, one fails and is replaced; times as in a slow cluster. */
const lines = [
  "0 ms  >>> POST job -> 201",
  "50 ms  Job ADDED {}",
  "60 ms  Pod pod0 ADDED Pending finalizers job-tracking",
  "61 ms  Pod pod1 ADDED Pending finalizers job-tracking",
  `70 ms  Job MODIFIED ${RUNNING}`,
  "80 ms  Pod pod0 MODIFIED Failed bound exit 1 finalizers job-tracking",
  "81 ms  Pod pod1 MODIFIED Succeeded bound exit 0 finalizers job-tracking",
  "1400 ms  Pod pod2 ADDED Pending finalizers job-tracking",
  "1500 ms  Job MODIFIED " +
    '{"startTime":"set","active":1,"terminating":0,"uncountedTerminatedPods":{"succeeded":1,"failed":1},"ready":0}',
  "1600 ms  Pod pod0 MODIFIED Failed bound exit 1",
  "1601 ms  Pod pod1 MODIFIED Succeeded bound exit 0",
  `1700 ms  Job MODIFIED ${counted('"active":1,"succeeded":1,"failed":1,')}`,
  "1800 ms  Pod pod2 MODIFIED Succeeded bound exit 0",
  `2900 ms  Job MODIFIED ${counted('"succeeded":2,"failed":1,')} conditions ${MET}`,
  "3000 ms  Event ADDED Normal SuccessfulCreate: Created pod: pod0 (count 1)",
  "3001 ms  Event ADDED Normal SuccessfulCreate: Created pod: pod1 (count 1)",
  "3002 ms  Event ADDED Normal SuccessfulCreate: Created pod: pod2 (count 1)",
  "3003 ms  Event ADDED Normal Completed: Job completed (count 1)",
];

const life = (texts: readonly string[]): Recording =>
  parseRecording(
    ["# manifest", '{"metadata":{"name":"life"},"spec":{}}', "# timeline", ...texts].join("\n"),
  );

const differences = (texts: readonly string[]): readonly string[] =>
  compareLives(life(lines), life(texts).entries).differences;

const edited = (from: string | RegExp, to: string): string[] =>
  lines.map((line) => line.replace(from, to));

const without = (part: string): string[] => lines.filter((line) => !line.includes(part));

const after = (part: string, line: string): string[] =>
  lines.flatMap((text) => (text.includes(part) ? [text, line] : [text]));

test("a life is as itself", () => {
  expect(differences(lines)).toEqual([]);
});

test.each([
  ["other names", lines.map((line) => line.replaceAll("pod1", "life-x7k2p"))],
  ["counts written at once", without('uncountedTerminatedPods":{"')],
  [
    "counts written one by one",
    after("70 ms", `75 ms  Job MODIFIED ${counted('"active":1,"failed":1,')}`),
  ],
  ["more ready than recorded", edited(/"active":2(.*)"ready":0/, '"active":2$1"ready":2')],
  [
    "a finalizer taken away sooner",
    edited(
      "80 ms  Pod pod0 MODIFIED Failed bound exit 1 finalizers job-tracking",
      "80 ms  Pod pod0 MODIFIED Failed bound exit 1",
    ),
  ],
])("passed over: %s", (_, texts) => {
  expect(differences(texts)).toEqual([]);
});

test.each([
  ["a condition's message", edited("CompletionsReached: enough", "CompletionsReached: other")],
  ["a condition's reason", edited("CompletionsReached", "SuccessPolicy")],
  ["the last status missing", without("2900 ms")],
  ["an outcome counted twice", edited('"succeeded":2,"failed":1', '"succeeded":2,"failed":2')],
  ["an outcome never counted", edited('"succeeded":2,"failed":1', '"succeeded":2')],
  [
    "a count that goes back",
    after("70 ms", `75 ms  Job MODIFIED ${counted('"active":2,"failed":2,')}`),
  ],
  ["a Pod too many active", after("70 ms", `75 ms  Job MODIFIED ${counted('"active":3,')}`)],
  ["no start", edited(/"startTime":"set",("active":2)/, "$1")],
  [
    "a completion time",
    edited(
      '{"startTime":"set","succeeded":2',
      '{"startTime":"set","completionTime":"set","succeeded":2',
    ),
  ],
  ["more ready than active", edited(/"active":2(.*)"ready":0/, '"active":2$1"ready":3')],
  ["a Pod's exit code", edited("exit 1", "exit 2")],
  ["a Pod missing", without("pod2")],
  [
    "a Pod never tracked",
    edited("pod2 ADDED Pending finalizers job-tracking", "pod2 ADDED Pending"),
  ],
  [
    "a Pod tracked for ever",
    edited(
      "1600 ms  Pod pod0 MODIFIED Failed bound exit 1",
      "1600 ms  Pod pod0 MODIFIED Failed bound exit 1 finalizers job-tracking",
    ),
  ],
  ["a Pod deleted", after("1800 ms", "1900 ms  Pod pod2 DELETED Succeeded bound exit 0 deleting")],
  ["an Event missing", without("Completed")],
  [
    "an Event twice",
    after("3003 ms", "3004 ms  Event ADDED Normal Completed: Job completed (count 1)"),
  ],
  ["an Event's message", edited("Job completed", "Job ended")],
  ["an Event of another Pod", edited("Created pod: pod2", "Created pod: pod1")],
  [
    "a replacement before there was anything to replace",
    [...lines.slice(0, 4), lines[7] ?? "", ...lines.slice(4, 7), ...lines.slice(8)].map((line) =>
      line.replace("1400 ms", "62 ms"),
    ),
  ],
])("told: %s", (_, texts) => {
  expect(differences(texts)).not.toEqual([]);
});

test("a line that is not understood is an error", () => {
  expect(() => life([...lines, "3100 ms  Node node0 ADDED"])).toThrow("not a line of a timeline");
});

test("docs/compatibility.md lists each difference that is kept", () => {
  const page = readFileSync(new URL("../../docs/compatibility.md", import.meta.url), "utf8");
  const [, section = ""] = page.split("Differences that are kept");
  const listed = section.split("\n## ", 1)[0]?.matchAll(/^\| ([a-z-]+) \| (?!difference)/gm) ?? [];
  const names = [...listed].map(([, name]) => name);
  expect(names).toEqual(keptDifferences.map(({ timeline }) => timeline));
});
