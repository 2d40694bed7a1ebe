// What the creator of an object owns: all that it sets, found in one walk, as the text of a FieldsV1.
import type { z } from "zod";
import type { FieldPath } from "./field-set.ts";
import { sameJson } from "./object-fields.ts";
import { partsOf, type Shape, shapeOf } from "./shape.ts";

const LEAF = "{}";

/** Paths without their prefix, below the place at hand. */
const below = (paths: readonly FieldPath[], element: string): readonly FieldPath[] =>
  paths.length === 0
    ? paths
    : paths.flatMap((path) => (path[0] === element ? [path.slice(1)] : []));

/** Text of the set below one place; empty when nothing there belongs to it. */
const write = (
  before: unknown,
  after: unknown,
  shape: Shape,
  without: readonly FieldPath[],
): string => {
  const next = partsOf(after, shape);
  const old = before === undefined ? undefined : partsOf(before, shape);
  const size = (next?.size ?? 0) + (old?.size ?? 0);
  if (next === undefined || size === 0 || (before !== undefined && old === undefined)) {
    if (before === undefined) return LEAF;
    return after === undefined || sameJson(before, after) ? "" : LEAF;
  }
  let text = "";
  for (const element of [...next.keys()].sort()) {
    const left = below(without, element);
    const part = next.get(element);
    if (part === undefined || left.some((path) => path.length === 0)) continue;
    const inner = write(old?.get(element)?.[0], part[0], part[1], left);
    if (inner !== "") text += `${text === "" ? "" : ","}${JSON.stringify(element)}:${inner}`;
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
