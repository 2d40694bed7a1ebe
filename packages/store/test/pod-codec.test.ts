import type { ContainerRecord, PodRecord } from "@gantry/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodePod, encodePod } from "../src/pod-codec.ts";

/** Undefined fields are not kept apart from absent ones. */
const plain = (pod: PodRecord): unknown => JSON.parse(JSON.stringify(pod));

const timeMs = fc.integer({ min: 0, max: 10_000_000 }).map((n) => 1_795_000_000_000 + n);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const words = fc.string({ minLength: 1, maxLength: 20 });

const state = fc.record({
  state: fc.constantFrom("waiting", "running", "terminated"),
  reason: maybe(fc.constantFrom("Completed", "Error", "ContainerCreating", "OOMKilled")),
  message: maybe(words),
  exitCode: maybe(fc.integer({ min: 0, max: 255 })),
  signal: maybe(fc.integer({ min: 0, max: 64 })),
  startedAtMs: maybe(timeMs),
  finishedAtMs: maybe(timeMs),
});

const container: fc.Arbitrary<ContainerRecord> = fc
  .tuple(
    state,
    fc.record({
      restartCount: fc.nat(9),
      ready: fc.boolean(),
      started: maybe(fc.boolean()),
      containerID: maybe(words),
      imageID: maybe(words),
      lastState: maybe(state),
    }),
  )
  .map(([now, rest]) => ({ ...now, ...rest }) as ContainerRecord);

const pod: fc.Arbitrary<PodRecord> = fc
  .record({
    uid: fc.oneof(fc.uuid(), words),
    createdAtMs: timeMs,
    jobName: maybe(fc.constantFrom("pi", "other-job", "a")),
    jobUid: fc.uuid(),
    suffix: fc.constantFrom("bcdfg", "x2z4k"),
    template: maybe(words),
    index: maybe(fc.nat(1000)),
    failureCount: maybe(fc.nat(5)),
    ignoredFailureCount: maybe(fc.nat(5)),
    phase: fc.constantFrom("Pending", "Running", "Succeeded", "Failed", "Unknown"),
    tracked: fc.boolean(),
    ready: fc.boolean(),
    node: maybe(words),
    claim: maybe(fc.integer({ min: 1, max: 1e6 })),
    portable: maybe(fc.constant(true)),
    scheduledAtMs: maybe(timeMs),
    startedAtMs: maybe(timeMs),
    readyChangedAtMs: maybe(timeMs),
    containers: fc.array(container, { maxLength: 3 }),
    initContainers: maybe(fc.array(container, { maxLength: 2 })),
    deletion: maybe(fc.record({ requestedAtMs: timeMs, graceSeconds: fc.nat(60) })),
    reason: maybe(words),
    message: maybe(words),
    podIP: maybe(fc.ipV4()),
    hostIP: maybe(fc.ipV4()),
    handle: maybe(words),
    conditions: maybe(fc.constant([{ type: "DisruptionTarget", status: "True" }])),
    meta: maybe(fc.constant({ labels: { a: "b" }, finalizers: ["example.com/x"] })),
    spec: maybe(fc.constant({ restartPolicy: "Never", containers: [{ name: "c" }] })),
  })
  .map(({ jobName, jobUid, suffix, ...rest }) => {
    const owner = jobName ?? "bare";
    const name =
      rest.index === undefined ? `${owner}-${suffix}` : `${owner}-${rest.index}-${suffix}`;
    const job = jobName === undefined ? undefined : { name: jobName, uid: jobUid };
    return { namespace: "default", name, job, ...rest } as PodRecord;
  });

describe("the stored form of a Pod", () => {
  test("keeps every field of any Pod", () => {
    fc.assert(
      fc.property(pod, (record) => {
        const read = decodePod(`default/${record.name}`, encodePod(record));
        expect(plain(read)).toEqual(plain(record));
      }),
      { numRuns: 2_000 },
    );
  });

  test("of an ended no-op Pod takes at most 150 bytes", () => {
    const at = 1_795_000_000_000;
    const text = encodePod({
      namespace: "default",
      name: "pi-0-abcde",
      uid: "e95e7615-5b8f-4136-af49-5e2565932d3e",
      createdAtMs: at,
      job: { name: "pi", uid: "4a3f6c1e-2222-4333-8444-555566667777" },
      template: "abcdefgh",
      index: 0,
      tracked: false,
      phase: "Succeeded",
      node: "laptop",
      claim: 12,
      scheduledAtMs: at + 3,
      startedAtMs: at + 3,
      readyChangedAtMs: at + 9,
      ready: false,
      containers: [
        {
          state: "terminated",
          exitCode: 0,
          reason: "Completed",
          startedAtMs: at + 5,
          finishedAtMs: at + 9,
          restartCount: 0,
          ready: false,
          started: false,
        },
      ],
    });
    expect(text.length).toBeLessThanOrEqual(150);
  });

  test.each(["{}", "[]", '["uid"]', "nonsense", "[1,2]"])("refuses %s", (text) => {
    expect(() => decodePod("default/x", text)).toThrow();
  });
});
