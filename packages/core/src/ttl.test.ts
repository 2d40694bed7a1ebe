import { expect, test } from "vitest";
import { parseRfc3339 } from "./apimachinery/time.ts";
import type { Job } from "./job.ts";
import { FinishTimeMissingError, ttlExpiry } from "./ttl.ts";

const finishedAt = "2024-01-01T12:00:00Z";

function job(conditions: Job["status"]["conditions"], spec: object, metadata: object = {}): Job {
  return { metadata, spec, status: { conditions, completionTime: "2024-01-01T11:00:00Z" } } as Job;
}
const condition = (type: string, status = "True") => [
  { type: "Suspended", status: "True", lastTransitionTime: "2023-01-01T00:00:00Z" },
  { type, status, lastTransitionTime: finishedAt },
];

test.each([
  ["Complete", 10],
  ["Failed", 10],
  ["Complete", 0],
])("H2, H4: %s + %d s, by the condition's time", (type, ttlSecondsAfterFinished) => {
  expect(ttlExpiry(job(condition(type), { ttlSecondsAfterFinished }))).toBe(
    parseRfc3339(finishedAt) + ttlSecondsAfterFinished * 1000,
  );
});

test.each([
  ["no TTL", job(condition("Complete"), {})],
  ["not finished", job([], { ttlSecondsAfterFinished: 1 })],
  ["no conditions", job(undefined, { ttlSecondsAfterFinished: 1 })],
  ["condition not true", job(condition("Complete", "False"), { ttlSecondsAfterFinished: 1 })],
  ["FailureTarget", job(condition("FailureTarget"), { ttlSecondsAfterFinished: 1 })],
  ["SuccessCriteriaMet", job(condition("SuccessCriteriaMet"), { ttlSecondsAfterFinished: 1 })],
  [
    "being deleted",
    job(condition("Failed"), { ttlSecondsAfterFinished: 1 }, { deletionTimestamp: finishedAt }),
  ],
])("H1: %s: never", (_title, given) => {
  expect(ttlExpiry(given)).toBeNull();
});

test("H8: managedBy plays no part", () => {
  const spec = { ttlSecondsAfterFinished: 1, managedBy: "example.com/other" };
  expect(ttlExpiry(job(condition("Complete"), spec))).not.toBeNull();
});

test("H6: a condition without a time is an error, not a date", () => {
  const broken = job([{ type: "Complete", status: "True" }], { ttlSecondsAfterFinished: 1 });
  expect(() => ttlExpiry(broken)).toThrow(FinishTimeMissingError);
});

test.each([
  ["raised", { ttlSecondsAfterFinished: 60 }, 60],
  ["lowered", { ttlSecondsAfterFinished: 1 }, 1],
  ["removed", {}, null],
])("H5: %s after the finish: it is the present TTL that counts", (_title, spec, seconds) => {
  const expected = seconds === null ? null : parseRfc3339(finishedAt) + seconds * 1000;
  expect(ttlExpiry(job(condition("Complete"), spec))).toBe(expected);
});

test("H6: a finish in the future is computed as any other", () => {
  const future = [{ type: "Failed", status: "True", lastTransitionTime: "2999-01-01T00:00:00Z" }];
  const expiry = ttlExpiry(job(future, { ttlSecondsAfterFinished: 5 }));
  expect(expiry).toBe(parseRfc3339("2999-01-01T00:00:05Z"));
});
