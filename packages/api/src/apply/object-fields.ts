// The fields that an object sets, and the fields in which two objects differ.
import { addPath, emptySet, type FieldPath, type FieldSet } from "./field-set.ts";
import { nothing, partsOf, type Shape } from "./shape.ts";

/** What an applied configuration owns: all it names. */
export function fieldsOf(value: unknown, shape: Shape): FieldSet {
  const set = emptySet();
  collect(value, shape, [], set);
  return set;
}

function collect(value: unknown, shape: Shape, path: FieldPath, set: FieldSet): void {
  const parts = partsOf(value, shape);
  if (parts === undefined) {
    addPath(set, path);
    return;
  }
  for (const [element, [part, partShape]] of parts) {
    const below = [...path, element];
    collect(part, partShape, below, set);
    const isEmptyPart = partsOf(part, partShape)?.size === 0;
    // An item is owned beside its fields, and so are an empty struct and a map's entries.
    if (isEmptyPart || !element.startsWith("f:") || shape.type === "map") addPath(set, below);
  }
}

export interface Difference {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

export function compareObjects(before: unknown, after: unknown, shape: Shape): Difference {
  const difference = { added: emptySet(), modified: emptySet(), removed: emptySet() };
  compareParts(before, after, shape, [], difference);
  return difference;
}

function compareLeaf(before: unknown, after: unknown, path: FieldPath, into: Difference): void {
  if (before === undefined) addPath(into.added, path);
  else if (after === undefined) addPath(into.removed, path);
  else if (!sameJson(before, after)) addPath(into.modified, path);
}

function compareParts(
  before: unknown,
  after: unknown,
  shape: Shape,
  path: FieldPath,
  into: Difference,
): void {
  // Most of an object stays as it is in a write, and is not taken apart.
  if (identical(before, after)) return;
  const old = partsOf(before, shape);
  const next = partsOf(after, shape);
  if (old === undefined || next === undefined || old.size + next.size === 0) {
    compareLeaf(before, after, path, into);
    return;
  }
  for (const element of new Set([...old.keys(), ...next.keys()])) {
    const partShape = old.get(element)?.[1] ?? next.get(element)?.[1];
    if (partShape === undefined) continue;
    const [oldPart, nextPart] = [old.get(element)?.[0], next.get(element)?.[0]];
    compareParts(oldPart, nextPart, partShape, [...path, element], into);
  }
  // A part that appears or goes is itself a change, beside what is in it.
  if (before === undefined) addPath(into.added, path);
  else if (after === undefined) addPath(into.removed, path);
}

/** Equal as JSON values; the order of an object's keys does not count. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (nothing(a) || nothing(b)) return nothing(a) && nothing(b);
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, n) => sameJson(item, b[n]));
  }
  if (typeof a !== "object" || typeof b !== "object") return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key in left) if (!sameJson(left[key], right[key])) return false;
  for (const key in right) if (!nothing(right[key]) && nothing(left[key])) return false;
  return true;
}

/** As `sameJson`, but what is null is not what is missing. */
function identical(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, n) => identical(item, b[n]));
  }
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key in left) if (!identical(left[key], right[key])) return false;
  for (const key in right) if (right[key] !== undefined && left[key] === undefined) return false;
  return true;
}
