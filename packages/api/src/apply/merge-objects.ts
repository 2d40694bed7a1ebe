// Puts an applied configuration over the live object, and takes away what it no longer names.
import type { FieldSet } from "./field-set.ts";
import { isJson, itemElement, type Json, type Shape, valueElement } from "./shape.ts";

/** The live value with the applied one over it; neither is changed. */
export function mergeObjects(live: unknown, applied: unknown, shape: Shape): unknown {
  if (applied === undefined || applied === null) return applied === null ? null : live;
  if (shape.type === "struct" || shape.type === "map") {
    if (!isJson(applied) || !isJson(live)) return applied;
    const merged: Json = { ...live };
    for (const [name, value] of Object.entries(applied)) {
      const partShape = shape.type === "struct" ? shape.field(name) : shape.value;
      merged[name] = mergeObjects(live[name], value, partShape);
    }
    return merged;
  }
  if (shape.type === "leaf" || !Array.isArray(applied) || !Array.isArray(live)) return applied;
  return mergeLists(live, applied, shape);
}

type ListShape = Extract<Shape, { type: "items" | "set" }>;

const elementOf = (shape: ListShape, item: unknown): string =>
  shape.type === "set" ? valueElement(item) : itemElement(shape.keys, item);

/** Live items keep their places; applied ones stand in the order in which they are applied. */
function mergeLists(live: unknown[], applied: unknown[], shape: ListShape): unknown[] {
  const liveNames = live.map((item) => elementOf(shape, item));
  const appliedNames = applied.map((item) => elementOf(shape, item));
  const inApplied = new Set(appliedNames);
  const merged: unknown[] = [];
  const take = (n: number): void => {
    const at = liveNames.indexOf(appliedNames[n] ?? "");
    const both = shape.type === "items" && at >= 0;
    merged.push(both ? mergeObjects(live[at], applied[n], shape.item) : applied[n]);
  };
  let [l, a] = [0, 0];
  while (l < live.length || a < applied.length) {
    const name = liveNames[l];
    if (l < live.length && name !== undefined && !inApplied.has(name)) {
      merged.push(live[l]);
      l += 1;
    } else if (a < applied.length) {
      take(a);
      if (name === appliedNames[a]) l += 1;
      a += 1;
    } else l += 1;
  }
  return merged;
}

const isKept = (kept: FieldSet | undefined, element: string): boolean =>
  kept !== undefined && (kept.members.has(element) || kept.children.has(element));

/**
 * Takes away what is in `last` (what the manager applied before) and which nobody owns any more,
 * neither itself nor anything below it. `kept` is all that is owned now.
 */
export function pruneObject(
  value: unknown,
  last: FieldSet,
  kept: FieldSet | undefined,
  shape: Shape,
): unknown {
  const gone = (element: string): boolean =>
    (last.members.has(element) || last.children.has(element)) && !isKept(kept, element);
  const below = (element: string, part: unknown, partShape: Shape): unknown => {
    const lastBelow = last.children.get(element);
    if (lastBelow === undefined) return part;
    return pruneObject(part, lastBelow, kept?.children.get(element), partShape);
  };
  if ((shape.type === "struct" || shape.type === "map") && isJson(value)) {
    const pruned: Json = {};
    for (const [name, part] of Object.entries(value)) {
      const element = `f:${name}`;
      if (gone(element)) continue;
      const partShape = shape.type === "struct" ? shape.field(name) : shape.value;
      pruned[name] = below(element, part, partShape);
    }
    return pruned;
  }
  if ((shape.type === "items" || shape.type === "set") && Array.isArray(value)) {
    const itemShape: Shape = shape.type === "items" ? shape.item : { type: "leaf" };
    return value
      .filter((item) => !gone(elementOf(shape, item)))
      .map((item) => below(elementOf(shape, item), item, itemShape));
  }
  return value;
}
