// Status of a Job, by itself and after the old one (job-spec 8, U2, U3).
import { allOf } from "../apimachinery/all-of.ts";
import {
  duplicate,
  type FieldErrors,
  invalid,
  invalidNoValue,
  required,
} from "../apimachinery/field-error.ts";
import { fieldPath } from "../apimachinery/field-path.ts";
import { validateObjectMetaUpdate } from "../apimachinery/object-meta.ts";
import { parseRfc3339 } from "../apimachinery/time.ts";
import { conditionTrue } from "../job.ts";
import type { Job, JobStatus, UncountedTerminatedPods } from "../schema/batch.ts";
import { nonNegative, unchanged } from "./checks.ts";
import { firstCommonIndex, parseIndexList } from "./index-list.ts";
import { semanticEqual } from "./semantic-equal.ts";

const path = fieldPath("status");
const conditionsPath = path.child("conditions");

const conflict = (detail: string): FieldErrors => [invalidNoValue(conditionsPath, detail)];

/** What the rules ask of a status. */
interface Facts {
  readonly status: JobStatus;
  readonly complete: boolean;
  readonly failed: boolean;
  readonly failureTarget: boolean;
  readonly successCriteriaMet: boolean;
  readonly suspended: boolean;
  readonly finished: boolean;
  readonly uncounted: number;
}

function factsOf(job: Job): Facts {
  const status = job.status ?? {};
  const is = (type: string): boolean => conditionTrue(status.conditions, type);
  const uncounted = status.uncountedTerminatedPods;
  return {
    status,
    complete: is("Complete"),
    failed: is("Failed"),
    failureTarget: is("FailureTarget"),
    successCriteriaMet: is("SuccessCriteriaMet"),
    suspended: is("Suspended"),
    finished: is("Complete") || is("Failed"),
    uncounted: (uncounted?.succeeded?.length ?? 0) + (uncounted?.failed?.length ?? 0),
  };
}

/** One transition: the rules look at `next` where something they name differs from `old`. */
interface Transition {
  readonly spec: NonNullable<Job["spec"]>;
  readonly next: Facts;
  readonly old: Facts;
  readonly changed: (...names: readonly (keyof Facts | keyof JobStatus)[]) => boolean;
}

function transitionOf(job: Job, oldJob: Job): Transition {
  const next = factsOf(job);
  const old = factsOf(oldJob);
  const value = (facts: Facts, name: keyof Facts | keyof JobStatus): unknown =>
    name in facts ? facts[name as keyof Facts] : facts.status[name as keyof JobStatus];
  const differs = (name: keyof Facts | keyof JobStatus): boolean =>
    // Of this list alone, empty is not absent (section 9).
    name === "failedIndexes"
      ? next.status.failedIndexes !== old.status.failedIndexes
      : !semanticEqual(value(next, name), value(old, name));
  return {
    spec: job.spec ?? {},
    next,
    old,
    changed: (...names) => names.some(differs),
  };
}

function validateUncounted(uncounted: UncountedTerminatedPods | undefined): FieldErrors {
  const errors: FieldErrors = [];
  const seen = new Set<string>();
  for (const list of ["succeeded", "failed"] as const) {
    for (const [i, uid] of (uncounted?.[list] ?? []).entries()) {
      const at = path.child("uncountedTerminatedPods", list).index(i);
      if (uid === "") errors.push(invalid(at, uid, "must not be empty"));
      else if (seen.has(uid)) errors.push(duplicate(at, uid));
      seen.add(uid);
    }
  }
  return errors;
}

/** U2: always. */
const validateCounters = (status: JobStatus): FieldErrors =>
  allOf(
    (["active", "succeeded", "failed", "ready", "terminating"] as const).flatMap((field) =>
      nonNegative(status[field], path.child(field)),
    ),
    validateUncounted(status.uncountedTerminatedPods),
  );

/** U3: conditions that exclude each other, and the completion time that goes with Complete. */
function validateCompletion({ next, changed }: Transition): FieldErrors {
  const { status, complete } = next;
  const { completionTime, startTime } = status;
  const timePath = path.child("completionTime");
  const errors: FieldErrors = [];
  if (changed("complete", "failed") && complete && next.failed) {
    errors.push(...conflict("cannot set Complete=True and Failed=true conditions"));
  }
  if (changed("complete", "failureTarget") && complete && next.failureTarget) {
    errors.push(...conflict("cannot set Complete=True and FailureTarget=true conditions"));
  }
  if (changed("complete", "completionTime")) {
    if (completionTime !== undefined && !complete) {
      const detail = "cannot set completionTime when there is no Complete=True condition";
      errors.push(invalid(timePath, completionTime, detail));
    }
    if (completionTime === undefined && complete) {
      errors.push(required(timePath, "completionTime is required for Complete jobs"));
    }
  }
  if (changed("startTime", "completionTime") && isBefore(completionTime, startTime)) {
    errors.push(invalid(timePath, completionTime, "must be equal to or after `startTime`"));
  }
  if (changed("failed", "failedIndexes") && next.failed && !next.failureTarget) {
    const detail = "cannot set Failed=True condition without the FailureTarget=true condition";
    errors.push(...conflict(detail));
  }
  if (changed("complete", "successCriteriaMet") && complete && !next.successCriteriaMet) {
    const detail =
      "cannot set Complete=True condition without the SuccessCriteriaMet=true condition";
    errors.push(...conflict(detail));
  }
  return errors;
}

const isBefore = (time: string | undefined, other: string | undefined): boolean =>
  time !== undefined && other !== undefined && parseRfc3339(time) < parseRfc3339(other);

/** U3: what a finished Job no longer has. */
function validateFinished({ spec, next, changed }: Transition): FieldErrors {
  const { status } = next;
  if (!next.finished) return [];
  const errors: FieldErrors = [];
  if (changed("finished", "active") && (status.active ?? 0) > 0) {
    errors.push(
      invalid(path.child("active"), status.active, "active>0 is invalid for finished job"),
    );
  }
  const neverStarted = spec.suspend === true && spec.completions === 0;
  if (changed("finished", "startTime") && status.startTime === undefined && !neverStarted) {
    errors.push(required(path.child("startTime"), "startTime is required for finished job"));
  }
  if (changed("finished", "uncountedTerminatedPods") && next.uncounted > 0) {
    const at = path.child("uncountedTerminatedPods");
    const uncounted = status.uncountedTerminatedPods;
    const value = { Succeeded: uncounted?.succeeded ?? null, Failed: uncounted?.failed ?? null };
    errors.push(invalid(at, value, "must be empty for finished job"));
  }
  return errors;
}

function parseError(
  name: "completedIndexes" | "failedIndexes",
  text: string,
  completions: number,
): FieldErrors {
  const parsed = parseIndexList(text, completions);
  if (parsed.ok) return [];
  return [invalid(path.child(name), text, `error parsing ${name}: ${parsed.error}`)];
}

/** U3: index lists (3.4). */
function validateIndexes({ spec, next, changed }: Transition): FieldErrors {
  const { completedIndexes = "", failedIndexes } = next.status;
  const { completions, backoffLimitPerIndex: perIndex } = spec;
  const errors: FieldErrors = [];
  const completedChanged = changed("completedIndexes");
  const failedChanged = changed("failedIndexes");
  if (completedChanged && completions !== undefined) {
    errors.push(...parseError("completedIndexes", completedIndexes, completions));
  }
  const checkFailed = failedChanged && perIndex !== undefined;
  if (checkFailed && completions !== undefined && failedIndexes !== undefined) {
    errors.push(...parseError("failedIndexes", failedIndexes, completions));
  }
  if (completedChanged && completedIndexes !== "" && spec.completionMode !== "Indexed") {
    const detail = "cannot set non-empty completedIndexes when non-indexed completion mode";
    errors.push(invalid(path.child("completedIndexes"), completedIndexes, detail));
  }
  if (failedIndexes === undefined) return errors;
  const failedPath = path.child("failedIndexes");
  if (failedChanged && perIndex === undefined) {
    const detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
    errors.push(invalid(failedPath, failedIndexes, detail));
  }
  if ((completedChanged || failedChanged) && completions !== undefined) {
    const common = firstCommonIndex(completedIndexes, failedIndexes, completions);
    if (common !== undefined) {
      const detail = `failedIndexes and completedIndexes overlap at index: ${common}`;
      errors.push(invalid(failedPath, failedIndexes, detail));
    }
  }
  return errors;
}

/** U3: the rest of what one status must be by itself. */
function validateCounts({ spec, next, changed }: Transition): FieldErrors {
  const { status, successCriteriaMet } = next;
  const { active = 0, ready, terminating = 0 } = status;
  const errors: FieldErrors = [];
  if (changed("finished", "terminating") && next.finished && terminating > 0) {
    const detail = "terminating>0 is invalid for finished job";
    errors.push(invalid(path.child("terminating"), terminating, detail));
  }
  if (changed("ready", "active") && ready !== undefined && ready > active) {
    errors.push(invalid(path.child("ready"), ready, "cannot set more ready pods than active"));
  }
  if (successCriteriaMet && next.failed) {
    errors.push(...conflict("cannot set SuccessCriteriaMet=True and Failed=true conditions"));
  }
  if (successCriteriaMet && next.failureTarget) {
    errors.push(
      ...conflict("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"),
    );
  }
  if (spec.successPolicy !== undefined && next.complete && !successCriteriaMet) {
    const detail =
      "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True";
    errors.push(...conflict(detail));
  }
  return errors;
}

const terminalConditions = [
  ["Failed", "failed"],
  ["Complete", "complete"],
  ["FailureTarget", "failureTarget"],
] as const;

/** U3: what once was and must stay. */
function validateHistory({ spec, next, old }: Transition): FieldErrors {
  const { status } = next;
  const errors: FieldErrors = terminalConditions.flatMap(([type, fact]) =>
    old[fact] && !next[fact] ? conflict(`cannot disable the terminal ${type}=True condition`) : [],
  );
  const { failed = 0, succeeded = 0, completionTime } = status;
  if (failed < (old.status.failed ?? 0)) {
    errors.push(invalid(path.child("failed"), failed, "cannot decrease the failed counter"));
  }
  // Scaling an elastic Indexed Job down drops the successes of the indexes that go.
  const elastic = spec.completionMode === "Indexed" && spec.completions === spec.parallelism;
  if (!elastic && succeeded < (old.status.succeeded ?? 0)) {
    errors.push(
      invalid(path.child("succeeded"), succeeded, "cannot decrease the succeeded counter"),
    );
  }
  if (completionTime !== undefined && old.status.completionTime !== undefined) {
    errors.push(
      ...unchanged(completionTime, old.status.completionTime, path.child("completionTime")),
    );
  }
  errors.push(...validateStartTime(spec.suspend === true, next, old));
  if (old.successCriteriaMet && !next.successCriteriaMet) {
    errors.push(...conflict("cannot disable the SuccessCriteriaMet=True condition"));
  }
  if (old.complete && !old.successCriteriaMet && next.successCriteriaMet) {
    const detail =
      "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions";
    errors.push(...conflict(detail));
  }
  return errors;
}

function validateStartTime(suspended: boolean, next: Facts, old: Facts): FieldErrors {
  const { startTime } = next.status;
  const resumes = old.suspended && !next.suspended;
  if (old.status.startTime === undefined || startTime === old.status.startTime) return [];
  if (suspended || resumes) return [];
  const detail = "field is immutable for unsuspended job once set";
  return [invalid(path.child("startTime"), startTime ?? null, detail)];
}

/** The rules of the status alone: also what the controller writes must pass them. */
export function validateJobStatusTransition(next: Job, old: Job): FieldErrors {
  const transition = transitionOf(next, old);
  return allOf(
    validateCounters(transition.next.status),
    validateCompletion(transition),
    validateFinished(transition),
    validateIndexes(transition),
    validateCounts(transition),
    validateHistory(transition),
  );
}

/** U1 to U3: `next` has the stored spec. */
export const validateJobStatusUpdate = (next: Job, old: Job): FieldErrors =>
  allOf(
    validateObjectMetaUpdate(next.metadata, old.metadata, fieldPath("metadata")),
    validateJobStatusTransition(next, old),
  );
