// F3, R47-R53: what spec.podFailurePolicy says of a failed Pod.
import type { Job } from "../job.ts";
import { podConditions } from "../pod-conditions.ts";
import type { ContainerRecord, PodRecord } from "../pod-record.ts";
import type {
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
} from "../schema/batch.ts";
import type { Verdict } from "./conditions.ts";
import { isFailed } from "./pod-classes.ts";

type PolicyAction = "FailJob" | "Ignore" | "Count" | "FailIndex";

export interface PolicyMatch {
  /** Absent when no rule matched: the failure then counts (R47). */
  readonly action?: PolicyAction;
  /** R50: whether the Pod counts as failed. */
  readonly counts: boolean;
  /** R51: only with FailJob. */
  readonly message?: string;
}

const noMatch: PolicyMatch = { counts: true };

const isAction = (action: string | undefined): action is PolicyAction =>
  action === "FailJob" || action === "Ignore" || action === "Count" || action === "FailIndex";

function exitCodeMatches(
  { exitCode, state }: ContainerRecord,
  { operator, values }: PodFailurePolicyOnExitCodesRequirement,
): boolean {
  if (state !== "terminated" || exitCode === undefined || exitCode === 0) return false;
  if (operator === "In") return values?.includes(exitCode) ?? false;
  // R52: an unknown operator matches nothing.
  return operator === "NotIn" && !(values?.includes(exitCode) ?? false);
}

/** R48: the first container that matches, regular ones before init containers. */
function containerByExitCode(
  job: Job,
  pod: PodRecord,
  requirement: PodFailurePolicyOnExitCodesRequirement,
): { name: string; exitCode: number } | undefined {
  const spec = pod.spec ?? job.spec.template.spec;
  const lists = [
    { records: pod.containers, specs: spec?.containers },
    { records: pod.initContainers ?? [], specs: spec?.initContainers },
  ];
  for (const { records, specs } of lists) {
    for (const [i, record] of records.entries()) {
      const name = specs?.[i]?.name ?? "";
      if (requirement.containerName !== undefined && requirement.containerName !== name) continue;
      if (exitCodeMatches(record, requirement)) return { name, exitCode: record.exitCode ?? 0 };
    }
  }
  return undefined;
}

/** R49: the type of the first pattern that equals a condition of the Pod. */
const conditionByPattern = (
  pod: PodRecord,
  patterns: readonly PodFailurePolicyOnPodConditionsPattern[],
): string | undefined => {
  const conditions = podConditions(pod);
  return patterns.find(({ type, status }) =>
    conditions.some((one) => one.type === type && one.status === (status ?? "True")),
  )?.type;
};

/** R47: the first rule that matches decides. */
export function matchPodFailurePolicy(job: Job, pod: PodRecord): PolicyMatch {
  for (const [i, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    const { action, onExitCodes, onPodConditions } = rule;
    if (!isAction(action)) continue; // R52
    const where = `${pod.namespace}/${pod.name}`;
    let what: string;
    if (onExitCodes !== undefined) {
      const container = containerByExitCode(job, pod, onExitCodes);
      if (container === undefined) continue;
      const { name, exitCode } = container;
      what = `Container ${name} for pod ${where} failed with exit code ${exitCode}`;
    } else {
      const condition = conditionByPattern(pod, onPodConditions ?? []);
      if (condition === undefined) continue;
      what = `Pod ${where} has condition ${condition}`;
    }
    if (action !== "FailJob") return { action, counts: action !== "Ignore" };
    return { action, counts: true, message: `${what} matching FailJob rule at index ${i}` };
  }
  return noMatch;
}

/** F3, R53: looks at every failed Pod still at hand, counted or not. */
export function failedByPodFailurePolicy(
  job: Job,
  pods: readonly PodRecord[],
): Verdict | undefined {
  if (job.spec.podFailurePolicy === undefined) return undefined;
  for (const pod of pods) {
    if (!isFailed(job, pod)) continue;
    const { message } = matchPodFailurePolicy(job, pod);
    if (message !== undefined)
      return { type: "FailureTarget", reason: "PodFailurePolicy", message };
  }
  return undefined;
}
