// What the watches of Jobs and Pods showed, in the order of revisions, held against the rules of the Job controller.
import type { ApiObject, Change } from "./recorder.ts";

export interface JobStatus {
  readonly active?: number;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly terminating?: number;
  readonly completedIndexes?: string;
  readonly failedIndexes?: string;
  readonly conditions?: readonly { type: string; status: string; reason?: string }[];
}

export interface JobSpec {
  readonly parallelism: number;
  readonly completions?: number;
  readonly completionMode?: string;
  readonly suspend?: boolean;
  readonly backoffLimit?: number;
  readonly podReplacementPolicy?: string;
  readonly podFailurePolicy?: {
    readonly rules: readonly {
      readonly action: string;
      readonly onExitCodes?: { readonly operator: string; readonly values: readonly number[] };
      readonly onPodConditions?: readonly { readonly type: string }[];
    }[];
  };
  readonly template: { readonly spec: { readonly runtimeClassName?: string } };
}

export interface PodView {
  readonly name: string;
  readonly uid: string;
  readonly node: string | undefined;
  readonly index: number | undefined;
  readonly phase: string;
  readonly reason: string | undefined;
  readonly exitCode: number | undefined;
  readonly conditions: readonly { readonly type: string; readonly reason?: string }[];
  readonly isDeleting: boolean;
  /** Not counted yet: it has the Job's finalizer. */
  readonly isTracked: boolean;
}

export interface PodHistory {
  readonly uid: string;
  readonly name: string;
  /** Revision at which it was seen first, and whether it may have been there before. */
  readonly createdAt: number;
  readonly isCreationSeen: boolean;
  /** Revision at which its deletion was first seen. */
  deletingAt: number;
  /** It went while the watch was expired; what became of it nobody saw. */
  isGoneInGap: boolean;
  view: PodView;
  /** For people: what it was at which revision. */
  readonly steps: string[];
}

export interface JobHistory {
  readonly key: string;
  readonly uid: string;
  object: ApiObject;
  revision: number;
  isDeleted: boolean;
  /** It went while the watch was expired; how it ended nobody saw. */
  isGoneInGap: boolean;
  readonly live: Map<string, PodHistory>;
  readonly pods: Map<string, PodHistory>;
  readonly counted: { readonly pod: PodView; readonly as: "succeeded" | "failed" }[];
  /** A gap in what was told of Pods hid how some of them left the books. */
  isUncertain: boolean;
  readonly steps: string[];
}

const INDEX = "batch.kubernetes.io/job-completion-index";
const TRACKING = "batch.kubernetes.io/job-tracking";

export const specOf = ({ object }: JobHistory): JobSpec => object.spec as unknown as JobSpec;
export const statusOf = ({ status = {} }: ApiObject): JobStatus => status as JobStatus;
export const isTrue = (status: JobStatus, type: string): boolean =>
  (status.conditions ?? []).some((one) => one.type === type && one.status === "True");
export const isOver = (status: JobStatus): boolean =>
  isTrue(status, "Complete") || isTrue(status, "Failed");

const viewOf = ({ metadata, spec, status = {} }: ApiObject): PodView => {
  const index = metadata.annotations?.[INDEX];
  const containers = (status["containerStatuses"] ?? []) as readonly {
    readonly state?: { readonly terminated?: { readonly exitCode: number } };
  }[];
  return {
    name: metadata.name,
    uid: metadata.uid,
    node: spec["nodeName"] as string | undefined,
    index: index === undefined ? undefined : Number(index),
    phase: (status["phase"] as string | undefined) ?? "Pending",
    reason: status["reason"] as string | undefined,
    exitCode: containers[0]?.state?.terminated?.exitCode,
    conditions: (
      (status["conditions"] ?? []) as readonly { type: string; status: string; reason?: string }[]
    ).filter((one) => one.status === "True"),
    isDeleting: metadata.deletionTimestamp !== undefined,
    isTracked: metadata.finalizers?.includes(TRACKING) === true,
  };
};

export const isTerminal = ({ phase }: PodView): boolean =>
  phase === "Succeeded" || phase === "Failed";
const isActive = (pod: PodView): boolean => !isTerminal(pod) && !pod.isDeleting;

const replacesOnlyEnded = (spec: JobSpec): boolean =>
  spec.podReplacementPolicy === "Failed" || spec.podFailurePolicy !== undefined;

/** A first rule of the policy that matches a failed Pod and says Ignore (R47-R50), told plainly. */
const isIgnored = (spec: JobSpec, pod: PodView): boolean => {
  for (const { action, onExitCodes, onPodConditions } of spec.podFailurePolicy?.rules ?? []) {
    const byCode =
      pod.exitCode !== undefined && onExitCodes?.values.includes(pod.exitCode) === true;
    const byCondition = (onPodConditions ?? []).some(({ type }) =>
      pod.conditions.some((one) => one.type === type),
    );
    if (byCode || byCondition) return action === "Ignore";
  }
  return false;
};

export const grouped = <T>(all: Iterable<T>, keyOf: (one: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return groups;
};

/** `0-2,4` */
export const indexesOf = (text: string | undefined): Set<number> => {
  const found = new Set<number>();
  for (const part of (text ?? "").split(",").filter((one) => one !== "")) {
    const [first = 0, last = first] = part.split("-").map(Number);
    for (let index = first; index <= last; index++) found.add(index);
  }
  return found;
};

export interface Recorded {
  readonly changes: readonly Change[];
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
}

export class History {
  readonly jobs = new Map<string, JobHistory>();
  /** By the Pod's uid. */
  readonly pods = new Map<string, { readonly job: JobHistory; readonly pod: PodHistory }>();
  readonly violations: string[] = [];

  readonly #gaps: Recorded["gaps"];

  constructor(jobs: Recorded, pods: Recorded) {
    this.#gaps = pods.gaps;
    const all = [
      ...jobs.changes.map((change) => ({ change, isJob: true })),
      ...pods.changes.map((change) => ({ change, isJob: false })),
    ].toSorted((a, b) => a.change.revision - b.change.revision);
    for (const { change, isJob } of all) {
      if (isJob) this.#jobChanged(change);
      else this.#podChanged(change);
    }
    for (const job of this.jobs.values()) if (!job.isDeleted) this.#checkBooks(job);
  }

  #violated(job: JobHistory, rule: string, detail: unknown = {}): void {
    this.violations.push(
      `${rule}: ${job.key}: ${JSON.stringify(detail)}\n${job.steps.slice(-12).join("\n")}`,
    );
  }

  #jobChanged({ revision, type, object, afterGap }: Change): void {
    const { uid, namespace, name } = object.metadata;
    const before = this.jobs.get(uid);
    const step = `${revision} ${type} ${JSON.stringify(object.status ?? {})}`;
    if (before === undefined) {
      if (type === "DELETED") return;
      this.jobs.set(uid, {
        ...{
          key: `${namespace}/${name}`,
          uid,
          object,
          revision,
          isDeleted: false,
          isGoneInGap: false,
        },
        ...{ live: new Map(), pods: new Map(), counted: [], isUncertain: afterGap, steps: [step] },
      });
      return;
    }
    before.steps.push(step);
    if (type === "DELETED") {
      before.isDeleted = true;
      before.isGoneInGap = afterGap;
      return;
    }
    const wasOver = isOver(statusOf(before.object));
    const inGap = this.#gaps.some((gap) => gap.to > before.revision && gap.from < revision);
    before.isUncertain ||= inGap && !wasOver;
    // Two statuses of one transaction (R34) come before the Pods that they count.
    if (!afterGap && revision !== before.revision + 1) this.#checkBooks(before);
    this.#checkStatus(before, statusOf(before.object), statusOf(object));
    before.object = object;
    before.revision = revision;
  }

  #podChanged({ revision, type, object, afterGap }: Change): void {
    const owner = object.metadata.ownerReferences?.find(({ kind }) => kind === "Job");
    const known = this.pods.get(object.metadata.uid);
    const job = known?.job ?? (owner === undefined ? undefined : this.jobs.get(owner.uid));
    if (job === undefined) return;
    const view = viewOf(object);
    const { name, uid } = view;
    const before = known?.pod.view;
    const what = { ...view, name: undefined, uid: undefined };
    const step = `${revision} ${type}${afterGap ? " after a gap" : ""} ${JSON.stringify(what)}`;
    if (known === undefined || before === undefined) {
      if (type === "DELETED") return;
      const pod: PodHistory = {
        ...{ uid, name, createdAt: revision, isCreationSeen: !afterGap },
        ...{
          deletingAt: view.isDeleting ? revision : Infinity,
          isGoneInGap: false,
          view,
          steps: [step],
        },
      };
      if (!afterGap && type === "ADDED") this.#checkCreation(job, view);
      job.pods.set(uid, pod);
      job.live.set(uid, pod);
      this.pods.set(uid, { job, pod });
      return;
    }
    const { pod } = known;
    pod.steps.push(step);
    if (view.isDeleting) pod.deletingAt = Math.min(pod.deletingAt, revision);
    if (type === "DELETED") {
      job.live.delete(uid);
      pod.isGoneInGap = afterGap;
      if (!afterGap) pod.view = view;
      return;
    }
    if (isTerminal(before) && before.phase !== view.phase) {
      this.#violated(job, "G2 an ended Pod stays as it ended", { name, before, view });
    }
    if (before.node !== undefined && before.node !== view.node) {
      this.#violated(job, "G3 a Pod stays on its node", { name, before, view });
    }
    pod.view = view;
    if (!before.isTracked || view.isTracked || job.isDeleted) return;
    // Orphaned with its Job's deletion, it leaves the books uncounted.
    if (!afterGap && owner?.uid === job.uid) this.#count(job, before, view);
  }

  /** R25, R32, R81: a Pod leaves the books: as what? */
  #count(job: JobHistory, before: PodView, after: PodView): void {
    const status = statusOf(job.object);
    const spec = specOf(job);
    const fails = isTrue(status, "FailureTarget");
    const isDecided = fails || isTrue(status, "SuccessCriteriaMet");
    // R25: scaled down, suspended, a duplicate.
    if (!before.isDeleting && after.isDeleting && !isDecided) return;
    const isTerminating = !isTerminal(before) && before.isDeleting;
    const isFailure = before.phase === "Failed" || (isTerminating && !replacesOnlyEnded(spec));
    if (before.phase === "Succeeded") job.counted.push({ pod: before, as: "succeeded" });
    else if ((isFailure || fails) && !isIgnored(spec, before)) {
      job.counted.push({ pod: before, as: "failed" });
    }
  }

  /** G2: the counters equal what left the books, each Pod once. */
  #checkBooks(job: JobHistory): void {
    const status = statusOf(job.object);
    const spec = specOf(job);
    const failures = job.counted.filter(({ as }) => as === "failed").length;
    const detail = () => ({
      status,
      isUncertain: job.isUncertain,
      counted: job.counted.map(({ pod, as }) => [pod.name, as]),
    });
    const within = (count: number, certain: number): boolean =>
      job.isUncertain ? count >= certain : count === certain;
    if (!within(status.failed ?? 0, failures)) {
      this.#violated(job, "G2 status.failed counts each failure once", detail());
    }
    const successes = job.counted.filter(({ as }) => as === "succeeded").map(({ pod }) => pod);
    if (spec.completionMode !== "Indexed") {
      if (within(status.succeeded ?? 0, successes.length)) return;
      return this.#violated(job, "G2 status.succeeded counts each success once", detail());
    }
    const failedIndexes = indexesOf(status.failedIndexes);
    const completed = indexesOf(status.completedIndexes);
    const indexes = new Set(
      successes.flatMap(({ index = -1 }) => (failedIndexes.has(index) ? [] : [index])),
    );
    const isCovered = [...indexes].every((index) => completed.has(index));
    if (!isCovered || !within(completed.size, indexes.size)) {
      this.#violated(job, "G2 status.completedIndexes holds what succeeded", detail());
    }
    if ((status.succeeded ?? 0) !== completed.size) {
      this.#violated(job, "G2 status.succeeded is the number of completed indexes", detail());
    }
  }

  #checkStatus(job: JobHistory, before: JobStatus, after: JobStatus): void {
    const demand = (holds: boolean, rule: string): void => {
      if (!holds) this.#violated(job, `G2 ${rule}`, { before, after });
    };
    demand((after.failed ?? 0) >= (before.failed ?? 0), "status.failed never goes down");
    demand((after.succeeded ?? 0) >= (before.succeeded ?? 0), "status.succeeded never goes down");
    for (const [interim, terminal] of [
      ["SuccessCriteriaMet", "Complete"],
      ["FailureTarget", "Failed"],
    ] as const) {
      demand(!isTrue(before, interim) || isTrue(after, interim), `${interim} is final`);
      demand(!isTrue(before, terminal) || isTrue(after, terminal), `${terminal} is final`);
    }
    demand(!(isTrue(after, "Complete") && isTrue(after, "Failed")), "a Job has one end");
    const isIdle = (after.active ?? 0) === 0 && (after.terminating ?? 0) === 0;
    demand(!isOver(after) || isIdle, "a Job ends after its Pods");
    if (isOver(before)) {
      demand(
        JSON.stringify(before) === JSON.stringify(after),
        "the status of a finished Job stays",
      );
    }
  }

  /** G3, as the API shows it: what is active when a Pod is made. */
  #checkCreation(job: JobHistory, pod: PodView): void {
    const spec = specOf(job);
    const status = statusOf(job.object);
    const others = [...job.live.values()].map(({ view }) => view);
    const held = replacesOnlyEnded(spec)
      ? others.filter((one) => !isTerminal(one) && one.isDeleting).length
      : 0;
    const active = others.filter(isActive);
    const detail = () => ({ pod: pod.name, status, active: active.map(({ name }) => name) });
    if (isTrue(status, "FailureTarget") || isTrue(status, "SuccessCriteriaMet")) {
      this.#violated(job, "G3 nothing is made once the end is decided", detail());
    }
    if (spec.suspend === true) {
      this.#violated(job, "G3 nothing is made for a suspended Job", detail());
    }
    if (active.length + held + 1 > spec.parallelism) {
      this.#violated(job, "G3 never more than parallelism active", detail());
    }
    if (pod.index === undefined) return;
    const same = others.filter(
      (one) =>
        one.index === pod.index && (isActive(one) || (replacesOnlyEnded(spec) && !isTerminal(one))),
    );
    if (same.length > 0) this.#violated(job, "G3 an index is never active twice", detail());
    const succeeded = job.counted.some(
      ({ pod: one, as }) => as === "succeeded" && one.index === pod.index,
    );
    if (succeeded) this.#violated(job, "G3 an index that succeeded is not run again", detail());
  }
}
