// Kubernetes' strategic merge patch: a merge patch in which lists merge by the keys of the schema.
// Directives: $patch, $retainKeys, $setElementOrder/<list>, $deleteFromPrimitiveList/<list>.
import type { z } from "zod";
import { fieldInfo } from "../schema/message.ts";
import { badRequest } from "./errors.ts";
import { goJson } from "./go-text.ts";
import { identityOf, isJsonObject, orderMerged } from "./merge-list.ts";
import type { JsonObject } from "./merge-list.ts";
import { isUnsafeKey } from "./merge-patch.ts";

const PATCH = "$patch";
const RETAIN_KEYS = "$retainKeys";
const SET_ORDER = "$setElementOrder/";
const DELETE_ITEMS = "$deleteFromPrimitiveList/";

/** What the schema says about the values at a place; nothing where it knows no better. */
interface Place {
  readonly schema: z.ZodType | undefined;
  /** Lists: `undefined` replaces, `""` merges primitives, else the key of the items. */
  readonly mergeKey: string | undefined;
}

const nowhere: Place = { schema: undefined, mergeKey: undefined };

const unwrap = (schema: z.ZodType): z.ZodType =>
  schema.def.type === "optional" ? unwrap((schema as z.ZodOptional<z.ZodType>).unwrap()) : schema;

function fieldPlace(schema: z.ZodType | undefined, key: string): Place {
  if (schema === undefined) return nowhere;
  if (schema.def.type === "record") {
    return {
      schema: (schema as z.ZodRecord<z.ZodString, z.ZodType>).valueType,
      mergeKey: undefined,
    };
  }
  if (schema.def.type !== "object") return nowhere;
  const { shape } = schema as z.ZodObject;
  const field = Object.hasOwn(shape, key) ? (shape[key] as z.ZodType) : undefined;
  if (field === undefined) return nowhere;
  const info = fieldInfo.get(field);
  const keys = info?.mergeKey;
  let mergeKey = typeof keys === "string" ? keys : keys?.[0];
  if (mergeKey === undefined && info?.listType === "set") mergeKey = "";
  if (info?.patchReplaces === true) mergeKey = undefined;
  return { schema: unwrap(field), mergeKey };
}

const itemSchema = (schema: z.ZodType | undefined): z.ZodType | undefined =>
  schema?.def.type === "array" ? (schema as z.ZodArray<z.ZodType>).element : undefined;

/** A value that enters the object as it is: without directives and nulls. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.filter((item) => !(isJsonObject(item) && PATCH in item)).map(plain);
  }
  if (!isJsonObject(value)) return value;
  const kept: JsonObject = {};
  for (const [key, field] of Object.entries(value)) {
    const directive =
      key === PATCH ||
      key === RETAIN_KEYS ||
      key.startsWith(SET_ORDER) ||
      key.startsWith(DELETE_ITEMS);
    if (!directive && field !== null && !isUnsafeKey(key)) kept[key] = plain(field);
  }
  return kept;
}

function listOf(value: unknown, directive: string): unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  throw badRequest(`invalid patch format of ${directive}: not a list`);
}

function applyRetainKeys(merged: JsonObject, patch: JsonObject): void {
  if (!(RETAIN_KEYS in patch)) return;
  const retained = new Set(listOf(patch[RETAIN_KEYS], RETAIN_KEYS));
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith("$") && value !== null && !retained.has(key)) {
      throw badRequest("patch format is invalid: $retainKeys must contain every key of the patch");
    }
  }
  for (const key of Object.keys(merged)) if (!retained.has(key)) delete merged[key];
}

function mergeObject(
  original: JsonObject,
  patch: JsonObject,
  schema: z.ZodType | undefined,
): JsonObject {
  const directive = patch[PATCH];
  if (directive === "replace") return plain(patch) as JsonObject;
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge") {
    throw badRequest(`unknown patch type found: ${goJson(directive)}`);
  }
  const merged: JsonObject = { ...original };
  applyRetainKeys(merged, patch);
  for (const [key, change] of Object.entries(patch)) {
    if (key === PATCH || key === RETAIN_KEYS || isUnsafeKey(key)) continue;
    if (key.startsWith(SET_ORDER)) continue;
    if (key.startsWith(DELETE_ITEMS)) continue;
    if (change === null) delete merged[key];
    else merged[key] = mergeValue(merged[key], change, fieldPlace(schema, key));
  }
  deletePrimitives(merged, patch);
  applyOrders(merged, original, patch, schema);
  return merged;
}

function mergeValue(original: unknown, change: unknown, place: Place): unknown {
  if (isJsonObject(change)) {
    return isJsonObject(original) ? mergeObject(original, change, place.schema) : plain(change);
  }
  if (Array.isArray(change) && Array.isArray(original) && place.mergeKey !== undefined) {
    return mergeList(original, change, place.mergeKey, itemSchema(place.schema));
  }
  return plain(change);
}

function deletePrimitives(merged: JsonObject, patch: JsonObject): void {
  for (const [key, items] of Object.entries(patch)) {
    if (!key.startsWith(DELETE_ITEMS)) continue;
    const field = key.slice(DELETE_ITEMS.length);
    const gone = new Set(listOf(items, key));
    const kept = merged[field];
    if (Array.isArray(kept)) merged[field] = kept.filter((item) => !gone.has(item));
  }
}

function applyOrders(
  merged: JsonObject,
  original: JsonObject,
  patch: JsonObject,
  schema: z.ZodType | undefined,
): void {
  for (const [key, order] of Object.entries(patch)) {
    if (!key.startsWith(SET_ORDER)) continue;
    const field = key.slice(SET_ORDER.length);
    const items = merged[field];
    if (!Array.isArray(items)) continue;
    const old = Array.isArray(original[field]) ? (original[field] as unknown[]) : [];
    const mergeKey = fieldPlace(schema, field).mergeKey || undefined;
    merged[field] = orderMerged(items, listOf(order, key), old, mergeKey);
  }
}

function mergeList(
  original: readonly unknown[],
  patch: readonly unknown[],
  mergeKey: string,
  schema: z.ZodType | undefined,
): unknown[] {
  if (mergeKey === "") {
    return orderMerged([...new Set([...original, ...patch])], patch, original, undefined);
  }
  const { changes, deleted, replace } = splitSpecial(patch, mergeKey);
  if (replace) return changes.map(plain);
  const merged = original.filter((item) => !deleted.has(identityOf(item, mergeKey)));
  for (const change of changes) {
    const identity = change[mergeKey];
    if (identity === undefined || identity === null) {
      throw badRequest(`map: ${goJson(change)} does not contain declared merge key: ${mergeKey}`);
    }
    const at = merged.findIndex((item) => identityOf(item, mergeKey) === identity);
    const found = merged[at];
    if (isJsonObject(found)) merged[at] = mergeObject(found, change, schema);
    else merged.push(plain(change));
  }
  return orderMerged(merged, changes, original, mergeKey);
}

interface SplitList {
  readonly changes: JsonObject[];
  /** Merge keys of the items to delete. */
  readonly deleted: Set<unknown>;
  /** The items stand in place of the old list. */
  readonly replace: boolean;
}

function splitSpecial(patch: readonly unknown[], mergeKey: string): SplitList {
  const changes: JsonObject[] = [];
  const deleted = new Set<unknown>();
  let replace = false;
  for (const item of patch) {
    if (!isJsonObject(item)) {
      throw badRequest(`map: ${goJson(item)} does not contain declared merge key: ${mergeKey}`);
    }
    const directive = item[PATCH];
    if (directive === undefined) changes.push(item);
    else if (directive === "replace") replace = true;
    else if (directive === "delete") deleted.add(item[mergeKey]);
    else throw badRequest(`unknown patch type found: ${goJson(directive)}`);
  }
  return { changes, deleted, replace };
}

/**
 * The patched object; the arguments are not changed. `schema` is the schema of the whole object.
 * Throws ApiError 400 for a patch that makes no sense.
 */
export function applyStrategicMergePatch(
  schema: z.ZodObject,
  object: unknown,
  patch: unknown,
): unknown {
  if (!isJsonObject(patch)) {
    throw badRequest("error decoding patch: json: cannot unmarshal value into a map");
  }
  return mergeObject(isJsonObject(object) ? object : {}, patch, schema);
}
