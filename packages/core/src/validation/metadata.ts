// TEMPORARY adapter until object-meta.ts is there.
import {
  type FieldErrors,
  invalid,
  required,
  tooLong,
  immutableDetail,
} from "../apimachinery/field-error.ts";
import type { FieldPath } from "../apimachinery/field-path.ts";
import { byteLength } from "../apimachinery/go-text.ts";
import { validateLabels } from "../apimachinery/label-selector.ts";
import { isQualifiedName } from "../apimachinery/name-rules.ts";
import type { ObjectMeta } from "../schema/meta.ts";
export function validateAnnotations(
  a: Record<string, string> | undefined,
  path: FieldPath,
): FieldErrors {
  const errors: FieldErrors = [];
  let n = 0;
  for (const [k, v] of Object.entries(a ?? {})) {
    for (const m of isQualifiedName(k.toLowerCase())) errors.push(invalid(path, k, m));
    n += byteLength(k) + byteLength(v);
  }
  if (n > 262144) errors.push(tooLong(path, "", 262144));
  return errors;
}
export function validateObjectMeta(
  meta: ObjectMeta | undefined,
  o: { namespaced: boolean; nameRule: (s: string) => string[]; path: FieldPath },
): FieldErrors {
  const errors: FieldErrors = [];
  if (!meta?.name) errors.push(required(o.path.child("name"), "name or generateName is required"));
  else
    for (const m of o.nameRule(meta.name)) errors.push(invalid(o.path.child("name"), meta.name, m));
  return [
    ...errors,
    ...validateLabels(meta?.labels, o.path.child("labels")),
    ...validateAnnotations(meta?.annotations, o.path.child("annotations")),
  ];
}
export function validateObjectMetaUpdate(
  next: ObjectMeta | undefined,
  old: ObjectMeta | undefined,
  path: FieldPath,
): FieldErrors {
  return next?.name === old?.name ? [] : [invalid(path.child("name"), next?.name, immutableDetail)];
}
