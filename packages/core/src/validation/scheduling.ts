// Where a Pod may run: tolerations, affinity, spreading, gates (job-spec 6).
import { allOf } from "../apimachinery/all-of.ts";
import {
  betweenDetail,
  duplicate,
  type FieldErrors,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../apimachinery/field-error.ts";
import type { FieldPath } from "../apimachinery/field-path.ts";
import { validateLabelSelector } from "../apimachinery/label-selector.ts";
import { isLabelValue, isQualifiedName } from "../apimachinery/name-rules.ts";
import type {
  Affinity,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from "../schema/placement.ts";
import type { PodSchedulingGate } from "../schema/pod.ts";
import { named, oneOf, requiredName, requiredOneOf } from "./checks.ts";

const maxWeight = 100;
const taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

function validateTolerationValue(toleration: Toleration, path: FieldPath): FieldErrors {
  const { operator = "", value = "" } = toleration;
  if (operator === "" || operator === "Equal") {
    const messages = isLabelValue(value);
    return messages.length === 0 ? [] : [invalid(path, value, messages.join(";"))];
  }
  if (operator !== "Exists") return [notSupported(path, operator, ["Equal", "Exists"])];
  if (value === "") return [];
  const shown = {
    Key: toleration.key ?? "",
    Operator: operator,
    Value: value,
    Effect: toleration.effect ?? "",
    TolerationSeconds: toleration.tolerationSeconds ?? null,
  };
  return [invalid(path, shown, "value must be empty when `operator` is 'Exists'")];
}

function validateToleration(toleration: Toleration, path: FieldPath): FieldErrors {
  const { key = "", operator = "", effect = "", tolerationSeconds } = toleration;
  const errors = key === "" ? [] : named(key, isQualifiedName, path.child("key"));
  if (key === "" && operator !== "Exists") {
    const detail =
      'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    errors.push(invalid(path.child("operator"), operator, detail));
  }
  if (tolerationSeconds !== undefined && effect !== "NoExecute") {
    const detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
    errors.push(invalid(path.child("effect"), effect, detail));
  }
  errors.push(...validateTolerationValue(toleration, path.child("operator")));
  if (effect !== "") errors.push(...oneOf(effect, taintEffects, path.child("effect")));
  return errors;
}

export const validateTolerations = (
  tolerations: readonly Toleration[],
  path: FieldPath,
): FieldErrors =>
  tolerations.flatMap((toleration, i) => validateToleration(toleration, path.index(i)));

function validateRequirement(requirement: NodeSelectorRequirement, path: FieldPath): FieldErrors {
  const { key, operator = "", values = [] } = requirement;
  const valuesPath = path.child("values");
  const errors: FieldErrors = [];
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0) {
      errors.push(required(valuesPath, "must be specified when `operator` is 'In' or 'NotIn'"));
    }
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0) {
      const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      errors.push(forbidden(valuesPath, detail));
    }
  } else if (operator === "Gt" || operator === "Lt") {
    if (values.length !== 1) {
      const detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
      errors.push(required(valuesPath, detail));
    }
  } else {
    errors.push(invalid(path.child("operator"), operator, "not a valid selector operator"));
  }
  return allOf(errors, named(key, isQualifiedName, path.child("key")));
}

const validateTerm = (term: NodeSelectorTerm, path: FieldPath): FieldErrors =>
  (term.matchExpressions ?? []).flatMap((requirement, i) =>
    validateRequirement(requirement, path.child("matchExpressions").index(i)),
  );

const validateWeight = (weight: number | undefined, path: FieldPath): FieldErrors =>
  weight !== undefined && weight >= 1 && weight <= maxWeight
    ? []
    : [invalid(path, weight ?? 0, `must be in the range 1-${maxWeight}`)];

function validateNodeAffinity(affinity: Affinity["nodeAffinity"], path: FieldPath): FieldErrors {
  const must = affinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const should = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const errors: FieldErrors = [];
  if (must !== undefined) {
    const terms = must.nodeSelectorTerms ?? [];
    const at = path.child("requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms");
    if (terms.length === 0) errors.push(required(at, "must have at least one node selector term"));
    errors.push(...terms.flatMap((term, i) => validateTerm(term, at.index(i))));
  }
  const shouldPath = path.child("preferredDuringSchedulingIgnoredDuringExecution");
  for (const [i, { weight, preference }] of should.entries()) {
    errors.push(
      ...validateWeight(weight, shouldPath.index(i).child("weight")),
      ...validateTerm(preference ?? {}, shouldPath.index(i).child("preference")),
    );
  }
  return errors;
}

function validatePodTerm(term: PodAffinityTerm | undefined, path: FieldPath): FieldErrors {
  return allOf(
    validateLabelSelector(term?.labelSelector, path.child("labelSelector")),
    validateLabelSelector(term?.namespaceSelector, path.child("namespaceSelector")),
    term?.topologyKey
      ? named(term.topologyKey, isQualifiedName, path.child("topologyKey"))
      : [required(path.child("topologyKey"), "can not be empty")],
  );
}

function validatePodAffinity(affinity: PodAffinity | undefined, path: FieldPath): FieldErrors {
  const mustPath = path.child("requiredDuringSchedulingIgnoredDuringExecution");
  const shouldPath = path.child("preferredDuringSchedulingIgnoredDuringExecution");
  return allOf(
    (affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((term, i) =>
      validatePodTerm(term, mustPath.index(i)),
    ),
    (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((term, i) =>
      allOf(
        validateWeight(term.weight, shouldPath.index(i).child("weight")),
        validatePodTerm(term.podAffinityTerm, shouldPath.index(i).child("podAffinityTerm")),
      ),
    ),
  );
}

export const validateAffinity = (affinity: Affinity | undefined, path: FieldPath): FieldErrors =>
  affinity === undefined
    ? []
    : allOf(
        validateNodeAffinity(affinity.nodeAffinity, path.child("nodeAffinity")),
        validatePodAffinity(affinity.podAffinity, path.child("podAffinity")),
        validatePodAffinity(affinity.podAntiAffinity, path.child("podAntiAffinity")),
      );

export function validateSchedulingGates(
  gates: readonly PodSchedulingGate[],
  path: FieldPath,
): FieldErrors {
  if (gates.length === 0) return [];
  const errors: FieldErrors = [];
  const names = new Set<string>();
  for (const [i, { name = "" }] of gates.entries()) {
    errors.push(...named(name, isQualifiedName, path.index(i).child("name")));
    if (names.has(name)) errors.push(duplicate(path.index(i), name));
    names.add(name);
  }
  return errors;
}

export const validateSpreading = (
  constraints: readonly TopologySpreadConstraint[],
  path: FieldPath,
): FieldErrors =>
  constraints.flatMap(({ maxSkew = 0, topologyKey, whenUnsatisfiable, labelSelector }, i) =>
    allOf(
      maxSkew > 0
        ? []
        : [invalid(path.index(i).child("maxSkew"), maxSkew, "must be greater than zero")],
      topologyKey
        ? requiredName(topologyKey, isQualifiedName, path.index(i).child("topologyKey"))
        : [required(path.index(i).child("topologyKey"), "can not be empty")],
      requiredOneOf(
        whenUnsatisfiable,
        ["DoNotSchedule", "ScheduleAnyway"],
        path.index(i).child("whenUnsatisfiable"),
      ),
      validateLabelSelector(labelSelector, path.index(i).child("labelSelector")),
    ),
  );

const maxDeadlineSeconds = 2147483647;

/** A Pod's own activeDeadlineSeconds, which unlike a Job's is not 0. */
export const validatePodDeadline = (seconds: number | undefined, path: FieldPath): FieldErrors =>
  seconds === undefined || (seconds >= 1 && seconds <= maxDeadlineSeconds)
    ? []
    : [invalid(path, seconds, betweenDetail(1, maxDeadlineSeconds))];
