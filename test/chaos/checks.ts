// Holds what Pods did, what was acknowledged and what became of each Job against the guarantees.
import type { FaultActions } from "./fault-actions.ts";
import {
  grouped,
  type History,
  isOver,
  isTerminal,
  isTrue,
  type JobHistory,
  type PodHistory,
  specOf,
  statusOf,
} from "./history.ts";
import type { JobPlan } from "./job-mix.ts";
import type { Run } from "./journals.ts";
import type { Load } from "./load.ts";

export interface Evidence {
  readonly plans: readonly JobPlan[];
  readonly history: History;
  readonly runs: readonly Run[];
  readonly faults: FaultActions;
  readonly load: Load;
  /** Redis lost some of what it had acknowledged. */
  readonly isLossy: boolean;
}

export interface Findings {
  readonly violations: string[];
  /** What the guarantees except, and how often it happened. */
  readonly exceptions: Map<string, number>;
  /** Jobs whose end the script determines. */
  determined: number;
}

/** A worker that could not reach Redis for this long may have had its Pods given up while they run. */
const GIVEN_UP_AFTER_SECONDS = 60;

const except = (findings: Findings, what: string): void => {
  findings.exceptions.set(what, (findings.exceptions.get(what) ?? 0) + 1);
};

const runText = ({ uid, pod, index, node, from, to, exitCode }: Run): string =>
  `${pod} (${uid}) index ${index ?? "-"} on ${node}, ${from}-${to} s, exit ${exitCode ?? "-"}`;

/** With what the API showed of these Pods. */
const withSteps = (evidence: Evidence, what: string, uids: readonly string[]): string =>
  [
    what,
    ...uids.flatMap((uid) => {
      const steps = evidence.history.pods.get(uid)?.pod.steps ?? ["never shown by a watch"];
      return [`  ${uid}:`, ...steps.map((step) => `    ${step}`)];
    }),
  ].join("\n");

const isGivenUp = (pod: PodHistory | undefined): boolean =>
  pod?.view.conditions.some(
    ({ type, reason }) => type === "DisruptionTarget" && reason === "DeletionByPodGC",
  ) === true;

/** G3 by the journals: what ran at the same time. */
export const checkRuns = (evidence: Evidence, findings: Findings): void => {
  const { history, runs, plans, faults } = evidence;
  const mostOf = new Map(plans.map((plan) => [plan.name, plan.parallelismMax]));
  const byUid = grouped(runs, ({ uid }) => uid);
  for (const [uid, own] of byUid) {
    const known = history.pods.get(uid);
    const restarts = known?.job.object.spec["template"] as
      | { spec?: { restartPolicy?: string } }
      | undefined;
    if (own.length < 2 || restarts?.spec?.restartPolicy === "OnFailure") continue;
    const what = `G3 a Pod ran twice: ${own.map(runText).join("; ")}`;
    findings.violations.push(withSteps(evidence, what, [uid]));
  }
  for (const [job, own] of grouped(runs, (run) => run.job)) {
    for (const run of own) {
      const beside = own.filter(
        (other) => other.uid !== run.uid && other.from <= run.from && run.from < other.to,
      );
      const created = history.pods.get(run.uid)?.pod.createdAt ?? Infinity;
      const inTheWay = beside.filter((other) => {
        const known = history.pods.get(other.uid);
        if (known === undefined) return true;
        const { pod } = known;
        const spec = specOf(known.job);
        const waits = spec.podReplacementPolicy === "Failed" || spec.podFailurePolicy !== undefined;
        // R24: without that policy a Pod that is being deleted may be replaced at once.
        if (!waits && pod.deletingAt < created) return false;
        // Cut off from Redis and given up, it may run on: the one exception (docs/operations.md).
        const absent = faults.absence(other.node as never, other.to);
        if (isGivenUp(pod) && absent >= GIVEN_UP_AFTER_SECONDS) {
          except(findings, "a Pod ran on that was given up, its worker cut off");
          return false;
        }
        return true;
      });
      const uids = [run, ...inTheWay].map(({ uid }) => uid);
      const text = [run, ...inTheWay].map(runText).join("; ");
      if (inTheWay.length + 1 > (mostOf.get(job) ?? Infinity)) {
        const what = `G3 more than parallelism ${mostOf.get(job)} of ${job} ran at once: ${text}`;
        findings.violations.push(withSteps(evidence, what, uids));
      }
      const same = inTheWay.some(({ index }) => index !== undefined && index === run.index);
      if (same) {
        const what = `G3 index ${run.index} of ${job} ran twice at once: ${text}`;
        findings.violations.push(withSteps(evidence, what, uids));
      }
    }
  }
};

/** G2 by the journals: how a Pod ended is how the API says that it ended. */
export const checkEnds = (evidence: Evidence, findings: Findings): void => {
  const { history, runs } = evidence;
  const violated = (run: Run, what: string): void => {
    findings.violations.push(withSteps(evidence, `G2 ${what}: ${runText(run)}`, [run.uid]));
  };
  for (const [uid, own] of grouped(runs, (run) => run.uid)) {
    const run = own.at(-1);
    const known = history.pods.get(uid);
    if (run === undefined) continue;
    if (known === undefined) {
      except(findings, "a Pod that ran was never seen by a watch (deleted in a gap)");
      continue;
    }
    const { view } = known.pod;
    if (run.exitCode === undefined) {
      if (view.phase === "Succeeded") violated(run, "a Pod succeeded that never ended");
      continue;
    }
    const said = run.exitCode === 0 ? "Succeeded" : "Failed";
    if (view.phase === said && (view.exitCode === run.exitCode || said === "Succeeded")) continue;
    if (!isTerminal(view)) {
      // The object went before the end was told: deleted at once, with its Job, or in a gap.
      if (view.isDeleting || known.job.isDeleted)
        except(findings, "deleted before its end was told");
      else if (known.pod.isGoneInGap) except(findings, "deleted in a gap of the watch");
      else violated(run, "the end of a Pod was never told");
    } else if (view.reason === "NodeLost" || isGivenUp(known.pod)) {
      except(findings, "it ended after its node was given up");
    } else if (view.reason === "ContainerStatusUnknown" || view.exitCode === 137) {
      // SIGKILL met the shell between its last line and its exit, or its supervisor died then.
      except(findings, "its end was lost with its supervisor");
    } else if (view.phase === "Failed" && run.isTerminated) {
      except(findings, "it ended by itself while it was stopped");
    } else violated(run, `the API says ${view.phase} with ${view.exitCode} ${view.reason ?? ""}`);
  }
  for (const { job, pod } of history.pods.values()) {
    const isReal = specOf(job).template.spec.runtimeClassName === "process";
    if (!isReal || pod.view.phase !== "Succeeded") continue;
    if (runs.some((run) => run.uid === pod.uid && run.exitCode === 0)) continue;
    const what = `G2 ${pod.name} of ${job.key} succeeded, and its journal has no such end`;
    findings.violations.push(withSteps(evidence, what, [pod.uid]));
  }
};

const outcomeOf = (job: JobHistory) => {
  const status = statusOf(job.object);
  const end = (status.conditions ?? []).find(
    (one) => (one.type === "Complete" || one.type === "Failed") && one.status === "True",
  );
  return {
    type: end?.type,
    reason: end?.reason,
    succeeded: status.succeeded ?? 0,
    completedIndexes: status.completedIndexes ?? "",
    failedIndexes: status.failedIndexes ?? "",
  };
};

/** G1: each Job reached an end, unless somebody took it away. */
export const checkEnded = (evidence: Evidence, findings: Findings): void => {
  const { history, plans } = evidence;
  const byName = grouped(history.jobs.values(), ({ object }) => object.metadata.name);
  for (const plan of plans) {
    const isRemoved = plan.actions.some(({ action }) => action.kind === "delete");
    const expires = "ttlSecondsAfterFinished" in specOfPlan(plan);
    for (const job of byName.get(plan.name) ?? []) {
      if (isOver(statusOf(job.object)) || isRemoved) continue;
      if (job.isGoneInGap && expires) except(findings, "a Job ended and expired in a gap");
      else if (!job.isGoneInGap || !evidence.isLossy) {
        const what = `G1 ${plan.name} (${plan.family}) did not end`;
        findings.violations.push(`${what}\n${job.steps.join("\n")}`);
      }
    }
  }
};

/** G1: and it is the end that its script and what was counted determine. */
export const checkOutcomes = (evidence: Evidence, findings: Findings): void => {
  const { history, plans } = evidence;
  const byName = grouped(history.jobs.values(), ({ object }) => object.metadata.name);
  for (const plan of plans) {
    const found = byName.get(plan.name) ?? [];
    for (const job of found) {
      if (isOver(statusOf(job.object))) checkOutcome(plan, job, findings);
    }
    if (found.length > 1 && !mayHaveGone(evidence, plan.name)) {
      findings.violations.push(`G5 ${plan.name} was made ${found.length} times`);
    }
  }
};

const specOfPlan = ({ manifest }: JobPlan): object => (manifest as { spec: object }).spec;

const checkOutcome = (plan: JobPlan, job: JobHistory, findings: Findings): void => {
  const { counted, isUncertain } = job;
  const failures = counted.filter(({ as }) => as === "failed").map(({ pod }) => pod);
  const wanted = plan.outcome({
    all: Math.max(failures.length, statusOf(job.object).failed ?? 0),
    of: (index) => (isUncertain ? Infinity : failures.filter((pod) => pod.index === index).length),
  });
  if (wanted === undefined) return;
  findings.determined += 1;
  const found = outcomeOf(job);
  const differs = (Object.keys(wanted) as (keyof typeof wanted)[]).some(
    (name) => wanted[name] !== found[name],
  );
  if (!differs) return;
  const what = `G1 ${plan.name} (${plan.family}) ended otherwise than its script says`;
  const detail = `wanted ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}`;
  const pods = counted.map(({ pod, as }) => `  ${as} ${JSON.stringify(pod)}`);
  findings.violations.push([`${what}: ${detail}`, ...job.steps, ...pods].join("\n"));
};

/** G5: what was acknowledged is there. */
export const checkWrites = (evidence: Evidence, findings: Findings): void => {
  const { history, load } = evidence;
  const byName = grouped(history.jobs.values(), ({ object }) => object.metadata.name);
  const last = new Map<string, (typeof load.writes)[number]>();
  for (const write of load.writes) {
    const jobs = byName.get(write.job) ?? [];
    const job = write.uid === undefined ? jobs.at(-1) : jobs.find(({ uid }) => uid === write.uid);
    if (job === undefined) {
      // Between two lists it may have come and gone.
      if (write.kind === "create" && !mayHaveGone(evidence, write.job)) {
        findings.violations.push(`G5 ${write.what} was acknowledged and is nowhere`);
      }
    } else if (write.kind === "delete" && !job.isDeleted) {
      findings.violations.push(`G5 ${write.what} was acknowledged, and it is still there`);
    }
    if (write.kind === "spec") last.set(`${write.job} ${write.field}`, write);
    if (write.kind === "annotation") last.set(`${write.job} annotation`, write);
  }
  for (const write of last.values()) {
    const job = byName.get(write.job)?.at(-1);
    // What it was last, when it went in a gap, nobody saw.
    if (job === undefined || job.isGoneInGap) continue;
    const { metadata, spec } = job.object;
    const value =
      write.kind === "spec" ? spec[write.field ?? ""] : metadata.annotations?.["chaos/mark"];
    if (value !== write.value && !(write.value === false && value === undefined)) {
      findings.violations.push(
        `G5 ${write.what} = ${String(write.value)} was acknowledged; it is ${String(value)}`,
      );
    }
  }
};

const mayHaveGone = ({ plans }: Evidence, name: string): boolean => {
  const plan = plans.find((one) => one.name === name);
  return (
    plan !== undefined &&
    (plan.actions.some(({ action }) => action.kind === "delete") ||
      "ttlSecondsAfterFinished" in specOfPlan(plan))
  );
};

/** Jobs that nothing keeps from ending, and that have not. */
export const unfinished = (jobs: Iterable<{ readonly object: JobHistory["object"] }>): string[] =>
  [...jobs].flatMap(({ object }) => {
    const status = statusOf(object);
    return isTrue(status, "Complete") || isTrue(status, "Failed") ? [] : [object.metadata.name];
  });
