// Reads every change from the watch streams, as a client would, and holds it against the rules.
import {
  conditionTrue,
  IndexSet,
  isActive,
  isFinished,
  isTerminal,
  type Job,
  type JobStatus,
  type PodRecord,
} from "@gantry/core";
import { decodeBody, suffix } from "@gantry/store";
import type { Redis } from "ioredis";

/** A promise that was broken. */
export class Violation extends Error {
  override name = "Violation";
}

const demand = (holds: boolean, rule: string, detail: () => unknown): void => {
  if (!holds) throw new Violation(`${rule}: ${JSON.stringify(detail())}`);
};

/** How a Pod left its Job's books. */
interface Counted {
  readonly pod: PodRecord;
  readonly as: "succeeded" | "failed";
  /** Counted because the Job's failure ended it, not for what it did. */
  readonly byVerdict: boolean;
}

export interface JobHistory {
  job: Job;
  revision: number;
  deleted: boolean;
  readonly pods: Map<string, PodRecord>;
  readonly counted: Counted[];
}

interface Change {
  readonly revision: number;
  readonly resource: "jobs" | "pods";
  readonly type: string;
  readonly key: string;
  readonly body: string;
}

const replacesOnlyEnded = ({ spec }: Job): boolean =>
  spec.podReplacementPolicy === "Failed" || spec.podFailurePolicy !== undefined;

const isDecided = ({ status }: Job): boolean =>
  conditionTrue(status.conditions, "SuccessCriteriaMet") ||
  conditionTrue(status.conditions, "FailureTarget");

/** A first rule of the policy that matches a failed Pod and says Ignore (R47-R50), told plainly. */
const isIgnored = (job: Job, pod: PodRecord): boolean => {
  for (const { action, onExitCodes, onPodConditions } of job.spec.podFailurePolicy?.rules ?? []) {
    const code = pod.containers[0]?.state === "terminated" ? pod.containers[0].exitCode : undefined;
    const byCode = code !== undefined && (onExitCodes?.values ?? []).includes(code);
    const byCondition = (onPodConditions ?? []).some(({ type }) =>
      (pod.conditions ?? []).some((one) => one.type === type && one.status === "True"),
    );
    if (byCode || byCondition) return action === "Ignore";
  }
  return false;
};

export class Auditor {
  readonly histories = new Map<string, JobHistory>();
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #position = { jobs: "0-0", pods: "0-0" };
  changes = 0;

  constructor(redis: Redis, cell: string) {
    this.#redis = redis;
    this.#prefix = `{${cell}}:`;
  }

  /** What has changed since the last reading, in the order in which it did. */
  async read(): Promise<void> {
    const changes = [...(await this.#changes("jobs")), ...(await this.#changes("pods"))];
    changes.sort((a, b) => a.revision - b.revision);
    for (const change of changes) {
      if (change.resource === "jobs") this.#jobChanged(change);
      else this.#podChanged(change);
    }
    this.changes += changes.length;
  }

  async #changes(resource: "jobs" | "pods"): Promise<Change[]> {
    const stream = this.#prefix + suffix.watch(resource);
    const entries = await this.#redis.xrange(stream, `(${this.#position[resource]}`, "+");
    this.#position[resource] = entries.at(-1)?.[0] ?? this.#position[resource];
    return entries.map(([id, [, type = "", , key = "", , body = ""]]) => {
      const revision = Number(id.slice(0, id.indexOf("-")));
      return { revision, resource, type, key, body };
    });
  }

  #jobChanged({ revision, type, key, body }: Change): void {
    const job = decodeBody("jobs", key, body);
    const { uid } = job.metadata;
    const before = this.histories.get(uid);
    if (before === undefined) {
      const history = { job, revision, deleted: false, pods: new Map(), counted: [] };
      this.histories.set(uid, history);
      return;
    }
    if (type === "D") {
      before.deleted = true;
      return;
    }
    // Two statuses of one transaction (R34) come before the Pods that they count.
    if (revision !== before.revision + 1) this.checkBooks(before);
    checkStatus(key, before.job.status, job.status);
    before.job = job;
    before.revision = revision;
  }

  /** Every outcome is counted exactly once: the counters equal what left the books. */
  checkBooks({ job, counted, deleted }: JobHistory): void {
    if (deleted) return;
    const { status, metadata, spec } = job;
    const failures = counted.filter(({ as }) => as === "failed").length;
    demand((status.failed ?? 0) === failures, "status.failed counts each failure once", () => ({
      job: metadata.name,
      status,
      counted: counted.map(({ pod, as }) => [pod.name, as]),
    }));
    const successes = counted.filter(({ as }) => as === "succeeded").map(({ pod }) => pod);
    if (spec.completionMode !== "Indexed") {
      demand(
        (status.succeeded ?? 0) === successes.length,
        "status.succeeded counts each success once",
        () => ({
          job: metadata.name,
          status,
          counted: counted.map(({ pod, as }) => [pod.name, as]),
        }),
      );
      return;
    }
    const completions = spec.completions ?? 0;
    const failedIndexes = IndexSet.parse(status.failedIndexes, completions);
    const indexes = new Set(
      successes.flatMap(({ index = -1 }) => (failedIndexes.has(index) ? [] : [index])),
    );
    const completed = IndexSet.parse(status.completedIndexes, completions);
    demand(
      completed.size === indexes.size && [...indexes].every((index) => completed.has(index)),
      "status.completedIndexes holds the indexes that succeeded",
      () => ({ job: metadata.name, status, indexes: [...indexes] }),
    );
    demand(
      (status.succeeded ?? 0) === completed.size,
      "status.succeeded is the number of completed indexes",
      () => status,
    );
  }

  #podChanged({ revision, type, key, body }: Change): void {
    const pod = decodeBody("pods", key, body);
    const history = pod.job === undefined ? undefined : this.histories.get(pod.job.uid);
    if (history === undefined) {
      for (const { pods } of this.histories.values()) pods.delete(pod.uid);
      return;
    }
    const before = history.pods.get(pod.uid);
    if (type === "D") {
      history.pods.delete(pod.uid);
      return;
    }
    history.pods.set(pod.uid, pod);
    if (before === undefined) {
      if (type === "A") checkCreation(history, pod, revision);
      return;
    }
    demand(
      !isTerminal(before) || before.phase === pod.phase,
      "an ended Pod stays as it ended",
      () => pod,
    );
    demand(
      before.node === undefined || before.node === pod.node,
      "a Pod stays on its node",
      () => pod,
    );
    if (before.tracked && !pod.tracked && !history.deleted) count(history, before, pod);
  }
}

const checkStatus = (key: string, before: JobStatus, after: JobStatus): void => {
  const detail = (): unknown => ({ key, before, after });
  const has = (status: JobStatus, type: string): boolean => conditionTrue(status.conditions, type);
  demand((after.failed ?? 0) >= (before.failed ?? 0), "status.failed never goes down", detail);
  demand(
    (after.succeeded ?? 0) >= (before.succeeded ?? 0),
    "status.succeeded never goes down",
    detail,
  );
  for (const [interim, terminal] of [
    ["SuccessCriteriaMet", "Complete"],
    ["FailureTarget", "Failed"],
  ] as const) {
    demand(!has(before, interim) || has(after, interim), `${interim} is final`, detail);
    demand(!has(before, terminal) || has(after, terminal), `${terminal} is final`, detail);
    demand(
      has(before, terminal) || !has(after, terminal) || has(before, interim),
      `${interim} comes before ${terminal}`,
      detail,
    );
  }
  demand(!(has(after, "Complete") && has(after, "Failed")), "a Job has one end", detail);
  const ended = has(after, "Complete") || has(after, "Failed");
  demand(
    !ended || ((after.active ?? 0) === 0 && (after.terminating ?? 0) === 0),
    "a Job ends after its Pods",
    detail,
  );
  if (has(before, "Complete") || has(before, "Failed")) {
    demand(
      JSON.stringify(before) === JSON.stringify(after),
      "the status of a finished Job stays",
      detail,
    );
  }
};

const checkCreation = (
  { job, pods, counted }: JobHistory,
  pod: PodRecord,
  revision: number,
): void => {
  const all = [...pods.values()];
  const active = all.filter(isActive);
  const detail = (): unknown => ({
    revision,
    pod: pod.name,
    spec: job.spec,
    status: job.status,
    active: active.map(({ name }) => name),
  });
  const { spec, metadata } = job;
  demand(!isFinished(job) && !isDecided(job), "nothing is created once the end is decided", detail);
  demand(
    metadata.deletionTimestamp === undefined,
    "nothing is created for a Job that is deleted",
    detail,
  );
  demand(!spec.suspend, "nothing is created for a suspended Job", detail);
  const going = all.filter((one) => !isTerminal(one) && one.deletion !== undefined);
  const held = replacesOnlyEnded(job) ? going.length : 0;
  demand(active.length + held <= spec.parallelism, "never more than parallelism active", detail);
  if (pod.index === undefined) return;
  const same = all.filter(
    (one) =>
      one.index === pod.index &&
      one.uid !== pod.uid &&
      (isActive(one) || (replacesOnlyEnded(job) && !isTerminal(one))),
  );
  demand(same.length === 0, "an index is never active twice", detail);
  const succeeded = counted.some(
    ({ pod: one, as }) => as === "succeeded" && one.index === pod.index,
  );
  demand(!succeeded, "an index that succeeded is not run again", detail);
};

/** R25, R32, R81: a Pod leaves the books: as what? */
const count = (history: JobHistory, before: PodRecord, after: PodRecord): void => {
  const { job, counted } = history;
  const fails = conditionTrue(job.status.conditions, "FailureTarget");
  const deletedNow = before.deletion === undefined && after.deletion !== undefined;
  if (deletedNow && !isDecided(job)) return; // R25: scaled down, suspended, a duplicate
  const terminating = !isTerminal(before) && before.deletion !== undefined;
  const isFailure = before.phase === "Failed" || (terminating && !replacesOnlyEnded(job));
  if (before.phase === "Succeeded")
    counted.push({ pod: before, as: "succeeded", byVerdict: false });
  else if ((isFailure || fails) && !isIgnored(job, before)) {
    counted.push({ pod: before, as: "failed", byVerdict: !isFailure });
  }
};
