// spec.podFailurePolicy (job-spec 3.2).
import { allOf } from "../apimachinery/all-of.ts";
import {
  duplicate,
  type FieldErrors,
  invalid,
  invalidNoValue,
  notSupported,
  required,
  tooMany,
} from "../apimachinery/field-error.ts";
import type { FieldPath } from "../apimachinery/field-path.ts";
import { goQuote } from "../apimachinery/go-text.ts";
import { isQualifiedName } from "../apimachinery/name-rules.ts";
import type {
  JobSpec,
  PodFailurePolicy,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
} from "../schema/batch.ts";
import { named } from "./checks.ts";

// Limits of one Job's record in the store, as Kubernetes has them.
const maxRules = 20;
const maxExitCodes = 255;
const maxConditions = 20;

const actions = ["Count", "FailIndex", "FailJob", "Ignore"];
const operators = ["In", "NotIn"];
const statuses = ["False", "True", "Unknown"];

/** Absent and wrong are different errors. */
function choice(value: string | undefined, supported: string[], path: FieldPath): FieldErrors {
  if (!value) return [required(path, `valid values: [${supported.map(goQuote).join(" ")}]`)];
  return supported.includes(value) ? [] : [notSupported(path, value, supported)];
}

function validateExitCodes(
  onExitCodes: PodFailurePolicyOnExitCodesRequirement,
  path: FieldPath,
  containerNames: ReadonlySet<string>,
): FieldErrors {
  const { operator, containerName, values = [] } = onExitCodes;
  const errors = choice(operator, operators, path.child("operator"));
  if (containerName !== undefined && !containerNames.has(containerName)) {
    const detail = "must be one of the container or initContainer names in the pod template";
    errors.push(invalid(path.child("containerName"), containerName, detail));
  }
  const valuesPath = path.child("values");
  if (values.length === 0) {
    errors.push(invalid(valuesPath, onExitCodes.values ?? null, "at least one value is required"));
  } else if (values.length > maxExitCodes) {
    errors.push(tooMany(valuesPath, values.length, maxExitCodes));
  }
  const seen = new Set<number>();
  for (const [j, value] of values.entries()) {
    if (operator === "In" && value === 0) {
      errors.push(invalid(valuesPath.index(j), value, "must not be 0 for the In operator"));
    }
    if (seen.has(value)) errors.push(duplicate(valuesPath.index(j), value));
    seen.add(value);
  }
  if (values.some((value, j) => j > 0 && (values[j - 1] ?? value) > value)) {
    errors.push(invalid(valuesPath, values, "must be ordered"));
  }
  return errors;
}

function validateConditions(
  patterns: readonly PodFailurePolicyOnPodConditionsPattern[],
  path: FieldPath,
): FieldErrors {
  const errors: FieldErrors = [];
  if (patterns.length > maxConditions) errors.push(tooMany(path, patterns.length, maxConditions));
  for (const [j, pattern] of patterns.entries()) {
    errors.push(
      ...named(pattern.type, isQualifiedName, path.index(j).child("type")),
      ...choice(pattern.status, statuses, path.index(j).child("status")),
    );
  }
  return errors;
}

function validateAction(action: string | undefined, spec: JobSpec, path: FieldPath): FieldErrors {
  if (action === "FailIndex" && spec.backoffLimitPerIndex === undefined) {
    return [invalid(path, action, "requires the backoffLimitPerIndex to be set")];
  }
  return choice(action, actions, path);
}

function validateRule(
  rule: PodFailurePolicyRule,
  spec: JobSpec,
  path: FieldPath,
  containerNames: ReadonlySet<string>,
): FieldErrors {
  const { onExitCodes, onPodConditions = [] } = rule;
  const errors = validateAction(rule.action, spec, path.child("action"));
  if (onExitCodes !== undefined) {
    errors.push(...validateExitCodes(onExitCodes, path.child("onExitCodes"), containerNames));
  }
  errors.push(...validateConditions(onPodConditions, path.child("onPodConditions")));
  if (onExitCodes !== undefined && onPodConditions.length > 0) {
    const detail = "specifying both OnExitCodes and OnPodConditions is not supported";
    errors.push(invalidNoValue(path, detail));
  }
  if (onExitCodes === undefined && onPodConditions.length === 0) {
    const detail = "specifying one of OnExitCodes and OnPodConditions is required";
    errors.push(invalidNoValue(path, detail));
  }
  return errors;
}

export function validatePodFailurePolicy(
  policy: PodFailurePolicy,
  spec: JobSpec,
  path: FieldPath,
): FieldErrors {
  const rules = policy.rules ?? [];
  const rulesPath = path.child("rules");
  const pod = spec.template?.spec;
  const containerNames = new Set(
    allOf(pod?.containers ?? [], pod?.initContainers ?? []).map(({ name = "" }) => name),
  );
  const count = rules.length > maxRules ? [tooMany(rulesPath, rules.length, maxRules)] : [];
  return allOf(
    count,
    rules.flatMap((rule, i) => validateRule(rule, spec, rulesPath.index(i), containerNames)),
  );
}

/** As error texts show it: with the names that the Go struct has (E5). */
export const podFailurePolicyValue = (policy: PodFailurePolicy): unknown => ({
  Rules:
    policy.rules?.map(({ action = "", onExitCodes, onPodConditions }) => ({
      Action: action,
      OnExitCodes:
        onExitCodes === undefined
          ? null
          : {
              ContainerName: onExitCodes.containerName ?? null,
              Operator: onExitCodes.operator ?? "",
              Values: onExitCodes.values ?? null,
            },
      OnPodConditions:
        onPodConditions?.map(({ type = "", status = "" }) => ({ Type: type, Status: status })) ??
        null,
    })) ?? null,
});
