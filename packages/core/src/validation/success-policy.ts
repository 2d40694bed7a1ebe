// spec.successPolicy (job-spec 3.3).
import { allOf } from "../apimachinery/all-of.ts";
import {
  type FieldErrors,
  invalid,
  required,
  tooLong,
  tooMany,
} from "../apimachinery/field-error.ts";
import type { FieldPath } from "../apimachinery/field-path.ts";
import { byteLength } from "../apimachinery/go-text.ts";
import type { SuccessPolicy, SuccessPolicyRule } from "../schema/batch.ts";
import { nonNegative } from "./checks.ts";
import { parseIndexList } from "./index-list.ts";

const maxRules = 20;
/** 64 KiB, so that one Job's rules stay small beside its other fields. */
const maxIndexListBytes = 65536;

function validateCount(
  count: number,
  completions: number,
  indexes: number | undefined,
  path: FieldPath,
): FieldErrors {
  const errors = nonNegative(count, path);
  if (count > completions) {
    const limit = `must be less than or equal to ${completions}`;
    const detail = `${limit} (the number of specified completions)`;
    errors.push(invalid(path, count, detail));
  }
  if (indexes !== undefined && count > indexes) {
    const detail =
      `must be less than or equal to ${indexes} ` +
      "(the number of indexes in the specified succeededIndexes field)";
    errors.push(invalid(path, count, detail));
  }
  return errors;
}

function validateRule(rule: SuccessPolicyRule, completions: number, path: FieldPath): FieldErrors {
  const { succeededIndexes, succeededCount } = rule;
  const errors: FieldErrors = [];
  if (succeededCount === undefined && succeededIndexes === undefined) {
    const detail = "at least one of succeededCount or succeededIndexes must be specified";
    errors.push(required(path, detail));
  }
  let indexes: number | undefined;
  if (succeededIndexes !== undefined) {
    const indexesPath = path.child("succeededIndexes");
    if (byteLength(succeededIndexes) > maxIndexListBytes) {
      errors.push(tooLong(indexesPath, succeededIndexes, maxIndexListBytes));
    }
    const parsed = parseIndexList(succeededIndexes, completions);
    indexes = parsed.ok ? parsed.total : 0;
    if (!parsed.ok) {
      const detail = `error parsing succeededIndexes: ${parsed.error}`;
      errors.push(invalid(indexesPath, succeededIndexes, detail));
    }
  }
  if (succeededCount !== undefined) {
    const countPath = path.child("succeededCount");
    errors.push(...validateCount(succeededCount, completions, indexes, countPath));
  }
  return errors;
}

/** Of an Indexed Job. Absent completions, an error of its own, bound nothing here. */
export function validateSuccessPolicy(
  policy: SuccessPolicy,
  completions: number | undefined,
  path: FieldPath,
): FieldErrors {
  const rules = policy.rules ?? [];
  const rulesPath = path.child("rules");
  const errors: FieldErrors = [];
  if (rules.length === 0) {
    const detail = "at least one rules must be specified when the successPolicy is specified";
    errors.push(required(rulesPath, detail));
  }
  if (rules.length > maxRules) errors.push(tooMany(rulesPath, rules.length, maxRules));
  const bound = completions ?? Infinity;
  return allOf(
    errors,
    rules.flatMap((rule, i) => validateRule(rule, bound, rulesPath.index(i))),
  );
}

/** As error texts show it: with the names that the Go struct has (E5). */
export const successPolicyValue = (policy: SuccessPolicy): unknown => ({
  Rules:
    policy.rules?.map(({ succeededIndexes, succeededCount }) => ({
      SucceededIndexes: succeededIndexes ?? null,
      SucceededCount: succeededCount ?? null,
    })) ?? null,
});
