// Server-side apply: a manager states what it wants of an object, and owns that from then on.
import { rfc3339 } from "@gantry/core";
import type { z } from "zod";
import {
  type FieldPath,
  intersection,
  isEmptySet,
  pathsOf,
  union,
  withoutBelow,
} from "./field-set.ts";
import {
  type Manager,
  managerKey,
  type Managers,
  ownedByAll,
  readManagers,
  takeFrom,
  withFields,
  writeManagers,
} from "./managers.ts";
import { mergeObjects, pruneObject } from "./merge-objects.ts";
import { compareObjects, type Difference, fieldsOf } from "./object-fields.ts";
import { isJson, type Json, shapeOf } from "./shape.ts";
import { updatedManagers } from "./update-managed-fields.ts";

export interface ApplyRequest {
  /** The object as it is; `undefined` creates it. */
  readonly live: Json | undefined;
  readonly patch: Json;
  readonly manager: string;
  /** Takes over fields of other managers instead of failing. */
  readonly force: boolean;
  readonly schema: z.ZodObject;
  /** Of the patch. */
  readonly apiVersion: string;
  readonly subresource: string;
  /** Fields that this endpoint does not write, such as `[["f:status"]]`. */
  readonly ignored: readonly FieldPath[];
  readonly nowMs: number;
}

export interface OwnershipConflict {
  readonly manager: Manager;
  readonly path: FieldPath;
}

export type ApplyResult =
  /** To be decoded, defaulted and validated; `changed` is false when only ownership moved. */
  | { readonly object: Json; readonly changed: boolean }
  /** Sorted by manager, then by path; at least one. */
  | { readonly conflicts: readonly OwnershipConflict[] };

/** An object without its managedFields, which nobody owns. */
export function withoutManagedFields(object: Json): Json {
  const { metadata } = object;
  if (!isJson(metadata) || metadata["managedFields"] === undefined) return object;
  const { managedFields: _, ...rest } = metadata;
  return { ...object, metadata: rest };
}

export const managedFieldsOf = (object: Json | undefined): unknown =>
  isJson(object?.["metadata"]) ? object["metadata"]["managedFields"] : undefined;

export function withManagedFields(object: Json, managers: Managers): Json {
  const managedFields = writeManagers(managers);
  const metadata = isJson(object["metadata"]) ? object["metadata"] : {};
  return {
    ...object,
    metadata: managedFields.length === 0 ? metadata : { ...metadata, managedFields },
  };
}

function conflictsWith(
  managers: Managers,
  ownKey: string,
  change: Difference,
): OwnershipConflict[] {
  const touched = union(change.modified, change.added);
  return [...managers]
    .filter(([key]) => key !== ownKey)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, manager]) =>
      pathsOf(intersection(manager.fields, touched)).map((path) => ({ manager, path })),
    );
}

const isUnchanged = (change: Difference): boolean =>
  [change.added, change.modified, change.removed].every(isEmptySet);

/** Who owns the live object: as it says, or somebody unknown when it never said. */
function liveManagers(request: ApplyRequest, live: Json): Managers {
  const managers = readManagers(managedFieldsOf(request.live)) ?? new Map<string, Manager>();
  if (request.live === undefined || managers.size > 0) return managers;
  return updatedManagers({
    before: { apiVersion: live["apiVersion"], kind: live["kind"] },
    after: live,
    managers,
    manager: "before-first-apply",
    schema: request.schema,
    apiVersion: request.apiVersion,
    subresource: "",
    ignored: [],
    nowMs: request.nowMs,
  });
}

/** Pure; changes nothing that it is given. */
export function applyPatch(request: ApplyRequest): ApplyResult {
  const { manager, apiVersion, subresource, ignored, nowMs } = request;
  const shape = shapeOf(request.schema);
  const patch = withoutManagedFields(request.patch);
  const live = withoutManagedFields(
    request.live ?? { apiVersion: patch["apiVersion"], kind: patch["kind"] },
  );
  const own = { name: manager, operation: "Apply", apiVersion, subresource } as const;
  const key = managerKey(own);
  const before = liveManagers(request, live);
  const last = before.get(key);
  const fields = withoutBelow(fieldsOf(patch, shape), ignored);
  const claimed = new Map(before).set(key, { ...own, fields });

  let next = mergeObjects(live, patch, shape) as Json;
  if (last !== undefined) {
    next = pruneObject(next, last.fields, ownedByAll(claimed), shape) as Json;
  }
  const raw = compareObjects(live, next, shape);
  const change: Difference = {
    added: withoutBelow(raw.added, ignored),
    modified: withoutBelow(raw.modified, ignored),
    removed: withoutBelow(raw.removed, ignored),
  };
  const conflicts = conflictsWith(claimed, key, change);
  if (conflicts.length > 0 && !request.force) return { conflicts };

  const changed = request.live === undefined || !isUnchanged(change);
  const lost = union(union(change.modified, change.added), change.removed);
  let after = takeFrom(before, key, lost);
  after = withFields(after, own, fields, nowMs);
  const entry = after.get(key);
  if (entry !== undefined) after = new Map(after).set(key, timed(entry, last, changed, nowMs));
  return { object: withManagedFields(next, after), changed };
}

/** An apply that changes nothing but ownership leaves the manager's time as it was. */
function timed(
  entry: Manager,
  last: Manager | undefined,
  changed: boolean,
  nowMs: number,
): Manager {
  const { time: _, ...rest } = entry;
  if (changed) return { ...rest, time: rfc3339(nowMs) };
  return last?.time === undefined ? rest : { ...rest, time: last.time };
}
