// Managers and their fields: metadata.managedFields read, changed and written back.
import { parseRfc3339, rfc3339 } from "@gantry/core";
import {
  difference,
  emptySet,
  type FieldSet,
  fromFieldsV1,
  isEmptySet,
  sameSet,
  toFieldsV1,
  union,
  withoutBelow,
} from "./field-set.ts";
import { isJson, type Json } from "./shape.ts";

export interface Manager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
  /** Version in which its fields are named. */
  readonly apiVersion: string;
  /** Empty for the object itself. */
  readonly subresource: string;
  readonly fields: FieldSet;
  /** RFC 3339; absent for an apply that changed nothing. */
  readonly time?: string;
}

/** Managers are the same when all but their fields and time are; appliers in whatever version. */
export const managerKey = (manager: Omit<Manager, "fields" | "time">): string =>
  JSON.stringify([
    manager.name,
    manager.operation,
    manager.operation === "Apply" ? "" : manager.apiVersion,
    manager.subresource,
  ]);

export type Managers = ReadonlyMap<string, Manager>;

/** Most managers of updates that are told apart. */
const UPDATERS_MAX = 10;
const ANCIENT = "ancient-changes";

/** Set by the system, whoever writes: nobody owns them. */
export const unowned: readonly (readonly string[])[] = [
  ["f:apiVersion"],
  ["f:kind"],
  ...[
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "generation",
    "managedFields",
    "resourceVersion",
  ].map((name) => ["f:metadata", `f:${name}`]),
];

const metadataItself: FieldSet = { members: new Set(["f:metadata"]), children: new Map() };

export const stripUnowned = (set: FieldSet): FieldSet =>
  difference(withoutBelow(set, unowned), metadataItself);

function readEntry(entry: unknown): Manager | undefined {
  if (!isJson(entry)) return undefined;
  const { manager, operation, apiVersion, subresource, time, fieldsV1 } = entry;
  const fields = fromFieldsV1(fieldsV1 ?? {});
  if (fields === undefined || (operation !== "Apply" && operation !== "Update")) return undefined;
  return {
    name: typeof manager === "string" ? manager : "",
    operation,
    apiVersion: typeof apiVersion === "string" ? apiVersion : "",
    subresource: typeof subresource === "string" ? subresource : "",
    fields,
    ...(typeof time === "string" ? { time } : {}),
  };
}

/** `undefined` for entries that make no sense, which are treated as if none were given. */
export function readManagers(entries: unknown): Managers | undefined {
  if (entries === undefined || entries === null) return new Map();
  if (!Array.isArray(entries)) return undefined;
  const managers = new Map<string, Manager>();
  for (const entry of entries) {
    const manager = readEntry(entry);
    if (manager === undefined) return undefined;
    managers.set(managerKey(manager), manager);
  }
  return managers;
}

/** `[{}]`: the client wants nobody to own anything. */
export const isReset = (entries: unknown): boolean =>
  Array.isArray(entries) &&
  entries.length === 1 &&
  isJson(entries[0]) &&
  Object.keys(entries[0]).length === 0;

const seconds = ({ time }: Manager): number =>
  time === undefined ? 0 : Math.floor(parseRfc3339(time) / 1000);

const byText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

/** Appliers first, then by time; the oldest updaters beyond a number become one. */
function inOrder(managers: Managers): Manager[] {
  return [...managers.values()].sort(
    (a, b) =>
      byText(a.operation, b.operation) ||
      seconds(a) - seconds(b) ||
      byText(a.name, b.name) ||
      byText(a.apiVersion, b.apiVersion) ||
      byText(a.subresource, b.subresource),
  );
}

function capped(managers: Managers): Managers {
  const updaters = inOrder(managers).filter(({ operation }) => operation === "Update");
  if (updaters.length <= UPDATERS_MAX) return managers;
  const result = new Map(managers);
  for (const old of updaters.slice(0, updaters.length - UPDATERS_MAX + 1)) {
    result.delete(managerKey(old));
    const ancient = { ...old, name: ANCIENT, subresource: "" };
    const known = result.get(managerKey(ancient));
    const fields = known === undefined ? old.fields : union(known.fields, old.fields);
    result.set(managerKey(ancient), { ...ancient, fields });
  }
  return result;
}

function writeEntry(manager: Manager): Json {
  return {
    manager: manager.name,
    operation: manager.operation,
    apiVersion: manager.apiVersion,
    ...(manager.time === undefined ? {} : { time: manager.time }),
    fieldsType: "FieldsV1",
    fieldsV1: toFieldsV1(manager.fields),
    ...(manager.subresource === "" ? {} : { subresource: manager.subresource }),
  };
}

/** Entries in Kubernetes' order; managers that own nothing are left out. */
export function writeManagers(managers: Managers): Json[] {
  const owning = new Map<string, Manager>();
  for (const [key, manager] of managers) {
    const fields = stripUnowned(manager.fields);
    if (!isEmptySet(fields)) owning.set(key, { ...manager, fields });
  }
  return inOrder(capped(owning)).map(writeEntry);
}

/** Takes fields away from all managers but one. */
export function takeFrom(managers: Managers, exceptKey: string, fields: FieldSet): Managers {
  if (isEmptySet(fields)) return managers;
  const result = new Map<string, Manager>();
  for (const [key, manager] of managers) {
    if (key === exceptKey) {
      result.set(key, manager);
      continue;
    }
    const left = difference(manager.fields, fields);
    if (left === manager.fields) result.set(key, manager);
    else if (!isEmptySet(left)) result.set(key, { ...manager, fields: left });
  }
  return result;
}

/** Sets what one manager owns; its time moves only when that changed. */
export function withFields(
  managers: Managers,
  manager: Omit<Manager, "fields" | "time">,
  fields: FieldSet,
  nowMs: number,
): Managers {
  const key = managerKey(manager);
  const known = managers.get(key);
  const result = new Map(managers);
  if (isEmptySet(fields)) {
    result.delete(key);
    return result;
  }
  const same = known !== undefined && sameSet(known.fields, stripUnowned(fields));
  const time = same ? known.time : rfc3339(nowMs);
  result.set(key, { ...manager, fields, ...(time === undefined ? {} : { time }) });
  return result;
}

export const ownedByAll = (managers: Managers): FieldSet =>
  [...managers.values()].reduce((all, { fields }) => union(all, fields), emptySet());
