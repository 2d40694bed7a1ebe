// Scenarios over many syncs: worked timelines T1-T7, recorded lives, rules that span syncs.
import { describe, expect, it } from "vitest";
import { brief, JobDriver, runningPod, START_MS, testPod } from "../test/job-driver.ts";
import { MAX_CREATES_PER_SYNC, MAX_DELETES_PER_SYNC } from "./rules/pod-management.ts";

const briefs = (driver: JobDriver) => driver.statuses.map(brief);
const reasons = (driver: JobDriver) => driver.events.map(({ reason }) => reason);

const backoffLimitExceeded = [
  "FailureTarget=True(BackoffLimitExceeded)",
  "Failed=True(BackoffLimitExceeded)",
];
const completionsReached = [
  "SuccessCriteriaMet=True(CompletionsReached)",
  "Complete=True(CompletionsReached)",
];

describe("worked timelines", () => {
  it("T1, R31, R34: a failing Job stops the others, and fails once they have ended", () => {
    const driver = new JobDriver({ backoffLimit: 0, parallelism: 2, completions: 2 });
    driver.settle();
    driver.startAll();
    const [a, b] = driver.active;
    driver.end(a!, 1);
    driver.settle();
    const failing = {
      startTime: "set",
      failed: 2,
      terminating: 1,
      ready: 0,
      conditions: backoffLimitExceeded.slice(0, 1),
    };
    expect(brief(driver.status)).toEqual(failing);
    expect(driver.pods.get(b!.uid)).toMatchObject({
      tracked: false,
      deletion: { graceSeconds: 30 },
    });
    driver.end(b!, 137);
    driver.settle();
    expect(briefs(driver).slice(-2)).toEqual([
      { ...failing, terminating: 0 },
      { ...failing, terminating: 0, conditions: backoffLimitExceeded },
    ]);
    expect(driver.status.completionTime).toBeUndefined();
    expect(reasons(driver)).toEqual([
      "SuccessfulCreate",
      "SuccessfulCreate",
      "SuccessfulDelete",
      "BackoffLimitExceeded",
    ]);
  });

  it("T2, R23: never more than is still wanted; complete after the third success", () => {
    const driver = new JobDriver({ completions: 3, parallelism: 2 });
    driver.settle();
    expect(driver.active).toHaveLength(2);
    driver.end(driver.active[0]!, 0);
    driver.settle();
    expect(driver.active).toHaveLength(2);
    expect(driver.created).toHaveLength(3);
    for (const pod of driver.active) driver.end(pod, 0);
    driver.settle();
    expect(driver.created).toHaveLength(3);
    const done = { startTime: "set", succeeded: 3, terminating: 0, ready: 0 };
    expect(briefs(driver).slice(-2)).toEqual([
      { ...done, conditions: completionsReached.slice(0, 1) },
      { ...done, completionTime: "set", conditions: completionsReached },
    ]);
  });

  it("T3, R21, R23: a work queue replaces none after its first success", () => {
    const driver = new JobDriver({ parallelism: 3, completions: undefined });
    driver.settle();
    const [a, b, c] = driver.active;
    driver.end(a!, 0);
    driver.settle();
    expect(driver.active).toHaveLength(2);
    driver.end(b!, 1);
    driver.settle();
    expect(brief(driver.status)).toMatchObject({ active: 1, succeeded: 1, failed: 1 });
    driver.end(c!, 0);
    driver.settle();
    expect(driver.created).toHaveLength(3);
    expect(brief(driver.status)).toMatchObject({
      succeeded: 2,
      failed: 1,
      conditions: completionsReached,
    });
  });

  it("T4, R41: delays of 10, 20 and 40 s, then the backoff limit", () => {
    const driver = new JobDriver({ backoffLimit: 3 });
    driver.settle();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      driver.end(driver.active[0]!, 1);
      const failedAtMs = driver.nowMs;
      driver.settle();
      if (driver.wakeAtMs === null) break;
      driver.advance(driver.wakeAtMs - driver.nowMs - 1);
      expect(driver.active).toHaveLength(0);
      driver.advance(1);
      delays.push(driver.nowMs - failedAtMs);
      expect(driver.active).toHaveLength(1);
    }
    expect(delays).toEqual([10_000, 20_000, 40_000]);
    expect(brief(driver.status)).toMatchObject({ failed: 4, conditions: backoffLimitExceeded });
  });

  it("T5, R63, R67, F8: each index has its own limit", () => {
    const driver = new JobDriver({
      completionMode: "Indexed",
      completions: 4,
      parallelism: 4,
      backoffLimitPerIndex: 1,
    });
    driver.settle();
    for (let round = 0; round < 2; round += 1) {
      for (const pod of driver.active) driver.end(pod, pod.index! % 2);
      driver.settle();
      driver.advance(10_000);
    }
    driver.settle();
    expect(brief(driver.status)).toEqual({
      startTime: "set",
      succeeded: 2,
      failed: 4,
      terminating: 0,
      completedIndexes: "0,2",
      failedIndexes: "1,3",
      ready: 0,
      conditions: ["FailureTarget=True(FailedIndexes)", "Failed=True(FailedIndexes)"],
    });
  });

  it("T6, R32: a success policy stops the rest, which never counts", () => {
    const driver = new JobDriver({
      completionMode: "Indexed",
      completions: 5,
      parallelism: 2,
      successPolicy: { rules: [{ succeededCount: 1 }] },
    });
    driver.settle();
    driver.startAll();
    const [first, second] = driver.active;
    driver.end(first!, 0);
    driver.settle();
    expect(brief(driver.status)).toMatchObject({
      terminating: 1,
      conditions: ["SuccessCriteriaMet=True(SuccessPolicy)"],
    });
    expect(driver.status.conditions?.[0]?.message).toBe("Matched rules at index 0");
    driver.end(second!, 137);
    driver.settle();
    expect(brief(driver.status)).toEqual({
      startTime: "set",
      completionTime: "set",
      succeeded: 1,
      terminating: 0,
      completedIndexes: "0",
      ready: 0,
      conditions: ["SuccessCriteriaMet=True(SuccessPolicy)", "Complete=True(SuccessPolicy)"],
    });
  });

  it("T7, R27, R81: podReplacementPolicy Failed replaces a deleted Pod once it has ended", () => {
    const driver = new JobDriver({
      parallelism: 2,
      completions: 2,
      podReplacementPolicy: "Failed",
    });
    driver.settle();
    driver.startAll();
    const [a, b] = driver.active;
    driver.deletePod(a!);
    driver.deletePod(b!);
    driver.settle();
    expect(brief(driver.status)).toEqual({ startTime: "set", terminating: 2, ready: 0 });
    driver.end(a!, 137);
    driver.settle();
    expect(brief(driver.status)).toMatchObject({ failed: 1, terminating: 1 });
    expect(driver.active).toHaveLength(0);
    driver.advance(10_000);
    expect(driver.active).toHaveLength(1);
    driver.end(b!, 137);
    driver.settle();
    expect(brief(driver.status)).toMatchObject({ active: 1, failed: 2, terminating: 0 });
  });
});

describe("recorded lives", () => {
  it("R16, R39: the first status has its start, ready and terminating", () => {
    const driver = new JobDriver({ parallelism: 2, completions: 4 });
    driver.settle();
    expect(driver.statuses).toEqual([
      {
        startTime: "2026-11-23T08:00:00Z",
        active: 2,
        terminating: 0,
        uncountedTerminatedPods: {},
        ready: 0,
      },
    ]);
  });

  it("R19: no completions: complete at the first sync, in two writes", () => {
    const driver = new JobDriver({ completions: 0 });
    const plan = driver.sync();
    expect(plan.create).toEqual([]);
    const done = { startTime: "set", terminating: 0, ready: 0 };
    expect(briefs(driver)).toEqual([
      { ...done, conditions: completionsReached.slice(0, 1) },
      { ...done, completionTime: "set", conditions: completionsReached },
    ]);
    expect(plan.tally.finished).toEqual({ result: "succeeded", reason: "CompletionsReached" });
  });

  it("R19: no completions and suspended: complete without a start", () => {
    const driver = new JobDriver({ completions: 0, suspend: true });
    driver.settle();
    expect(driver.status.startTime).toBeUndefined();
    expect(brief(driver.status)).toMatchObject({ conditions: completionsReached });
  });

  it("R65: a failed index counts as failed once its replacement is active", () => {
    const driver = new JobDriver({
      completionMode: "Indexed",
      completions: 4,
      parallelism: 4,
      backoffLimitPerIndex: 1,
    });
    driver.settle();
    for (const pod of driver.active) driver.end(pod, pod.index! % 2);
    driver.settle();
    driver.advance(12_000);
    for (const pod of driver.active) driver.end(pod, 1);
    driver.settle();
    const conditions = ["FailureTarget=True(FailedIndexes)", "Failed=True(FailedIndexes)"];
    const always = { startTime: "set", terminating: 0, ready: 0 };
    const halfway = { ...always, succeeded: 2, completedIndexes: "0,2", failedIndexes: "" };
    const over = { ...halfway, failed: 4, failedIndexes: "1,3" };
    expect(briefs(driver)).toEqual([
      { ...always, active: 4, failedIndexes: "" },
      halfway,
      { ...halfway, active: 2 },
      { ...halfway, active: 2, failed: 2 },
      { ...over, conditions: conditions.slice(0, 1) },
      { ...over, conditions },
    ]);
    const counts = driver.created.map((uid) => driver.pods.get(uid)?.failureCount);
    expect(counts).toEqual([0, 0, 0, 0, 1, 1]);
  });

  it("F6, R31, R34: past its deadline a Job stops its Pods, and fails when they have ended", () => {
    const driver = new JobDriver({ activeDeadlineSeconds: 4, completions: 4, parallelism: 2 });
    driver.settle();
    driver.startAll();
    for (const pod of driver.active) driver.setReady(pod);
    driver.settle();
    driver.advance(4_000);
    for (const pod of driver.terminating) driver.end(pod, 137);
    driver.settle();
    const always = { startTime: "set", ready: 0 };
    const target = ["FailureTarget=True(DeadlineExceeded)"];
    expect(briefs(driver)).toEqual([
      { ...always, active: 2, terminating: 0 },
      { ...always, active: 2, terminating: 0, ready: 2 },
      { ...always, failed: 2, terminating: 2, conditions: target },
      { ...always, failed: 2, terminating: 0, conditions: target },
      {
        ...always,
        failed: 2,
        terminating: 0,
        conditions: [...target, "Failed=True(DeadlineExceeded)"],
      },
    ]);
    expect(driver.events.at(-1)).toEqual({
      type: "Warning",
      reason: "DeadlineExceeded",
      message: "Job was active longer than specified deadline",
    });
  });

  it("R68, R70, R71, R73: suspended while running, and resumed", () => {
    const driver = new JobDriver({ completions: 3, parallelism: 2 });
    driver.settle();
    driver.startAll();
    driver.edit({ suspend: true });
    driver.settle();
    for (const pod of driver.terminating) driver.end(pod, 137);
    driver.settle();
    driver.edit({ suspend: false });
    driver.nowMs += 8_000;
    driver.settle();
    const yes = ["Suspended=True(JobSuspended)"];
    expect(briefs(driver)).toEqual([
      { startTime: "set", active: 2, terminating: 0, ready: 0 },
      { terminating: 2, ready: 0, conditions: yes },
      { terminating: 0, ready: 0, conditions: yes },
      {
        startTime: "set",
        active: 2,
        terminating: 0,
        ready: 0,
        conditions: ["Suspended=False(JobResumed)"],
      },
    ]);
    expect(driver.status.startTime).toBe("2026-11-23T08:00:08Z");
    expect(reasons(driver)).toEqual([
      "SuccessfulCreate",
      "SuccessfulCreate",
      "SuccessfulDelete",
      "SuccessfulDelete",
      "Suspended",
      "SuccessfulCreate",
      "SuccessfulCreate",
      "Resumed",
    ]);
  });

  it("R25, R61: scaled down, the surplus goes uncounted; scaled up, new Pods start", () => {
    const driver = new JobDriver({ completions: 6, parallelism: 4 });
    driver.settle();
    driver.startAll();
    driver.edit({ parallelism: 1 });
    driver.settle();
    expect(brief(driver.status)).toEqual({
      startTime: "set",
      active: 1,
      terminating: 3,
      ready: 0,
    });
    for (const pod of driver.terminating) driver.end(pod, 137);
    driver.edit({ parallelism: 3 });
    driver.settle();
    expect(brief(driver.status)).toEqual({
      startTime: "set",
      active: 3,
      terminating: 0,
      ready: 0,
    });
  });

  it("R81: a Pod that a user deletes counts at once and is replaced after the delay", () => {
    const driver = new JobDriver({ completions: 1 });
    driver.settle();
    driver.startAll();
    driver.nowMs += 3_000;
    const pod = driver.active[0]!;
    driver.deletePod(pod);
    driver.settle();
    expect(brief(driver.status)).toMatchObject({ failed: 1, terminating: 1 });
    expect(driver.wakeAtMs).toBe(START_MS + 13_000);
    driver.end(pod, 0);
    driver.advance(10_000);
    expect(brief(driver.status)).toEqual({
      startTime: "set",
      active: 1,
      failed: 1,
      terminating: 0,
      ready: 0,
    });
  });

  it("R50, R85: an eviction that the policy ignores is replaced uncounted, after the delay", () => {
    const driver = new JobDriver({
      completions: 1,
      backoffLimit: 0,
      podFailurePolicy: {
        rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }],
      },
    });
    driver.settle();
    driver.startAll();
    const pod = driver.active[0]!;
    driver.evict(pod);
    driver.settle();
    expect(brief(driver.status)).toEqual({ startTime: "set", terminating: 1, ready: 0 });
    driver.end(pod, 137);
    driver.settle();
    expect(driver.active).toHaveLength(0);
    driver.advance(10_000);
    driver.end(driver.active[0]!, 0);
    driver.settle();
    expect(brief(driver.status)).toMatchObject({ succeeded: 1, conditions: completionsReached });
    expect(driver.status.failed).toBeUndefined();
  });

  it("F3, R51: exit code 42 fails the Job with the container, Pod and rule in the message", () => {
    const driver = new JobDriver({
      completionMode: "Indexed",
      completions: 4,
      parallelism: 4,
      podFailurePolicy: {
        rules: [
          { action: "FailJob", onExitCodes: { containerName: "c", operator: "In", values: [42] } },
        ],
      },
    });
    driver.settle();
    for (const pod of driver.active) driver.end(pod, pod.index === 2 ? 42 : 0);
    const plan = driver.sync();
    const name = [...driver.pods.values()].find((pod) => pod.index === 2)?.name;
    const message = `Container c for pod default/${name} failed with exit code 42 matching FailJob rule at index 0`;
    expect(brief(driver.status)).toEqual({
      startTime: "set",
      succeeded: 3,
      failed: 1,
      terminating: 0,
      completedIndexes: "0,1,3",
      ready: 0,
      conditions: ["FailureTarget=True(PodFailurePolicy)", "Failed=True(PodFailurePolicy)"],
    });
    expect(driver.status.conditions?.map((one) => one.message)).toEqual([message, message]);
    expect(plan.events).toEqual([{ type: "Warning", reason: "PodFailurePolicy", message }]);
    expect(plan.tally).toEqual({
      action: "reconciling",
      endedPodsReleased: 4,
      podsSucceeded: 3,
      podsFailed: 1,
      indexesSucceeded: 3,
      indexesFailed: 0,
      policyActions: { FailJob: 1 },
      finished: { result: "failed", reason: "PodFailurePolicy" },
    });
  });

  it("R78: a Job being deleted counts what ended, lets the rest go, and starts nothing", () => {
    const driver = new JobDriver({ completions: 3, parallelism: 3 });
    driver.settle();
    driver.startAll();
    const [a, b] = driver.active;
    driver.end(a!, 0);
    driver.deleteJob();
    driver.deletePod(b!);
    const plan = driver.sync();
    expect(plan.create).toEqual([]);
    expect(plan.change.every((change) => change.untrack === true && !change.delete)).toBe(true);
    expect(plan.change).toHaveLength(3);
    expect(brief(driver.status)).toEqual({
      startTime: "set",
      active: 1,
      succeeded: 1,
      failed: 1,
      terminating: 1,
      ready: 0,
    });
    driver.edit({ suspend: true });
    driver.settle();
    expect(driver.status.conditions).toBeUndefined();
  });
});

describe("rules of single syncs", () => {
  it("R3: a Job managed elsewhere is left alone, its Pods too", () => {
    const driver = new JobDriver({ managedBy: "acme.io/foo" });
    driver.pods.set("p", testPod({ uid: "p" }));
    expect(driver.sync()).toMatchObject({ statuses: [], create: [], change: [], events: [] });
    const ours = new JobDriver({ managedBy: "kubernetes.io/job-controller" });
    expect(ours.sync().create).toHaveLength(1);
  });

  it("R4, R80: a finished Job lets tracked Pods go and forgets its backoff, nothing more", () => {
    const driver = new JobDriver({ completions: 0 });
    driver.settle();
    driver.edit({ completions: 3, parallelism: 5, suspend: true });
    driver.book = { backoff: { failures: 1, lastFailureAtMs: 0 } };
    const late = runningPod({ uid: "late" });
    driver.pods.set("late", late);
    expect(driver.sync()).toMatchObject({
      statuses: [],
      create: [],
      change: [{ pod: late, untrack: true }],
      events: [],
      book: {},
      wakeAtMs: null,
    });
  });

  it("R5: an unknown completion mode gives an event and nothing else", () => {
    const driver = new JobDriver({ completionMode: "Sorted" });
    expect(driver.sync()).toMatchObject({
      statuses: [],
      create: [],
      events: [
        {
          type: "Warning",
          reason: "UnknownCompletionMode",
          message: "Skipped Job sync because completion mode is unknown",
        },
      ],
    });
  });

  it("R10, R9: adopts a matching Pod in place of creating one, and releases another", () => {
    const driver = new JobDriver({ completions: 2, parallelism: 2 });
    driver.orphans.set("o", runningPod({ uid: "o", name: "o", job: undefined, tracked: false }));
    driver.pods.set("r", runningPod({ uid: "r", name: "r" }));
    driver.released.add("r");
    const plan = driver.sync();
    expect(plan.change).toMatchObject([
      { pod: { name: "r" }, release: true },
      { pod: { name: "o", tracked: false }, adopt: true },
    ]);
    expect(plan.create).toHaveLength(1);
    expect(driver.status).toMatchObject({ active: 2 });
    expect(driver.pods.get("o")).toMatchObject({ tracked: true, job: { uid: "job-uid" } });
  });

  it("R10, R38: an adopted Pod that has ended is counted in the same sync", () => {
    const driver = new JobDriver({ completions: 1 });
    driver.orphans.set(
      "o",
      testPod({ uid: "o", job: undefined, tracked: false, phase: "Succeeded" }),
    );
    const plan = driver.sync();
    expect(plan.change).toMatchObject([{ adopt: true, untrack: true }]);
    expect(driver.status.succeeded).toBe(1);
  });

  it("R72: fails while suspended, with a start for validation's sake", () => {
    const driver = new JobDriver({
      completions: 1,
      backoffLimit: 0,
      podReplacementPolicy: "Failed",
    });
    driver.settle();
    driver.startAll();
    const pod = driver.active[0]!;
    driver.deletePod(pod);
    driver.edit({ suspend: true });
    driver.settle();
    expect(driver.status.startTime).toBeUndefined();
    driver.end(pod, 1);
    driver.settle();
    expect(driver.finished).toBe(true);
    expect(driver.status.startTime).toBeDefined();
  });

  it("R18: a decided success stays one, whatever fails later", () => {
    const driver = new JobDriver({
      completionMode: "Indexed",
      completions: 2,
      parallelism: 2,
      backoffLimit: 0,
      activeDeadlineSeconds: 5,
      successPolicy: { rules: [{ succeededCount: 1 }] },
    });
    driver.settle();
    driver.startAll();
    driver.end(driver.active[0]!, 0);
    driver.settle();
    driver.advance(10_000);
    driver.end(driver.terminating[0]!, 1);
    driver.settle();
    expect(driver.status.conditions?.map(({ type }) => type)).toEqual([
      "SuccessCriteriaMet",
      "Complete",
    ]);
    expect(driver.status.failed).toBeUndefined();
  });

  it("R40: more successes than completions are told before completion", () => {
    const driver = new JobDriver({ completions: 1, parallelism: 1 });
    driver.pods.set("a", testPod({ uid: "a", name: "a", phase: "Succeeded" }));
    driver.pods.set("b", testPod({ uid: "b", name: "b", phase: "Succeeded" }));
    driver.settle();
    expect(reasons(driver)).toEqual(["TooManySucceededPods", "Completed"]);
    expect(driver.status.succeeded).toBe(2);
  });

  it("R59, R61: completions lowered to what has succeeded completes the Job", () => {
    const driver = new JobDriver({ completionMode: "Indexed", completions: 3, parallelism: 3 });
    driver.settle();
    driver.startAll();
    for (const pod of driver.active) if (pod.index !== 1) driver.end(pod, 0);
    driver.settle();
    expect(driver.status).toMatchObject({ completedIndexes: "0,2", succeeded: 2 });
    driver.edit({ completions: 1, parallelism: 1 });
    driver.settle();
    expect(driver.status).toMatchObject({ completedIndexes: "0", succeeded: 1, terminating: 1 });
    driver.end(driver.terminating[0]!, 137);
    driver.settle();
    expect(driver.finished).toBe(true);
    expect(driver.status.failed).toBeUndefined();
  });

  it("R38: UIDs left uncounted by another controller are counted once", () => {
    const driver = new JobDriver({ completions: 5 });
    driver.job.status = {
      startTime: "2026-11-23T07:00:00Z",
      failed: 1,
      uncountedTerminatedPods: { succeeded: ["gone", "here"], failed: ["lost"] },
    };
    driver.pods.set("here", testPod({ uid: "here", phase: "Succeeded" }));
    driver.settle();
    expect(driver.status).toMatchObject({
      succeeded: 2,
      failed: 2,
      uncountedTerminatedPods: {},
    });
  });

  it("R31: more Pods than one commit deletes: the interim condition first, the rest after", () => {
    const driver = new JobDriver({
      parallelism: 1200,
      completions: 1200,
      activeDeadlineSeconds: 9,
    });
    const first = driver.sync();
    expect(first.create).toHaveLength(MAX_CREATES_PER_SYNC);
    expect(driver.wakeAtMs).toBe(driver.nowMs);
    driver.settle();
    expect(driver.status.active).toBe(1200);
    driver.startAll();
    driver.nowMs += 9_000;
    const plan = driver.sync();
    expect(plan.change.filter((change) => change.delete)).toHaveLength(MAX_DELETES_PER_SYNC);
    expect(driver.status).toMatchObject({ active: 700, terminating: 500, failed: 500 });
    expect(driver.status.conditions?.[0]?.type).toBe("FailureTarget");
    driver.settle();
    expect(driver.status).toMatchObject({ terminating: 1200, failed: 1200 });
    for (const pod of driver.terminating) driver.end(pod, 137);
    driver.settle();
    expect(driver.finished).toBe(true);
  });

  it("R25: a Pod without a node goes with its deletion: the Job looks again at once", () => {
    const driver = new JobDriver({ completions: 6, parallelism: 3 });
    driver.settle();
    driver.edit({ parallelism: 1 });
    driver.sync();
    expect(driver.status).toMatchObject({ active: 1, terminating: 2 });
    expect(driver.pods.size).toBe(1);
    expect(driver.wakeAtMs).toBe(driver.nowMs);
    driver.sync();
    expect(driver.status).toMatchObject({ active: 1, terminating: 0 });
  });

  it("R65: soon after the replacement was created, its forerunner is counted", () => {
    const driver = new JobDriver({
      completionMode: "Indexed",
      completions: 2,
      parallelism: 2,
      backoffLimitPerIndex: 3,
    });
    driver.settle();
    driver.end(driver.active[0]!, 1);
    driver.settle();
    driver.nowMs += 10_000;
    driver.sync();
    expect(driver.status).toMatchObject({ active: 2 });
    expect(driver.status.failed).toBeUndefined();
    expect(driver.wakeAtMs).toBe(driver.nowMs + 1_000);
    driver.advance(1_000);
    expect(driver.status).toMatchObject({ active: 2, failed: 1 });
  });

  it("R43: the backoff record lives as long as the Job goes on", () => {
    const driver = new JobDriver({ completions: 2, parallelism: 2 });
    driver.settle();
    const [a, b] = driver.active;
    driver.end(a!, 0);
    driver.nowMs += 2_000;
    driver.end(b!, 1);
    driver.settle();
    expect(driver.book).toEqual({
      backoff: { failures: 1, lastFailureAtMs: START_MS + 2_000 },
      lastSuccessAtMs: START_MS,
    });
    driver.advance(10_000);
    driver.end(driver.active[0]!, 0);
    driver.settle();
    expect(driver.finished).toBe(true);
    expect(driver.book).toEqual({});
  });

  it("R56: a taken name is drawn again", () => {
    const driver = new JobDriver({ parallelism: 2, completions: 2 });
    driver.pods.set("x", runningPod({ uid: "x", name: "demo-00001" }));
    expect(driver.sync().create.map(({ name }) => name)).toEqual(["demo-00002"]);
  });
});
