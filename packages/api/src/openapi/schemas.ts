// OpenAPI schemas of messages, from the same zod schemas that requests are decoded with.
import { describeField, describeMessage, fieldInfo, requiredFields, typeInfo } from "@gantry/core";
import type { z } from "zod";
import { atomicMaps, atomicMessages, retainKeysLists } from "./atomic-messages.ts";

export type Schema = Record<string, unknown>;
export type Schemas = Map<string, Schema>;

const REFERENCE = "#/components/schemas/";
const TIME = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
const MICRO_TIME = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";
const FIELDS_V1 = "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1";
const QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";

/** Types that are no messages, but have names of their own. */
const namedScalars: Readonly<Record<string, Schema>> = {
  [TIME]: { description: "A point in time, RFC 3339.", type: "string", format: "date-time" },
  [MICRO_TIME]: {
    description: "A point in time with microseconds, RFC 3339.",
    type: "string",
    format: "date-time",
  },
  [FIELDS_V1]: { description: "A set of fields, as a tree of their names.", type: "object" },
  [QUANTITY]: {
    description: "An amount with a unit, such as `500m`, `1.5Gi` or `2`.",
    oneOf: [{ type: "string" }, { type: "number" }],
  },
  [INT_OR_STRING]: {
    description: "A number, or a text such as a name or a percentage.",
    format: "int-or-string",
    oneOf: [{ type: "integer" }, { type: "string" }],
  },
};

const namedByGo: Readonly<Record<string, string>> = {
  "v1.Time": TIME,
  "v1.MicroTime": MICRO_TIME,
  "map[string]interface {}": FIELDS_V1,
  "resource.Quantity": QUANTITY,
  "intstr.IntOrString": INT_OR_STRING,
};

const scalarsByGo: Readonly<Record<string, Schema>> = {
  string: { type: "string" },
  bool: { type: "boolean" },
  int32: { type: "integer", format: "int32" },
  int64: { type: "integer", format: "int64" },
  "[]uint8": { type: "string", format: "byte" },
};

export const reference = (name: string): Schema => ({ $ref: `${REFERENCE}${name}` });

const unwrap = (schema: z.ZodType): z.ZodType =>
  schema.def.type === "optional" ? unwrap((schema as z.ZodOptional<z.ZodType>).unwrap()) : schema;

function typeSchema(schema: z.ZodType, into: Schemas): Schema {
  const go = typeInfo.get(schema)?.go ?? "string";
  const named = namedByGo[go];
  if (named !== undefined) {
    into.set(named, namedScalars[named] ?? {});
    return { allOf: [reference(named)] };
  }
  const { type } = schema.def;
  if (type === "object") {
    return { allOf: [reference(addMessage(schema as z.ZodObject, into))], default: {} };
  }
  if (type === "array") {
    const { element } = schema as z.ZodArray<z.ZodType>;
    return { type: "array", items: typeSchema(unwrap(element), into) };
  }
  if (type === "record") {
    const { valueType } = schema as z.ZodRecord<z.ZodString, z.ZodType>;
    return { type: "object", additionalProperties: typeSchema(unwrap(valueType), into) };
  }
  return { ...(scalarsByGo[go] ?? { type: "string" }) };
}

/** How lists merge, for strategic merge patches and server-side apply. */
function listExtensions(message: string, name: string, field: z.ZodType): Schema {
  const { mergeKey, patchReplaces, listType } = fieldInfo.get(field) ?? {};
  const keys = mergeKey === undefined ? [] : typeof mergeKey === "string" ? [mergeKey] : mergeKey;
  const extensions: Schema = {};
  if (listType === "map") extensions["x-kubernetes-list-map-keys"] = keys;
  extensions["x-kubernetes-list-type"] = listType ?? "atomic";
  if (patchReplaces !== true && (keys.length > 0 || listType === "set")) {
    if (keys.length > 0) extensions["x-kubernetes-patch-merge-key"] = keys[0];
    extensions["x-kubernetes-patch-strategy"] = retainKeysLists.has(`${message}.${name}`)
      ? "merge,retainKeys"
      : "merge";
  }
  return extensions;
}

function property(message: string, name: string, field: z.ZodType, into: Schemas): Schema {
  const schema = unwrap(field);
  const property: Schema = { ...typeSchema(schema, into) };
  const description = describeField(message, name);
  if (description !== "") property["description"] = description;
  if (schema.def.type === "array") Object.assign(property, listExtensions(message, name, field));
  if (atomicMaps.has(`${message}.${name}`)) property["x-kubernetes-map-type"] = "atomic";
  return property;
}

/** Adds the message and all that it refers to; returns its name. */
export function addMessage(schema: z.ZodObject, into: Schemas): string {
  const name = typeInfo.get(schema)?.name ?? "";
  if (into.has(name)) return name;
  const body: Schema = {};
  into.set(name, body);
  const description = describeMessage(name);
  if (description !== "") body["description"] = description;
  body["type"] = "object";
  const required = requiredFields(name);
  if (required.length > 0) body["required"] = required;
  const properties: Schema = {};
  for (const [key, field] of Object.entries(schema.shape).toSorted(byKey)) {
    properties[key] = property(name, key, field as z.ZodType, into);
  }
  body["properties"] = properties;
  if (atomicMessages.has(name)) body["x-kubernetes-map-type"] = "atomic";
  return name;
}

const byKey = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);
