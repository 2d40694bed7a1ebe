// The checks that rules of many fields are made of.
import {
  type FieldErrors,
  immutableDetail,
  invalid,
  negativeDetail,
  notSupported,
  required,
} from "../apimachinery/field-error.ts";
import type { FieldPath } from "../apimachinery/field-path.ts";
import { semanticEqual } from "./semantic-equal.ts";

/** E7 */
export const nonNegative = (value: number | undefined, path: FieldPath): FieldErrors =>
  value !== undefined && value < 0 ? [invalid(path, value, negativeDetail)] : [];

/** E7: neither set, nor changed, nor removed. */
export const unchanged = (next: unknown, old: unknown, path: FieldPath): FieldErrors =>
  (next === undefined) === (old === undefined) && semanticEqual(next, old)
    ? []
    : [invalid(path, next ?? null, immutableDetail)];

/** A name rule's messages, each as an error of `value`. */
export const named = (
  value: string | undefined,
  rule: (value: string) => string[],
  path: FieldPath,
): FieldErrors => rule(value ?? "").map((message) => invalid(path, value ?? "", message));

/** The same, only where something is given. */
export const namedIfSet = (
  value: string | undefined,
  rule: (value: string) => string[],
  path: FieldPath,
): FieldErrors => (value ? named(value, rule, path) : []);

/** Required, and then valid by the rule. */
export const requiredName = (
  value: string | undefined,
  rule: (value: string) => string[],
  path: FieldPath,
): FieldErrors => (value ? named(value, rule, path) : [required(path)]);

export const requiredText = (value: string | undefined, path: FieldPath): FieldErrors =>
  value ? [] : [required(path)];

/** One of `supported`, which the error lists in this order. */
export const oneOf = (
  value: string | undefined,
  supported: readonly string[],
  path: FieldPath,
): FieldErrors =>
  supported.includes(value ?? "") ? [] : [notSupported(path, value ?? "", supported)];

/** The same, and absent is another error than wrong. */
export const requiredOneOf = (
  value: string | undefined,
  supported: readonly string[],
  path: FieldPath,
): FieldErrors => (value ? oneOf(value, supported, path) : [required(path)]);
