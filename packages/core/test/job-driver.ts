// Drives one Job through many syncs without a store: applies plans to Pod records, plays the node.
import { parseRfc3339, rfc3339 } from "../src/apimachinery/time.ts";
import { isPodRemovable, podAfterDelete } from "../src/deletion.ts";
import { IndexSet } from "../src/index-set.ts";
import { conditionTrue, isFinished, type Job, type JobSpec, type JobStatus } from "../src/job.ts";
import type { JobBook, JobEvent, JobPlan, JobSnapshot } from "../src/job-plan.ts";
import { isActive, isTerminal, isTerminating, type PodRecord } from "../src/pod-record.ts";
import { reconcileJob } from "../src/reconcile-job.ts";

/** 2026-11-23T08:00:00Z. */
export const START_MS = parseRfc3339("2026-11-23T08:00:00Z");

const MAX_SYNCS = 1000;
const GRACE_SECONDS = 30;

type SpecPatch = Partial<Omit<JobSpec, "template">> & { restartPolicy?: string };

export function testJob(patch: SpecPatch = {}, name = "demo"): Job {
  const { restartPolicy, ...spec } = patch;
  const perIndex = patch.backoffLimitPerIndex !== undefined;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name,
      namespace: "default",
      uid: "job-uid",
      creationTimestamp: rfc3339(START_MS),
      generation: 1,
    },
    spec: {
      parallelism: 1,
      backoffLimit: perIndex ? 2_147_483_647 : 6,
      completionMode: "NonIndexed",
      suspend: false,
      podReplacementPolicy: patch.podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed",
      selector: { matchLabels: { "batch.kubernetes.io/controller-uid": "job-uid" } },
      template: {
        metadata: { labels: { "batch.kubernetes.io/job-name": name } },
        spec: {
          restartPolicy: restartPolicy ?? "Never",
          terminationGracePeriodSeconds: GRACE_SECONDS,
          containers: [{ name: "c", image: "busybox" }],
        },
      },
      ...spec,
    },
    status: {},
  };
}

export function testPod(patch: Partial<PodRecord> = {}): PodRecord {
  return {
    namespace: "default",
    name: "demo-aaaaa",
    uid: "pod-uid",
    createdAtMs: START_MS,
    job: { name: "demo", uid: "job-uid" },
    template: "t",
    tracked: true,
    phase: "Pending",
    ready: false,
    containers: [],
    ...patch,
  };
}

/** A Pod that ended with this exit code at this time. */
export const endedPod = (
  exitCode: number,
  finishedAtMs: number,
  patch: Partial<PodRecord> = {},
): PodRecord =>
  testPod({
    node: "n",
    startedAtMs: START_MS,
    phase: exitCode === 0 ? "Succeeded" : "Failed",
    containers: [
      {
        state: "terminated",
        reason: exitCode === 0 ? "Completed" : "Error",
        exitCode,
        startedAtMs: START_MS,
        finishedAtMs,
        restartCount: 0,
        ready: false,
      },
    ],
    ...patch,
  });

export const runningPod = (patch: Partial<PodRecord> = {}): PodRecord =>
  testPod({
    node: "n",
    startedAtMs: START_MS,
    phase: "Running",
    containers: [{ state: "running", startedAtMs: START_MS, restartCount: 0, ready: true }],
    ready: true,
    readyChangedAtMs: START_MS,
    ...patch,
  });

export class JobDriver {
  job: Job;
  book: JobBook = {};
  nowMs = START_MS;
  wakeAtMs: number | null = null;
  /** Every Pod object that still exists, in order of creation. */
  readonly pods = new Map<string, PodRecord>();
  readonly orphans = new Map<string, PodRecord>();
  readonly released = new Set<string>();
  readonly statuses: JobStatus[] = [];
  readonly events: JobEvent[] = [];
  /** Uids of all Pods ever created by plans, in order. */
  readonly created: string[] = [];
  /** Called before each status is taken over. */
  onStatus: (job: Job, next: JobStatus) => void = () => {};
  onPlan: (plan: JobPlan, snapshot: JobSnapshot) => void = () => {};
  #ids = 0;

  constructor(patch: SpecPatch = {}) {
    this.job = testJob(patch);
  }

  freshUid(): string {
    this.#ids += 1;
    return `uid-${String(this.#ids).padStart(5, "0")}`;
  }

  get status(): JobStatus {
    return this.job.status;
  }

  get live(): PodRecord[] {
    return [...this.pods.values()].filter((pod) => !isTerminal(pod));
  }

  get active(): PodRecord[] {
    return [...this.pods.values()].filter(isActive);
  }

  get terminating(): PodRecord[] {
    return [...this.pods.values()].filter(isTerminating);
  }

  get finished(): boolean {
    return isFinished(this.job);
  }

  snapshot(): JobSnapshot {
    const pods = [...this.pods.values()].filter((pod) => !isTerminal(pod) || pod.tracked);
    return {
      job: this.job,
      book: this.book,
      pods,
      orphans: [...this.orphans.values()],
      released: new Set(pods.filter((pod) => this.released.has(pod.uid)).map((pod) => pod.name)),
    };
  }

  /** One sync and its commit. */
  sync(): JobPlan {
    const snapshot = this.snapshot();
    const plan = reconcileJob(snapshot, this.nowMs, () => {
      const uid = this.freshUid();
      return { uid, suffix: uid.slice(-5) };
    });
    this.onPlan(plan, snapshot);
    this.#apply(plan);
    return plan;
  }

  /** Syncs until nothing is due now. */
  settle(): void {
    for (let syncs = 0; syncs < MAX_SYNCS; syncs += 1) {
      const plan = this.sync();
      const quiet =
        plan.statuses.length === 0 && plan.create.length === 0 && plan.change.length === 0;
      if (quiet && (this.wakeAtMs === null || this.wakeAtMs > this.nowMs)) return;
    }
    throw new Error("the Job does not come to rest");
  }

  /** Time passes; syncs at the times that plans asked for. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.wakeAtMs !== null && this.wakeAtMs <= endMs) {
      this.nowMs = Math.max(this.nowMs, this.wakeAtMs);
      this.settle();
    }
    this.nowMs = endMs;
  }

  edit(patch: Partial<JobSpec>): void {
    const { generation } = this.job.metadata;
    this.job = {
      ...this.job,
      metadata: { ...this.job.metadata, generation: generation + 1 },
      spec: { ...this.job.spec, ...patch },
    };
  }

  deleteJob(): void {
    const deletionTimestamp = rfc3339(this.nowMs);
    this.job = { ...this.job, metadata: { ...this.job.metadata, deletionTimestamp } };
  }

  update(pod: PodRecord, patch: Partial<PodRecord>): PodRecord {
    const next = { ...(this.pods.get(pod.uid) ?? pod), ...patch };
    if (isPodRemovable(next)) this.pods.delete(pod.uid);
    else this.pods.set(pod.uid, next);
    return next;
  }

  start(pod: PodRecord): void {
    if (this.pods.get(pod.uid)?.phase !== "Pending") return;
    this.update(pod, {
      node: "node-0",
      scheduledAtMs: this.nowMs,
      startedAtMs: this.nowMs,
      phase: "Running",
      containers: [{ state: "running", startedAtMs: this.nowMs, restartCount: 0, ready: false }],
    });
  }

  startAll(): void {
    for (const pod of this.active) this.start(pod);
  }

  setReady(pod: PodRecord): void {
    this.update(pod, { ready: true, readyChangedAtMs: this.nowMs });
  }

  restart(pod: PodRecord): void {
    const containers = (this.pods.get(pod.uid)?.containers ?? []).map((container) => ({
      ...container,
      restartCount: container.restartCount + 1,
    }));
    this.update(pod, { containers });
  }

  /** All its containers end with this code; starts it first if need be. */
  end(pod: PodRecord, exitCode: number): void {
    this.start(pod);
    const now = this.pods.get(pod.uid);
    if (now === undefined || isTerminal(now)) return;
    this.update(pod, {
      phase: exitCode === 0 ? "Succeeded" : "Failed",
      ready: false,
      readyChangedAtMs: this.nowMs,
      containers: now.containers.map((container) => ({
        ...container,
        state: "terminated" as const,
        reason: exitCode === 0 ? "Completed" : "Error",
        exitCode,
        ready: false,
        finishedAtMs: this.nowMs,
      })),
    });
  }

  /** DELETE by a user. A Pod that no node has yet ends as Pod garbage collection ends it (R54). */
  deletePod(pod: PodRecord): void {
    const now = this.pods.get(pod.uid);
    if (now === undefined) return;
    const asked = podAfterDelete(
      now,
      { graceSeconds: undefined, specGraceSeconds: GRACE_SECONDS },
      this.nowMs,
    );
    this.update(pod, asked);
    if (now.node === undefined && !isTerminal(now)) this.update(pod, { phase: "Failed" });
  }

  evict(pod: PodRecord): void {
    if (!this.pods.has(pod.uid)) return;
    const lastTransitionTime = rfc3339(this.nowMs);
    const reason = "EvictionByEvictionAPI";
    this.update(pod, {
      conditions: [{ type: "DisruptionTarget", status: "True", reason, lastTransitionTime }],
    });
    this.deletePod(pod);
  }

  #apply(plan: JobPlan): void {
    for (const change of plan.change) {
      const { pod } = change;
      let next = this.pods.get(pod.uid) ?? this.orphans.get(pod.uid) ?? pod;
      if (change.adopt === true) {
        this.orphans.delete(pod.uid);
        next = { ...next, job: { name: this.job.metadata.name, uid: "job-uid" }, tracked: true };
      }
      if (change.release === true) {
        this.pods.delete(pod.uid);
        continue;
      }
      if (change.untrack === true) next = { ...next, tracked: false };
      if (change.delete === true) {
        next = podAfterDelete(
          next,
          { graceSeconds: undefined, specGraceSeconds: GRACE_SECONDS },
          this.nowMs,
        );
      }
      this.update(next, next);
    }
    for (const { name, uid, ...counts } of plan.create) {
      this.created.push(uid);
      this.pods.set(uid, testPod({ name, uid, createdAtMs: this.nowMs, ...counts }));
    }
    for (const status of plan.statuses) {
      this.onStatus(this.job, status);
      this.job = { ...this.job, status };
      this.statuses.push(status);
    }
    this.book = plan.book;
    this.events.push(...plan.events);
    this.wakeAtMs = plan.wakeAtMs;
  }
}

/** A status as the recordings show it: `set` for times, conditions as text. */
export function brief(status: JobStatus): Record<string, unknown> {
  const { conditions, startTime, completionTime, uncountedTerminatedPods: _, ...rest } = status;
  return {
    ...(startTime !== undefined && { startTime: "set" }),
    ...(completionTime !== undefined && { completionTime: "set" }),
    ...rest,
    ...(conditions !== undefined && {
      conditions: conditions.map(
        ({ type, status: truth, reason }) => `${type}=${truth}(${reason})`,
      ),
    }),
  };
}

/** Indexes of an index list without regard to completions. */
export const indexSet = (text: string | undefined): IndexSet => IndexSet.parse(text, 2 ** 31);

export const isTrue = (status: JobStatus, type: string): boolean =>
  conditionTrue(status.conditions, type);
