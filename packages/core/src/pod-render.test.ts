// renderPod, and recordFromPod as its inverse; test/recorded-pods.test.ts has recorded Pods.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endedPod, runningPod, START_MS, testPod } from "../test/job-driver.ts";
import { recordFromPod } from "./pod-from-api.ts";
import { podConditions } from "./pod-conditions.ts";
import type { PodRecord } from "./pod-record.ts";
import { renderPod } from "./pod-render.ts";
import type { Pod, PodTemplateSpec } from "./schema/pod.ts";

const template: PodTemplateSpec = {
  metadata: {
    labels: { "batch.kubernetes.io/job-name": "demo", "job-name": "demo" },
    annotations: { team: "a" },
  },
  spec: {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 30,
    initContainers: [{ name: "prepare", image: "busybox", env: [{ name: "A", value: "1" }] }],
    containers: [
      { name: "c", image: "busybox", resources: { limits: { cpu: "1" } } },
      { name: "d", image: "busybox", env: [{ name: "JOB_COMPLETION_INDEX", value: "mine" }] },
    ],
  },
};

const waiting = { state: "waiting" as const, restartCount: 0, ready: false };
const two = (record: PodRecord): PodRecord => ({
  ...record,
  containers: [...record.containers, ...record.containers],
});

describe("renderPod", () => {
  it("says of a gated Pod what it waits for, until it is bound", () => {
    const spec = { ...template.spec, schedulingGates: [{ name: "example.com/hold" }] };
    const gated = testPod({ spec, node: undefined, scheduledAtMs: undefined });
    const conditions = renderPod(gated, template, "7").status?.conditions;
    expect(conditions?.filter(({ type }) => type === "PodScheduled")).toEqual([
      {
        type: "PodScheduled",
        status: "False",
        lastTransitionTime: "2026-11-23T08:00:00Z",
        reason: "SchedulingGated",
        message: "Scheduling is blocked due to non-empty scheduling gates",
      },
    ]);
  });

  it("shows metadata: tracking finalizer, owner, index, counts, deletion", () => {
    const record = testPod({
      name: "demo-3-abcde",
      index: 3,
      failureCount: 1,
      ignoredFailureCount: 2,
      deletion: { requestedAtMs: START_MS, graceSeconds: 30 },
      meta: { finalizers: ["example.com/hold"] },
    });
    expect(renderPod(record, template, "7").metadata).toEqual({
      name: "demo-3-abcde",
      generateName: "demo-3-",
      namespace: "default",
      uid: "pod-uid",
      resourceVersion: "7",
      generation: 2,
      creationTimestamp: "2026-11-23T08:00:00Z",
      deletionTimestamp: "2026-11-23T08:00:30Z",
      deletionGracePeriodSeconds: 30,
      labels: {
        "batch.kubernetes.io/job-name": "demo",
        "job-name": "demo",
        "batch.kubernetes.io/job-completion-index": "3",
      },
      annotations: {
        team: "a",
        "batch.kubernetes.io/job-completion-index": "3",
        "batch.kubernetes.io/job-index-failure-count": "1",
        "batch.kubernetes.io/job-index-ignored-failure-count": "2",
      },
      ownerReferences: [
        {
          apiVersion: "batch/v1",
          kind: "Job",
          name: "demo",
          uid: "job-uid",
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      finalizers: ["batch.kubernetes.io/job-tracking", "example.com/hold"],
    });
  });

  it("R55: gives the index to every container without such a variable, and a hostname", () => {
    const spec = renderPod(testPod({ index: 3, node: "n" }), template, "1").spec;
    const path = "metadata.labels['batch.kubernetes.io/job-completion-index']";
    const variable = {
      name: "JOB_COMPLETION_INDEX",
      valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: path } },
    };
    expect(spec?.initContainers?.[0]?.env).toEqual([{ name: "A", value: "1" }, variable]);
    expect(spec?.containers?.[0]?.env).toEqual([variable]);
    expect(spec?.containers?.[1]?.env).toEqual([{ name: "JOB_COMPLETION_INDEX", value: "mine" }]);
    expect(spec).toMatchObject({ hostname: "demo-3", nodeName: "n", enableServiceLinks: true });
  });

  it("keeps the hostname of a released Pod, from its template or its name", () => {
    const released = testPod({ name: "demo-3-abcde", index: 3, job: undefined });
    expect(renderPod(released, template, "1").spec?.hostname).toBe("demo-3");
    const manual = { spec: template.spec };
    expect(renderPod(released, manual, "1").spec?.hostname).toBe("demo-3");
  });

  it("a new Pod is Pending, without conditions or container statuses", () => {
    expect(renderPod(testPod(), template, "1").status).toEqual({
      phase: "Pending",
      qosClass: "Burstable",
    });
  });

  it.each<[string, PodRecord, string[]]>([
    ["bound", testPod({ node: "n", scheduledAtMs: START_MS }), ["PodScheduled=True"]],
    [
      "initialising",
      testPod({
        node: "n",
        startedAtMs: START_MS,
        initContainers: [waiting],
        containers: [waiting, waiting],
      }),
      [
        "PodReadyToStartContainers=False",
        "Initialized=False ContainersNotInitialized",
        "Ready=False ContainersNotReady",
        "ContainersReady=False ContainersNotReady",
        "PodScheduled=True",
      ],
    ],
    [
      "ready",
      two(runningPod()),
      [
        "PodReadyToStartContainers=True",
        "Initialized=True",
        "Ready=True",
        "ContainersReady=True",
        "PodScheduled=True",
      ],
    ],
    [
      "failed",
      two(endedPod(1, START_MS)),
      [
        "PodReadyToStartContainers=False",
        "Initialized=True",
        "Ready=False PodFailed",
        "ContainersReady=False PodFailed",
        "PodScheduled=True",
      ],
    ],
  ])("X3: conditions of a Pod that is %s", (_, record, conditions) => {
    const shown = podConditions(record, template.spec).map(({ type, status, reason }) =>
      `${type}=${status} ${reason ?? ""}`.trim(),
    );
    expect(shown).toEqual(conditions);
  });

  it("X3: names the containers that are not ready", () => {
    const record = testPod({
      node: "n",
      startedAtMs: START_MS,
      containers: [waiting, { ...waiting, ready: true }],
    });
    const messages = podConditions(record, template.spec).map(({ message }) => message);
    expect(messages).toContain("containers with unready status: [c]");
  });

  it("a condition that a client wrote holds until the record has a newer one", () => {
    const own = { type: "Ready", status: "False", lastTransitionTime: "2026-11-23T08:00:05Z" };
    const at = (readyChangedAtMs: number) =>
      podConditions(runningPod({ readyChangedAtMs, conditions: [own] })).filter(
        ({ type }) => type === "Ready",
      );
    expect(at(START_MS)).toEqual([own]);
    expect(at(START_MS + 9_000)).toMatchObject([{ status: "True" }]);
  });

  it.each([
    [{}, {}, "BestEffort"],
    [{ cpu: "1" }, { cpu: "1" }, "Burstable"],
    [{ cpu: "1", memory: "1Gi" }, { cpu: "1000m", memory: "1024Mi" }, "Guaranteed"],
    [{ cpu: "1", memory: "1Gi" }, { cpu: "500m", memory: "1Gi" }, "Burstable"],
  ])("limits %j, requests %j: %s", (limits, requests, qosClass) => {
    const spec = { containers: [{ name: "c", resources: { limits, requests } }] };
    const record = testPod({ template: undefined, spec });
    expect(renderPod(record, undefined, "1").status?.qosClass).toBe(qosClass);
  });
});

describe("recordFromPod", () => {
  const atMs = fc.nat({ max: 1e9 }).map((ms) => START_MS + ms);
  const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined });
  const state = fc.oneof(
    fc.record({
      state: fc.constant("waiting" as const),
      reason: maybe(fc.constant("ErrImagePull")),
    }),
    fc.record({ state: fc.constant("running" as const), startedAtMs: atMs }),
    fc.record({
      state: fc.constant("terminated" as const),
      exitCode: fc.nat({ max: 255 }),
      signal: maybe(fc.constant(9)),
      reason: maybe(fc.constantFrom("Error", "OOMKilled")),
      message: maybe(fc.constant("out of memory")),
      startedAtMs: maybe(atMs),
      finishedAtMs: maybe(atMs),
    }),
  );
  const container = fc
    .tuple(
      state,
      fc.record({
        restartCount: fc.nat({ max: 5 }),
        ready: fc.boolean(),
        started: maybe(fc.boolean()),
        lastState: maybe(state),
        containerID: maybe(fc.constant("process://1")),
        imageID: maybe(fc.constant("sha256:1")),
      }),
    )
    .map(([one, rest]) => ({ ...one, ...rest }));
  const record: fc.Arbitrary<PodRecord> = fc
    .record({
      job: maybe(fc.constant({ name: "demo", uid: "job-uid" })),
      index: maybe(fc.nat({ max: 9 })),
      failureCount: maybe(fc.nat({ max: 9 })),
      tracked: fc.boolean(),
      phase: fc.constantFrom(
        "Pending" as const,
        "Running" as const,
        "Succeeded" as const,
        "Failed" as const,
      ),
      reason: maybe(fc.constant("Evicted")),
      message: maybe(fc.constant("why")),
      node: maybe(fc.constant("n")),
      claim: maybe(fc.nat()),
      handle: maybe(fc.constant("task/1")),
      deletion: maybe(fc.record({ requestedAtMs: atMs, graceSeconds: fc.nat({ max: 60 }) })),
      createdAtMs: atMs,
      startedAtMs: atMs,
      ready: fc.boolean(),
      readyChangedAtMs: atMs,
      containers: fc.oneof(fc.constant([]), fc.tuple(container, container)),
      initContainers: maybe(fc.tuple(container)),
      podIP: maybe(fc.constant("10.0.0.1")),
      hostIP: maybe(fc.constant("10.0.0.2")),
      meta: maybe(
        fc.constantFrom(
          { labels: { a: "b" } },
          { annotations: { a: "b" }, finalizers: ["x/y"] },
          { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "c", uid: "u" }] },
        ),
      ),
      conditions: maybe(
        fc.constant([{ type: "DisruptionTarget", status: "True", reason: "DeletionByPodGC" }]),
      ),
    })
    .map((patch) => {
      // Phase Pending or Running follows no rule here; a terminated Pod is never ready.
      const ready = patch.ready && patch.phase === "Running";
      return {
        ...testPod(),
        ...patch,
        ready,
        ...(patch.node && { scheduledAtMs: patch.createdAtMs }),
      };
    });
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

  it("is renderPod's inverse: nothing changed, nothing lost", () => {
    fc.assert(
      fc.property(record, (before) => {
        // Labels and annotations of its own leave the index and its counts to annotations alone.
        const own = before.meta?.annotations !== undefined;
        const one = own ? { ...before, index: undefined, failureCount: undefined } : before;
        const again = recordFromPod(renderPod(one, template, "1"), one, template);
        expect(plain(again)).toEqual(plain(one));
      }),
      { numRuns: 10_000 },
    );
  });

  const stored = testPod({ name: "demo-0-abcde", index: 0 });
  const shown = renderPod(stored, template, "1");

  it("R9: ownerReferences taken away: no Job any more", () => {
    const metadata = { ...shown.metadata, ownerReferences: undefined };
    expect(recordFromPod({ ...shown, metadata }, stored, template)).not.toHaveProperty("job");
  });

  it("labels taken away stay away", () => {
    const metadata = { ...shown.metadata, labels: undefined };
    const record_ = recordFromPod({ ...shown, metadata }, stored, template);
    expect(record_.meta).toEqual({ labels: {} });
    expect(renderPod(record_, template, "1").metadata).not.toHaveProperty("labels");
  });

  it("R82: the tracking finalizer taken away: not tracked", () => {
    const metadata = { ...shown.metadata, finalizers: [] };
    expect(recordFromPod({ ...shown, metadata }, stored, template).tracked).toBe(false);
  });

  it("R11: the reference of another controller is not the Job's", () => {
    const other = {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      name: "r",
      uid: "r",
      controller: true,
    };
    const metadata = { ...shown.metadata, ownerReferences: [other] };
    const record_ = recordFromPod({ ...shown, metadata }, stored, template);
    expect(record_).not.toHaveProperty("job");
    expect(renderPod(record_, template, "1").metadata?.ownerReferences).toEqual([other]);
  });

  it.each([
    ["-1", 0],
    ["x", 0],
    ["2147483648", 0],
    ["7", 7],
  ])("R62: failure count %s reads as %i", (text, count) => {
    const annotations = { "batch.kubernetes.io/job-index-failure-count": text };
    const metadata = { ...shown.metadata, annotations };
    const record_ = recordFromPod({ ...shown, metadata }, stored, template);
    expect(record_.failureCount).toBe(count);
    expect(record_).not.toHaveProperty("index");
    expect(renderPod(record_, template, "1").metadata?.annotations).toEqual(annotations);
  });

  it("a changed spec is kept whole, and shown as written", () => {
    const spec = { ...shown.spec, activeDeadlineSeconds: 60 };
    const record_ = recordFromPod({ ...shown, spec }, stored, template);
    expect(record_.spec?.activeDeadlineSeconds).toBe(60);
    expect(renderPod(record_, template, "1").spec).toEqual(spec);
  });

  it("a status patch: phase, conditions and exit codes are the record's", () => {
    const conditions = [
      {
        type: "Example",
        status: "True",
        reason: "Set",
        lastTransitionTime: "2026-11-23T08:00:01Z",
      },
    ];
    const containerStatuses = [
      { name: "d", state: { terminated: { exitCode: 3 } } },
      { name: "c", state: { running: {} }, restartCount: 2 },
    ];
    const status = { phase: "Failed", reason: "Because", conditions, containerStatuses };
    const record_ = recordFromPod({ ...shown, status }, stored, template);
    expect(record_).toMatchObject({ phase: "Failed", reason: "Because", conditions });
    expect(record_.containers).toEqual([
      { state: "running", restartCount: 2, ready: false },
      { state: "terminated", exitCode: 3, restartCount: 0, ready: false },
    ]);
  });

  it("a new Pod keeps its own spec and metadata", () => {
    const pod: Pod = {
      metadata: {
        name: "bare",
        namespace: "default",
        uid: "u",
        creationTimestamp: "2026-11-23T08:00:00Z",
        labels: { app: "x" },
      },
      spec: { containers: [{ name: "c", image: "i" }] },
    };
    expect(recordFromPod(pod)).toEqual({
      namespace: "default",
      name: "bare",
      uid: "u",
      createdAtMs: START_MS,
      tracked: false,
      phase: "Pending",
      ready: false,
      containers: [],
      spec: pod.spec,
      meta: { labels: { app: "x" } },
    });
  });
});
