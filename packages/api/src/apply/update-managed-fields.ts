// Ownership after writes that are no applies: whoever changes a field owns it.
import { blank, rfc3339 } from "@gantry/core";
import type { z } from "zod";
import { createdFieldsWriter, type FieldsWriter } from "./created-fields.ts";
import {
  difference,
  emptySet,
  type FieldPath,
  type FieldSet,
  union,
  withoutBelow,
} from "./field-set.ts";
import {
  isReset,
  type Manager,
  managerKey,
  type Managers,
  readManagers,
  stripUnowned,
  takeFrom,
  unowned,
  withFields,
  writeManagers,
} from "./managers.ts";
import { compareObjects } from "./object-fields.ts";
import { treeOf } from "./shared-fields.ts";
import { isJson, type Json, shapeOf } from "./shape.ts";

interface Write {
  readonly manager: string;
  readonly schema: z.ZodObject;
  readonly apiVersion: string;
  /** Empty for the object itself. */
  readonly subresource: string;
  /** Fields that this endpoint does not write, such as `[["f:status"]]`. */
  readonly ignored: readonly FieldPath[];
  readonly nowMs: number;
}

export interface UpdateRequest extends Write {
  /** The object before; `undefined` for a create. */
  readonly live: Json | undefined;
  /**
   * The object as decoded and defaulted, before the server adds anything of its own (uid, selector,
   * generated labels): nobody owns that. Its managedFields are the client's.
   */
  readonly next: Json;
}

/** Parts that Go's types always have: a create does not own them, only what is in them. */
const templates: Readonly<Record<string, Json>> = {
  Job: { spec: { template: { metadata: {}, spec: { containers: null } } } },
  CronJob: {
    spec: {
      schedule: "",
      jobTemplate: {
        metadata: {},
        spec: { template: { metadata: {}, spec: { containers: null } } },
      },
    },
  },
  Pod: { spec: { containers: null } },
};

const newObject = (kind: unknown): Json => {
  const template =
    typeof kind === "string" && Object.hasOwn(templates, kind) ? templates[kind] : {};
  return { metadata: {}, spec: {}, status: {}, ...template };
};

interface Step extends Write {
  readonly before: Json;
  readonly after: Json;
  readonly managers: Managers;
}

const strip = (object: Json): Json => {
  const { metadata } = object;
  if (!isJson(metadata)) return object;
  const { managedFields: _, ...rest } = metadata;
  return { ...blank, ...object, metadata: rest };
};

/** The managers after one manager has turned one object into another. */
export function updatedManagers(step: Step): Managers {
  const shape = shapeOf(step.schema);
  const before =
    step.before["metadata"] === undefined ? newObject(step.before["kind"]) : strip(step.before);
  const raw = compareObjects(before, strip(step.after), shape);
  const owned = (set: FieldSet): FieldSet => stripUnowned(withoutBelow(set, step.ignored));
  const [added, modified, removed] = [owned(raw.added), owned(raw.modified), owned(raw.removed)];
  const { manager: name, apiVersion, subresource } = step;
  const own: Omit<Manager, "fields" | "time"> = {
    name,
    operation: "Update",
    apiVersion,
    subresource,
  };
  const key = managerKey(own);
  const touched = union(added, modified);
  const known = step.managers.get(key)?.fields ?? emptySet();
  const others = takeFrom(step.managers, key, union(touched, removed));
  return withFields(others, own, union(difference(known, removed), touched), step.nowMs);
}

const writers = new WeakMap<z.ZodObject, WeakMap<Write["ignored"], FieldsWriter>>();

/** Compiled once for each type, and each of the lists of ignored fields, which are constants. */
function writerFor({ schema, ignored, next }: UpdateRequest): FieldsWriter {
  let known = writers.get(schema);
  if (known === undefined) writers.set(schema, (known = new WeakMap()));
  let writer = known.get(ignored);
  if (writer === undefined) {
    const without = [...unowned, ...ignored];
    writer = createdFieldsWriter(shapeOf(schema), newObject(next["kind"]), without);
    known.set(ignored, writer);
  }
  return writer;
}

/** Creates are the bulk of all writes, and have nobody else's fields to heed. */
function createdManagedFields(request: UpdateRequest): Json[] {
  const fields = writerFor(request)(request.next);
  if (fields === "") return [];
  return [
    {
      manager: request.manager,
      operation: "Update",
      apiVersion: request.apiVersion,
      time: rfc3339(request.nowMs),
      fieldsType: "FieldsV1",
      fieldsV1: treeOf(fields),
      ...(request.subresource === "" ? {} : { subresource: request.subresource }),
    },
  ];
}

/**
 * metadata.managedFields of the object to be stored. Objects that never had any (made by the
 * controllers) get none. Pure.
 */
export function updateManagedFields(request: UpdateRequest): Json[] {
  const given = isJson(request.next["metadata"])
    ? request.next["metadata"]["managedFields"]
    : undefined;
  if (isReset(given)) return [];
  const liveMetadata = request.live?.["metadata"];
  const stored = isJson(liveMetadata) ? liveMetadata["managedFields"] : undefined;
  const liveManagers = readManagers(stored) ?? new Map<string, Manager>();
  const fromClient = request.subresource === "" ? readManagers(given) : undefined;
  const managers = fromClient === undefined || fromClient.size === 0 ? liveManagers : fromClient;
  if (managers.size === 0) {
    return request.live === undefined ? createdManagedFields(request) : [];
  }
  const before = request.live ?? { kind: request.next["kind"] };
  return writeManagers(
    updatedManagers({ ...blank, ...request, before, after: request.next, managers }),
  );
}
