import { describe, expect, test } from "vitest";
import { isPodRemovable, metadataAfterDelete, podAfterDelete } from "./deletion.ts";
import type { PodRecord } from "./pod-record.ts";

const now = 1_795_000_000_000;
const time = "2026-11-18T11:06:40Z";
const metadata = { name: "a", uid: "u", creationTimestamp: time, generation: 3 };

describe("D3: deleting an object that is not a Pod", () => {
  test.each([
    ["Background", undefined, null],
    ["Background", ["orphan"], null],
    ["Background", ["foregroundDeletion"], null],
    ["Background", ["example.com/mine", "orphan"], ["example.com/mine"]],
    ["Foreground", undefined, ["foregroundDeletion"]],
    ["Foreground", ["orphan"], ["foregroundDeletion"]],
    ["Foreground", ["k8s.io/dummy-finalizer"], ["k8s.io/dummy-finalizer", "foregroundDeletion"]],
    ["Orphan", ["foregroundDeletion"], ["orphan"]],
    ["Orphan", undefined, ["orphan"]],
  ] as const)("%s with finalizers %j leaves %j", (propagation, before, after) => {
    const next = metadataAfterDelete(
      { ...metadata, ...(before === undefined ? {} : { finalizers: [...before] }) },
      propagation,
      now,
    );
    if (after === null) expect(next).toBeNull();
    else {
      expect(next).toMatchObject({
        finalizers: after,
        deletionTimestamp: time,
        deletionGracePeriodSeconds: 0,
        generation: 4,
      });
    }
  });

  test("a second delete keeps the time of the first", () => {
    const first = metadataAfterDelete(metadata, "Foreground", now);
    if (first === null) throw new Error("gone");
    const second = metadataAfterDelete(first, "Orphan", now + 60_000);
    expect(second).toMatchObject({
      deletionTimestamp: time,
      generation: 4,
      finalizers: ["orphan"],
    });
  });
});

const pod = (change: Partial<PodRecord> = {}): PodRecord => ({
  namespace: "default",
  name: "p",
  uid: "u",
  createdAtMs: now,
  tracked: false,
  phase: "Running",
  ready: true,
  node: "n",
  containers: [],
  ...change,
});

describe("D5: deleting a Pod", () => {
  test.each([
    ["what the request says", pod(), 5, 30, 5],
    ["else what the spec says", pod(), undefined, 12, 12],
    ["else 30 seconds", pod(), undefined, undefined, 30],
    ["1 for a negative one", pod(), -5, 30, 1],
    ["none without a node", pod({ node: undefined }), 50, 30, 0],
    ["none once it has ended", pod({ phase: "Failed" }), 50, 30, 0],
  ])("grace is %s", (_, record, asked, inSpec, graceSeconds) => {
    const next = podAfterDelete(record, { graceSeconds: asked, specGraceSeconds: inSpec }, now);
    expect(next.deletion).toEqual({ requestedAtMs: now, graceSeconds });
  });

  test("a second request can only shorten it", () => {
    const grace = (graceSeconds: number | undefined) => ({ graceSeconds, specGraceSeconds: 30 });
    const first = podAfterDelete(pod(), grace(20), now);
    expect(podAfterDelete(first, grace(30), now + 1000)).toBe(first);
    expect(podAfterDelete(first, grace(undefined), now + 1000)).toBe(first);
    expect(podAfterDelete(first, grace(2), now + 1000).deletion).toEqual({
      requestedAtMs: now + 1000,
      graceSeconds: 2,
    });
  });

  test("R54: a Pod of a Job that no node has seen ends Failed", () => {
    const grace = { graceSeconds: undefined, specGraceSeconds: undefined };
    const unbound = pod({ node: undefined, phase: "Pending", tracked: true });
    expect(podAfterDelete(unbound, grace, now).phase).toBe("Failed");
    expect(podAfterDelete({ ...unbound, tracked: false }, grace, now).phase).toBe("Pending");
    expect(podAfterDelete({ ...unbound, node: "n" }, grace, now).phase).toBe("Pending");
  });

  test.each([
    ["not asked for", pod({ phase: "Failed" }), false],
    ["running", pod({ deletion: { requestedAtMs: now, graceSeconds: 30 } }), false],
    ["ended", pod({ phase: "Failed", deletion: { requestedAtMs: now, graceSeconds: 30 } }), true],
    [
      "ended and not counted",
      pod({ phase: "Failed", tracked: true, deletion: { requestedAtMs: now, graceSeconds: 30 } }),
      false,
    ],
    [
      "held by a user's finalizer",
      pod({
        phase: "Failed",
        meta: { finalizers: ["example.com/x"] },
        deletion: { requestedAtMs: now, graceSeconds: 30 },
      }),
      false,
    ],
    ["without grace", pod({ deletion: { requestedAtMs: now, graceSeconds: 0 } }), true],
    ["unbound", pod({ node: undefined, deletion: { requestedAtMs: now, graceSeconds: 0 } }), true],
  ])("X4: the object of a Pod whose deletion is %s is removable: %s", (_, record, removable) => {
    expect(isPodRemovable(record)).toBe(removable);
  });
});
