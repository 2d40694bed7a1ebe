// What the creator of an object owns: all that it sets, found in one walk, as the text of a FieldsV1.
import type { z } from "zod";
import type { FieldPath } from "./field-set.ts";
import { sameJson } from "./object-fields.ts";
import { isJson, type Json, nothing, partsOf, type Shape, shapeOf } from "./shape.ts";

const LEAF = "{}";

/** Paths without their prefix, below the place at hand. */
const below = (paths: readonly FieldPath[], element: string): readonly FieldPath[] =>
  paths.length === 0
    ? paths
    : paths.flatMap((path) => (path[0] === element ? [path.slice(1)] : []));

/** Names of a part's fields in order, without those that are not set. */
const namesOf = (value: Json): string[] => {
  const names: string[] = [];
  for (const name of Object.keys(value)) if (value[name] !== undefined) names.push(name);
  return names.sort();
};

interface Part {
  readonly element: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly shape: Shape;
}

/** Both sides' parts, of which only the later one's matter; `undefined` for what is owned whole. */
const partsOfBoth = (before: unknown, after: unknown, shape: Shape): Part[] | undefined => {
  const isFields = shape.type === "struct" || shape.type === "map";
  if (isFields && isJson(after) && (isJson(before) || nothing(before))) {
    const old = (before ?? {}) as Json;
    const names = namesOf(after);
    if (names.length === 0 && namesOf(old).length === 0) return undefined;
    return names.map((name) => ({
      element: `f:${name}`,
      before: Object.hasOwn(old, name) ? old[name] : undefined,
      after: after[name],
      shape: shape.type === "struct" ? shape.field(name) : shape.value,
    }));
  }
  const next = partsOf(after, shape);
  const old = partsOf(before, shape);
  if (next === undefined || old === undefined || next.size + old.size === 0) return undefined;
  return [...next.keys()].sort().flatMap((element) => {
    const part = next.get(element);
    const known = old.get(element)?.[0];
    return part === undefined ? [] : [{ element, before: known, after: part[0], shape: part[1] }];
  });
};

/** Text of the set below one place; empty when nothing there belongs to it. */
const write = (
  before: unknown,
  after: unknown,
  shape: Shape,
  without: readonly FieldPath[],
): string => {
  const parts = shape.type === "leaf" ? undefined : partsOfBoth(before, after, shape);
  if (parts === undefined) {
    if (before === undefined) return LEAF;
    return after === undefined || sameJson(before, after) ? "" : LEAF;
  }
  let text = "";
  for (const part of parts) {
    const left = below(without, part.element);
    if (left.some((path) => path.length === 0)) continue;
    const inner = write(part.before, part.after, part.shape, left);
    if (inner === "") continue;
    text += `${text === "" ? "" : ","}${JSON.stringify(part.element)}:${inner}`;
  }
  // A part that appears is itself owned, beside what is in it.
  if (before === undefined) return text === "" ? LEAF : `{".":{},${text}}`;
  return text === "" ? "" : `{${text}}`;
};

/**
 * The same set as that of an update from `before`, which is what a new object has anyway.
 * `without`: paths that nobody owns. Empty when nothing is owned.
 */
export const createdFields = (
  before: unknown,
  after: unknown,
  schema: z.ZodObject,
  without: readonly FieldPath[],
): string => write(before, after, shapeOf(schema), without);
