// Holds what really ran (the fake's journal) against what the API says became of Jobs and Pods.
import type { Job, Pod } from "@gantry/sdk";
import type { TaskRun } from "../../fake-ecs/journal.ts";
import { indexList, type JobPlan } from "./job-mix.ts";

export interface Evidence {
  readonly plans: readonly JobPlan[];
  readonly jobs: readonly Job[];
  readonly pods: readonly Pod[];
  readonly runs: readonly TaskRun[];
  /** ARNs of tasks that ECS has forgotten: how they ended may not have been told. */
  readonly vanished: ReadonlySet<string>;
}

/** How a task ended, as ECS would say. */
type End =
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "lost"; readonly why: string };

const MAIN = "main";

const endOf = ({ stopCode, stoppedReason, containers }: TaskRun): End => {
  const code = containers.find(({ name }) => name === MAIN)?.exitCode ?? null;
  return stopCode === "EssentialContainerExited" && code !== null
    ? { kind: "exit", code }
    : { kind: "lost", why: `${stopCode ?? "-"}: ${stoppedReason ?? "-"}` };
};

/** When none of its containers ran any more; ECS calls it STOPPED a little later. */
const programEnd = ({ containers }: TaskRun): number =>
  Math.max(...containers.map(({ endedAtMs }) => endedAtMs ?? Infinity));

const uidOf = ({ environment }: TaskRun): string => environment["GANTRY_POD_UID"] ?? "";
const attemptOf = ({ environment }: TaskRun): number => Number(environment["GANTRY_ATTEMPT"]);

const isUnwanted = ({ stopCode, stoppedReason }: TaskRun): boolean =>
  stopCode === "UserInitiated" && /orphan|superseded/i.test(stoppedReason ?? "");

/**
 * The tasks of a Pod that count, in order. A task that came though ECS had said that there was none
 * is one of them if it was taken up, and is not if another took its place.
 */
const counted = (all: readonly TaskRun[]): TaskRun[] => {
  const last = Math.max(...all.map(attemptOf));
  return all
    .filter((run) => !run.ghost || (attemptOf(run) === last && !isUnwanted(run)))
    .toSorted((a, b) => attemptOf(a) - attemptOf(b));
};

const grouped = <T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return groups;
};

const runText = (run: TaskRun): string => {
  const end = endOf(run);
  return (
    `${run.taskArn.split("/").at(-1)} token ${run.clientToken} made ${run.createdAtMs} ` +
    `ran ${run.startedAtMs ?? "never"}-${run.endedAtMs ?? "now"} ` +
    `${end.kind === "exit" ? `exit ${end.code}` : end.why}${run.ghost ? " GHOST" : ""}`
  );
};

const withRuns = (what: string, runs: readonly TaskRun[]): string =>
  [what, ...runs.map((run) => `    ${runText(run)}`)].join("\n");

const jobOfPod = (pod: Pod): string => pod.metadata.labels?.["batch.kubernetes.io/job-name"] ?? "";

const disruptionOf = (pod: Pod) =>
  pod.status?.conditions?.find(
    ({ type, status }) => type === "DisruptionTarget" && status === "True",
  );

const isDisrupted = (pod: Pod): boolean => disruptionOf(pod) !== undefined;

const exitCodeOf = (pod: Pod): number | undefined =>
  pod.status?.containerStatuses?.find(({ name }) => name === MAIN)?.state?.terminated?.exitCode;

/** One task for each attempt, under its own token; nothing of ours without an owner; nothing alive. */
export const checkTasks = ({ runs }: Evidence): string[] => {
  const found: string[] = [];
  for (const [attempt, same] of grouped(runs, (run) => `${uidOf(run)}.${attemptOf(run)}`)) {
    if (same.length > 1) found.push(withRuns(`attempt ${attempt} has several tasks`, same));
  }
  for (const run of runs) {
    if (run.clientToken !== `${uidOf(run)}.${attemptOf(run)}`) {
      found.push(withRuns("a task whose token is not its owner's", [run]));
    }
    if (run.endedAtMs === null) found.push(withRuns("a task is still alive", [run]));
  }
  return found;
};

/** After a Pod's containers have run, nothing of it is started again unless it is to restart. */
export const checkAttempts = ({ plans, runs }: Evidence): string[] => {
  const found: string[] = [];
  const planOf = new Map(plans.map((plan) => [plan.name, plan]));
  for (const [uid, all] of grouped(runs, uidOf)) {
    const own = counted(all);
    const job = all[0]?.environment["JOB"] ?? "";
    const plan = planOf.get(job);
    if (plan === undefined) {
      found.push(withRuns(`pod ${uid} is of no Job`, all));
      continue;
    }
    const ran = own.filter(
      ({ startedAtMs, containers }) =>
        startedAtMs !== null && containers.some(({ name }) => name === MAIN),
    );
    for (const [n, run] of ran.entries()) {
      const end = endOf(run);
      const again = ran[n + 1];
      if (again === undefined) continue;
      const mayRestart = plan.restarts && end.kind === "exit" && end.code !== 0;
      if (!mayRestart) found.push(withRuns(`pod ${uid} of ${job} ran again`, own));
      else if (again.createdAtMs < programEnd(run)) {
        found.push(withRuns(`pod ${uid} of ${job} ran again before it had ended`, own));
      }
    }
  }
  return found;
};

const checkPod = (
  pod: Pod,
  runs: readonly TaskRun[],
  vanished: ReadonlySet<string>,
): string | undefined => {
  const { name, uid } = pod.metadata;
  const phase = pod.status?.phase;
  const last = counted(runs).at(-1);
  const end: End = last === undefined ? { kind: "lost", why: "no task" } : endOf(last);
  const lost = disruptionOf(pod);
  const why = lost === undefined ? "" : `, DisruptionTarget ${lost.reason}: ${lost.message}`;
  const told = `pod ${name} (${uid}) is ${phase}, exit ${exitCodeOf(pod) ?? "-"}${why}`;
  const isLost = phase === "Failed" && isDisrupted(pod);
  if (end.kind === "exit") {
    if (isLost && vanished.has(last?.taskArn ?? "")) return undefined;
    const expected = end.code === 0 ? "Succeeded" : "Failed";
    return phase === expected && exitCodeOf(pod) === end.code && !isDisrupted(pod)
      ? undefined
      : withRuns(`${told}, but its program ended with ${end.code}`, runs);
  }
  return isLost ? undefined : withRuns(`${told}, but its task was lost (${end.why})`, runs);
};

/** Each Pod says what became of its last task. */
export const checkPods = ({ plans, pods, runs, vanished }: Evidence): string[] => {
  const found: string[] = [];
  const runsOf = grouped(runs, uidOf);
  for (const pod of pods) {
    const fault = checkPod(pod, runsOf.get(pod.metadata.uid) ?? [], vanished);
    if (fault !== undefined) found.push(fault);
  }
  const known = new Set(pods.map(({ metadata }) => metadata.uid));
  const losing = new Set(plans.filter(({ losesPods }) => losesPods).map(({ name }) => name));
  for (const [uid, own] of runsOf) {
    const job = own[0]?.environment["JOB"] ?? "";
    if (!known.has(uid) && !losing.has(job)) {
      found.push(withRuns(`pod ${uid} of ${job} ran, and the API does not have it`, own));
    }
  }
  return found;
};

const isTrue = (job: Job, type: string) =>
  job.status?.conditions?.find((one) => one.type === type && one.status === "True");

/** The Job ended as scripted, and its counters are its Pods'. */
const checkJob = (plan: JobPlan, job: Job | undefined, pods: readonly Pod[]): string[] => {
  if (plan.outcome === null) return job === undefined ? [] : [`job ${plan.name} is not gone`];
  if (job === undefined) return [`job ${plan.name} is gone`];
  const { type, reason, succeeded, completedIndexes, failedIndexes } = plan.outcome;
  const found: string[] = [];
  const { status = {} } = job;
  const same = (what: string, is: unknown, expected: unknown): void => {
    if (is !== expected) {
      found.push(`job ${plan.name}: ${what} is ${String(is)}, expected ${String(expected)}`);
    }
  };
  same(`reason of ${type}`, isTrue(job, type)?.reason, reason);
  if (completedIndexes !== undefined)
    same("completedIndexes", status.completedIndexes, completedIndexes);
  if (failedIndexes !== undefined) same("failedIndexes", status.failedIndexes, failedIndexes);
  if (succeeded !== undefined) same("succeeded", status.succeeded ?? 0, succeeded);
  same("active", status.active ?? 0, 0);
  same("terminating", status.terminating ?? 0, 0);
  same("uncounted", JSON.stringify(status.uncountedTerminatedPods ?? {}), "{}");
  if (plan.losesPods) return found;
  const ended = pods.filter(({ status: its }) => its?.phase === "Succeeded");
  const failures = pods.filter(
    (pod) => pod.status?.phase === "Failed" && (plan.countsLosses || !isDisrupted(pod)),
  );
  same("succeeded by its pods", status.succeeded ?? 0, ended.length);
  same("failed by its pods", status.failed ?? 0, failures.length);
  if (status.completedIndexes !== undefined) {
    const indexes = ended.map(({ metadata }) =>
      Number(metadata.annotations?.["batch.kubernetes.io/job-completion-index"]),
    );
    const sorted = indexes.toSorted((a, b) => a - b);
    same("completedIndexes by its pods", status.completedIndexes, indexList(sorted));
  }
  return found;
};

export const checkJobs = ({ plans, jobs, pods }: Evidence): string[] => {
  const podsOf = grouped(pods, jobOfPod);
  const jobOf = new Map(jobs.map((job) => [job.metadata.name, job]));
  return plans.flatMap((plan) => checkJob(plan, jobOf.get(plan.name), podsOf.get(plan.name) ?? []));
};

export const checkAll = (evidence: Evidence): string[] =>
  [checkTasks, checkAttempts, checkPods, checkJobs].flatMap((check) => check(evidence));
