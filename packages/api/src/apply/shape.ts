// How server-side apply sees a type: what is owned field by field or item by item, and what only as a whole.
import { fieldInfo, typeInfo } from "@gantry/core";
import type { z } from "zod";
import { atomicMaps, atomicMessages } from "../openapi/atomic-messages.ts";

export type Shape =
  /** Scalars, and whatever is owned as a whole. */
  | { readonly type: "leaf" }
  | {
      readonly type: "struct";
      /** Its fields, sorted. */
      readonly names: readonly string[];
      readonly field: (name: string) => Shape;
    }
  | { readonly type: "map"; readonly value: Shape }
  | { readonly type: "items"; readonly keys: readonly string[]; readonly item: Shape }
  | { readonly type: "set" };

const leaf: Shape = { type: "leaf" };

const unwrap = (schema: z.ZodType): z.ZodType =>
  schema.def.type === "optional" ? unwrap((schema as z.ZodOptional<z.ZodType>).unwrap()) : schema;

const isGoScalar = (schema: z.ZodType): boolean => typeInfo.get(schema)?.go !== undefined;

function fieldShape(message: string, name: string, field: z.ZodType): Shape {
  const schema = unwrap(field);
  if (schema.def.type === "array") {
    const { mergeKey, listType } = fieldInfo.get(field) ?? {};
    if (listType === "set") return { type: "set" };
    if (listType !== "map" || mergeKey === undefined) return leaf;
    const keys = typeof mergeKey === "string" ? [mergeKey] : mergeKey;
    const item = valueShape(unwrap((schema as z.ZodArray<z.ZodType>).element));
    return { type: "items", keys: [...keys].sort(), item };
  }
  if (atomicMaps.has(`${message}.${name}`)) return leaf;
  return valueShape(schema);
}

function valueShape(schema: z.ZodType): Shape {
  if (isGoScalar(schema)) return leaf;
  if (schema.def.type === "object") return shapeOf(schema as z.ZodObject);
  if (schema.def.type !== "record") return leaf;
  const { valueType } = schema as z.ZodRecord<z.ZodString, z.ZodType>;
  return { type: "map", value: valueShape(unwrap(valueType)) };
}

const shapes = new WeakMap<z.ZodObject, Shape>();

export function shapeOf(schema: z.ZodObject): Shape {
  const known = shapes.get(schema);
  if (known !== undefined) return known;
  const message = typeInfo.get(schema)?.name ?? "";
  const fields = new Map<string, Shape>();
  const shape: Shape = atomicMessages.has(message)
    ? leaf
    : {
        type: "struct",
        names: Object.keys(schema.shape).sort(),
        field: (name) => {
          let found = fields.get(name);
          if (found !== undefined) return found;
          const field = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined;
          found = field === undefined ? leaf : fieldShape(message, name, field as z.ZodType);
          fields.set(name, found);
          return found;
        },
      };
  shapes.set(schema, shape);
  return shape;
}

export type Json = Record<string, unknown>;

export const isJson = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Keys that may be left out of an item, and what they then are. */
const keyDefaults: Readonly<Record<string, unknown>> = { protocol: "TCP" };

/** What names an item: `k:{"name":"c"}`. */
export function itemElement(keys: readonly string[], item: unknown): string {
  const values = keys.map((key) => {
    const value = (isJson(item) ? item[key] : undefined) ?? keyDefaults[key] ?? null;
    return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
  });
  return `k:{${values.join(",")}}`;
}

export const valueElement = (value: unknown): string => `v:${JSON.stringify(value)}`;

export const nothing = (value: unknown): boolean => value === undefined || value === null;

/** A value's parts by element, with their shapes; `undefined` when it is owned as a whole. */
export function partsOf(value: unknown, shape: Shape): Map<string, [unknown, Shape]> | undefined {
  if (shape.type === "struct" || shape.type === "map") {
    if (!isJson(value)) return nothing(value) ? new Map() : undefined;
    const parts = new Map<string, [unknown, Shape]>();
    for (const [name, part] of Object.entries(value)) {
      if (part === undefined) continue;
      parts.set(`f:${name}`, [part, shape.type === "struct" ? shape.field(name) : shape.value]);
    }
    return parts;
  }
  if (shape.type === "leaf") return undefined;
  if (!Array.isArray(value)) return nothing(value) ? new Map() : undefined;
  return new Map(
    value.map((item) =>
      shape.type === "set"
        ? [valueElement(item), [item, leaf]]
        : [itemElement(shape.keys, item), [item, shape.item]],
    ),
  );
}
