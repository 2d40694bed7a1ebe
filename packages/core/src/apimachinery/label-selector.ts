// Label selectors as values: matching, printing, and the LabelSelector object of the API (S4).
import { allOf } from "./all-of.ts";
import type { LabelSelector, LabelSelectorRequirement } from "../schema/meta.ts";
import { forbidden, invalid, required } from "./field-error.ts";
import type { FieldErrors } from "./field-error.ts";
import type { FieldPath } from "./field-path.ts";
import { isLabelValue, isQualifiedName } from "./name-rules.ts";

export type LabelOperator = "=" | "==" | "!=" | "in" | "notin" | "exists" | "!" | "gt" | "lt";

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** Sorted. */
  readonly values: readonly string[];
}

/** All requirements hold. An empty list matches everything; `undefined` (no selector) nothing. */
export type ParsedLabelSelector = readonly LabelRequirement[];

export type Labels = Readonly<Record<string, string>>;

const integer = /^[+-]?[0-9]+$/;

function compareIntegers(label: string, operator: "gt" | "lt", bound: string): boolean {
  if (!integer.test(label) || !integer.test(bound)) return false;
  return operator === "gt" ? BigInt(label) > BigInt(bound) : BigInt(label) < BigInt(bound);
}

function requirementMatches(requirement: LabelRequirement, labels: Labels): boolean {
  const { key, operator, values } = requirement;
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "=":
    case "==":
    case "in":
      return value !== undefined && values.includes(value);
    case "!=":
    case "notin":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case "gt":
    case "lt":
      return value !== undefined && compareIntegers(value, operator, values[0] ?? "");
  }
}

export const matchesLabels = (
  selector: ParsedLabelSelector | undefined,
  labels: Labels | undefined,
): boolean =>
  selector !== undefined &&
  selector.every((requirement) => requirementMatches(requirement, labels ?? {}));

function requirementText({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case "exists":
      return key;
    case "!":
      return `!${key}`;
    case "in":
    case "notin":
      return `${key} ${operator} (${values.join(",")})`;
    case "gt":
      return `${key}>${values[0] ?? ""}`;
    case "lt":
      return `${key}<${values[0] ?? ""}`;
    case "=":
    case "==":
    case "!=":
      return `${key}${operator}${values[0] ?? ""}`;
  }
}

/** `a=b,c in (d,e)` */
export const formatRequirements = (selector: ParsedLabelSelector): string =>
  selector.map(requirementText).join(",");

const byKey = (a: LabelRequirement, b: LabelRequirement): number => {
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
};

export const sortRequirements = (requirements: readonly LabelRequirement[]): ParsedLabelSelector =>
  requirements.toSorted(byKey);

const operators: ReadonlyMap<string, LabelOperator> = new Map([
  ["In", "in"],
  ["NotIn", "notin"],
  ["Exists", "exists"],
  ["DoesNotExist", "!"],
]);

/**
 * The requirements of a LabelSelector object; `undefined` for no selector, which matches nothing, and
 * for one with an operator that validation refuses.
 */
export function selectorFromObject(
  selector: LabelSelector | undefined,
): ParsedLabelSelector | undefined {
  if (selector === undefined) return undefined;
  const requirements: LabelRequirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    requirements.push({ key, operator: "=", values: [value] });
  }
  for (const { key = "", operator = "", values = [] } of selector.matchExpressions ?? []) {
    const known = operators.get(operator);
    if (known === undefined) return undefined;
    requirements.push({ key, operator: known, values: values.toSorted() });
  }
  return sortRequirements(requirements);
}

/** Exact match of every label given. */
export const selectorFromLabels = (labels: Labels): ParsedLabelSelector =>
  sortRequirements(
    Object.entries(labels).map(([key, value]) => ({
      key,
      operator: "=" as const,
      values: [value],
    })),
  );

/** As a printer column shows it: `<none>` for an empty selector or none. */
export function formatLabelSelector(selector: LabelSelector | undefined): string {
  const requirements = selectorFromObject(selector);
  if (requirements === undefined) return selector === undefined ? "<none>" : "<error>";
  return requirements.length === 0 ? "<none>" : formatRequirements(requirements);
}

/** M8: keys are qualified names, values label values; all errors at `path` itself. */
export function validateLabels(labels: Labels | undefined, path: FieldPath): FieldErrors {
  const errors: FieldErrors = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const message of isQualifiedName(key)) errors.push(invalid(path, key, message));
    for (const message of isLabelValue(value)) errors.push(invalid(path, value, message));
  }
  return errors;
}

function validateRequirement(
  { key = "", operator = "", values = [] }: LabelSelectorRequirement,
  path: FieldPath,
): FieldErrors {
  const errors: FieldErrors = [];
  const valuesPath = path.child("values");
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0) {
      errors.push(required(valuesPath, "must be specified when `operator` is 'In' or 'NotIn'"));
    }
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0) {
      const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      errors.push(forbidden(valuesPath, detail));
    }
  } else {
    errors.push(invalid(path.child("operator"), operator, "not a valid selector operator"));
  }
  for (const message of isQualifiedName(key)) errors.push(invalid(path.child("key"), key, message));
  for (const [i, value] of values.entries()) {
    for (const message of isLabelValue(value)) {
      errors.push(invalid(valuesPath.index(i), value, message));
    }
  }
  return errors;
}

/** S4: syntax of a LabelSelector. */
export function validateLabelSelector(
  selector: LabelSelector | undefined,
  path: FieldPath,
): FieldErrors {
  if (selector === undefined) return [];
  const expressions = path.child("matchExpressions");
  return allOf(
    validateLabels(selector.matchLabels, path.child("matchLabels")),
    (selector.matchExpressions ?? []).flatMap((requirement, i) =>
      validateRequirement(requirement, expressions.index(i)),
    ),
  );
}
