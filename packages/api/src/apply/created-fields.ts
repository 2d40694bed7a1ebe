// What the creator of an object owns: all that it sets, found in one walk, as the text of a FieldsV1.
import type { FieldPath } from "./field-set.ts";
import { sameJson } from "./object-fields.ts";
import { isJson, type Json, nothing, partsOf, type Shape } from "./shape.ts";

type StructShape = Extract<Shape, { type: "struct" }>;

const LEAF = "{}";

/** Text of the set below one place of a new object; empty when nothing there belongs to it. */
export type FieldsWriter = (after: unknown) => string;

/** Writers of places that the object did not have before, with all that is in them. */
const writersOfNew = new WeakMap<Shape, FieldsWriter>();

const writerOfNew = (shape: Shape): FieldsWriter => {
  let writer = writersOfNew.get(shape);
  if (writer === undefined) {
    writer = newWriter(shape, undefined, []);
    writersOfNew.set(shape, writer);
  }
  return writer;
};

/** Paths without their prefix, below the place at hand. */
const below = (paths: readonly FieldPath[], element: string): readonly FieldPath[] =>
  paths.flatMap((path) => (path[0] === element ? [path.slice(1)] : []));

const leafText = (before: unknown, after: unknown): string => {
  if (before === undefined) return LEAF;
  return after === undefined || sameJson(before, after) ? "" : LEAF;
};

/** A part that appears is itself owned, beside what is in it. */
const around = (isNew: boolean, text: string): string => {
  if (isNew) return text === "" ? LEAF : `{".":{},${text}}`;
  return text === "" ? "" : `{${text}}`;
};

const join = (text: string, element: string, inner: string): string =>
  text === "" ? `${element}:${inner}` : `${text},${element}:${inner}`;

interface FieldOfStruct {
  readonly name: string;
  /** Place among all fields of the struct in order. */
  readonly rank: number;
  readonly element: string;
  /** Made when the field is first met: types may refer to each other in circles. */
  writer: FieldsWriter | undefined;
}

/** Puts a field where it belongs: the few that are set come nearly in order. */
const insert = (fields: FieldOfStruct[], field: FieldOfStruct): void => {
  let at = fields.push(field) - 1;
  for (let last = fields[at - 1]; last !== undefined && last.rank > field.rank;) {
    fields[at] = last;
    at -= 1;
    last = fields[at - 1];
  }
  fields[at] = field;
};

const fieldsOfStruct = (
  shape: StructShape,
  before: Json | undefined,
  without: readonly FieldPath[],
): Map<string, FieldOfStruct> => {
  const fields = new Map<string, FieldOfStruct>();
  for (const [rank, name] of shape.names.entries()) {
    const left = below(without, `f:${name}`);
    if (left.some((path) => path.length === 0)) continue;
    const old = before?.[name];
    const isNew = old === undefined && left.length === 0;
    const writer = isNew ? undefined : newWriter(shape.field(name), old, left);
    fields.set(name, { name, rank, element: JSON.stringify(`f:${name}`), writer });
  }
  return fields;
};

const structWriter = (
  shape: StructShape,
  before: Json | undefined,
  without: readonly FieldPath[],
): FieldsWriter => {
  const known = fieldsOfStruct(shape, before, without);
  return (after) => {
    if (!isJson(after)) return leafText(before, after);
    const fields: FieldOfStruct[] = [];
    for (const name of Object.keys(after)) {
      const field = known.get(name);
      if (field !== undefined && after[name] !== undefined) insert(fields, field);
    }
    let text = "";
    for (const field of fields) {
      field.writer ??= writerOfNew(shape.field(field.name));
      const inner = field.writer(after[field.name]);
      if (inner !== "") text = join(text, field.element, inner);
    }
    return around(before === undefined, text);
  };
};

const mapWriter = (value: Shape, before: Json | undefined): FieldsWriter => {
  const write = writerOfNew(value);
  return (after) => {
    if (!isJson(after)) return leafText(before, after);
    let text = "";
    for (const name of Object.keys(after).sort()) {
      if (after[name] === undefined) continue;
      text = join(text, JSON.stringify(`f:${name}`), write(after[name]));
    }
    return around(before === undefined, text);
  };
};

const itemsWriter =
  (shape: Shape, isNew: boolean): FieldsWriter =>
  (after) => {
    const parts = partsOf(after, shape);
    if (parts === undefined || parts.size === 0) return nothing(after) && !isNew ? "" : LEAF;
    let text = "";
    for (const element of [...parts.keys()].sort()) {
      const [item, itemShape] = parts.get(element) ?? [undefined, shape];
      text = join(text, JSON.stringify(element), writerOfNew(itemShape)(item));
    }
    return around(isNew, text);
  };

const newWriter = (shape: Shape, before: unknown, without: readonly FieldPath[]): FieldsWriter => {
  const old = isJson(before) ? before : undefined;
  switch (shape.type) {
    case "leaf":
      return (after) => leafText(before, after);
    case "struct":
      return structWriter(shape, old, without);
    case "map":
      return mapWriter(shape.value, old);
    default:
      return itemsWriter(shape, before === undefined);
  }
};

/**
 * Compiles the walk over new objects of one type: their text is the same set as that of an update
 * from `before`, the structs that a new object has anyway, in which no list has an item and no map an
 * entry. Fields that the type does not know belong to nobody. `without`: paths that nobody owns.
 */
export const createdFieldsWriter = (
  shape: Shape,
  before: Json,
  without: readonly FieldPath[],
): FieldsWriter => newWriter(shape, before, without);
