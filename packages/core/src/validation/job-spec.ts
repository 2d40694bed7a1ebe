// JobSpec of a Job or of a CronJob's template, without the selector rules (job-spec 3, 3.1).
import { allOf } from "../apimachinery/all-of.ts";
import {
  type FieldErrors,
  invalid,
  notSupported,
  required,
  tooLong,
} from "../apimachinery/field-error.ts";
import type { FieldPath } from "../apimachinery/field-path.ts";
import { byteLength } from "../apimachinery/go-text.ts";
import { isDns1123Subdomain, regexMessage } from "../apimachinery/name-rules.ts";
import type { JobSpec } from "../schema/batch.ts";
import { named, nonNegative, requiredText } from "./checks.ts";
import { validatePodFailurePolicy } from "./pod-failure-policy.ts";
import { validatePodTemplate } from "./pod-template.ts";
import { successPolicyValue, validateSuccessPolicy } from "./success-policy.ts";

/** Bounds the work of one sync, and with it the index lists of the status. */
const maxIndexedParallelism = 100_000;
const maxFailedIndexes = 100_000;
/** 3.1: above it the index lists may become long, so failures and parallelism are bounded lower. */
export const manyCompletions = 100_000;
export const maxParallelismForManyCompletions = 10_000;
const maxFailedIndexesForManyCompletions = 10_000;
const maxManagedByBytes = 63;

const completionModes = ["NonIndexed", "Indexed"];
const restartPolicies = ["OnFailure", "Never"];
const replacementPolicies = ["Failed", "TerminatingOrFailed"];
const needsIndexed = "requires indexed completion mode";

const httpPathText = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const httpPath = new RegExp(`^${httpPathText}$`);

function validateManagedBy(managedBy: string, path: FieldPath): FieldErrors {
  const errors = requiredText(managedBy, path);
  const slash = managedBy.indexOf("/");
  const domain = managedBy.slice(0, Math.max(slash, 0));
  const rest = managedBy.slice(slash + 1);
  if (managedBy !== "" && (slash === -1 || domain === "" || rest === "")) {
    errors.push(invalid(path, managedBy, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  } else if (managedBy !== "") {
    errors.push(...named(domain, isDns1123Subdomain, path));
    if (!httpPath.test(rest)) {
      errors.push(invalid(path, rest, regexMessage("Invalid path", httpPathText)));
    }
  }
  if (byteLength(managedBy) > maxManagedByBytes) {
    errors.push(tooLong(path, managedBy, maxManagedByBytes));
  }
  return errors;
}

function validateNumbers(spec: JobSpec, path: FieldPath): FieldErrors {
  const errors = (
    [
      "parallelism",
      "completions",
      "activeDeadlineSeconds",
      "backoffLimit",
      "ttlSecondsAfterFinished",
      "backoffLimitPerIndex",
      "maxFailedIndexes",
    ] as const
  ).flatMap((field) => nonNegative(spec[field], path.child(field)));
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    errors.push(required(path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified"));
  }
  return errors;
}

/** 3.1 with backoffLimitPerIndex; without it there is only a warning. */
function validateManyCompletions(spec: JobSpec, path: FieldPath): FieldErrors {
  const errors: FieldErrors = [];
  const wording = (limit: number): string =>
    `must be less than or equal to ${limit} when completions are above ${manyCompletions} ` +
    "and used with backoff limit per index";
  if (spec.maxFailedIndexes === undefined) {
    const detail = `must be specified when completions is above ${manyCompletions}`;
    errors.push(required(path.child("maxFailedIndexes"), detail));
  }
  if ((spec.parallelism ?? 0) > maxParallelismForManyCompletions) {
    const detail = wording(maxParallelismForManyCompletions);
    errors.push(invalid(path.child("parallelism"), spec.parallelism, detail));
  }
  if ((spec.maxFailedIndexes ?? 0) > maxFailedIndexesForManyCompletions) {
    const detail = wording(maxFailedIndexesForManyCompletions);
    errors.push(invalid(path.child("maxFailedIndexes"), spec.maxFailedIndexes, detail));
  }
  return errors;
}

function validateIndexed(spec: JobSpec, path: FieldPath): FieldErrors {
  const { completions, parallelism, maxFailedIndexes: maxFailed } = spec;
  const errors: FieldErrors = [];
  if (completions === undefined) {
    errors.push(required(path.child("completions"), "when completion mode is Indexed"));
  }
  if (parallelism !== undefined && parallelism > maxIndexedParallelism) {
    const limit = `must be less than or equal to ${maxIndexedParallelism}`;
    const detail = `${limit} when completion mode is Indexed`;
    errors.push(invalid(path.child("parallelism"), parallelism, detail));
  }
  if (maxFailed !== undefined) {
    const maxFailedPath = path.child("maxFailedIndexes");
    if (completions !== undefined && maxFailed > completions) {
      errors.push(invalid(maxFailedPath, maxFailed, "must be less than or equal to completions"));
    }
    if (maxFailed > maxFailedIndexes) {
      const detail = `must be less than or equal to ${maxFailedIndexes}`;
      errors.push(invalid(maxFailedPath, maxFailed, detail));
    }
  }
  if ((completions ?? 0) > manyCompletions && spec.backoffLimitPerIndex !== undefined) {
    errors.push(...validateManyCompletions(spec, path));
  }
  return errors;
}

function validateCompletionMode(spec: JobSpec, path: FieldPath): FieldErrors {
  const mode = spec.completionMode ?? "NonIndexed";
  if (mode === "Indexed") return validateIndexed(spec, path);
  if (mode !== "NonIndexed") {
    return [notSupported(path.child("completionMode"), mode, completionModes)];
  }
  return (["backoffLimitPerIndex", "maxFailedIndexes"] as const).flatMap((field) =>
    spec[field] === undefined ? [] : [invalid(path.child(field), spec[field], needsIndexed)],
  );
}

function validatePolicies(spec: JobSpec, path: FieldPath): FieldErrors {
  const errors: FieldErrors = [];
  const { podFailurePolicy, successPolicy, podReplacementPolicy } = spec;
  if (podFailurePolicy !== undefined) {
    const policyPath = path.child("podFailurePolicy");
    errors.push(...validatePodFailurePolicy(podFailurePolicy, spec, policyPath));
  }
  if (successPolicy !== undefined) {
    const policyPath = path.child("successPolicy");
    if (spec.completionMode === "Indexed") {
      errors.push(...validateSuccessPolicy(successPolicy, spec.completions, policyPath));
    } else {
      errors.push(invalid(policyPath, successPolicyValue(successPolicy), needsIndexed));
    }
  }
  if (podReplacementPolicy !== undefined) {
    const supported = podFailurePolicy === undefined ? replacementPolicies : ["Failed"];
    if (!supported.includes(podReplacementPolicy)) {
      const policyPath = path.child("podReplacementPolicy");
      errors.push(notSupported(policyPath, podReplacementPolicy, supported));
    }
  }
  return errors;
}

function validateRestartPolicy(spec: JobSpec, path: FieldPath): FieldErrors {
  const policy = spec.template?.spec?.restartPolicy ?? "";
  // The default of Pods, Always, can't be told from an absent one.
  if (policy === "" || policy === "Always") {
    return [required(path, 'valid values: "OnFailure", "Never"')];
  }
  if (!restartPolicies.includes(policy)) return [notSupported(path, policy, restartPolicies)];
  if (spec.podFailurePolicy !== undefined && policy !== "Never") {
    const detail = 'only "Never" is supported when podFailurePolicy is specified';
    return [invalid(path, policy, detail)];
  }
  return [];
}

/** `path`: `spec`, or `spec.jobTemplate.spec` of a CronJob. */
export function validateJobSpecFields(spec: JobSpec, path: FieldPath): FieldErrors {
  const templatePath = path.child("template");
  return allOf(
    validateNumbers(spec, path),
    spec.managedBy === undefined ? [] : validateManagedBy(spec.managedBy, path.child("managedBy")),
    validateCompletionMode(spec, path),
    validatePolicies(spec, path),
    validatePodTemplate(spec.template ?? {}, templatePath),
    validateRestartPolicy(spec, templatePath.child("spec", "restartPolicy")),
  );
}
