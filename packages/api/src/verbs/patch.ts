// Patches: what the patch formats make of an object, decoded as an update is.
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  badRequest,
  decodeObject,
  invalidRequest,
  JsonSyntaxError,
  unsupportedPatchType,
} from "@gantry/core";
import { parseJsonBody } from "../requests/body.ts";
import type { FieldValidation } from "../requests/query.ts";
import type { ApiObject, Strategy } from "../registry/strategy.ts";
import type { Change, Modify } from "./update.ts";

export const patchTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
] as const;

export type PatchType = (typeof patchTypes)[number];

export const patchTypeOf = (mediaType: string): PatchType => {
  const type = patchTypes.find((one) => one === mediaType);
  if (type === undefined) throw unsupportedPatchType();
  return type;
};

/** The body of a patch: JSON, in all formats that are served. */
export const parsePatch = (body: Buffer): unknown => {
  try {
    return parseJsonBody(body.toString("utf8"), false).value;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw badRequest(`error decoding patch: ${error.message}`);
  }
};

const apply = (type: PatchType, strategy: Strategy, old: ApiObject, patch: unknown): unknown => {
  switch (type) {
    case "application/json-patch+json":
      return applyJsonPatch(old, patch);
    case "application/merge-patch+json":
      return applyMergePatch(old, patch);
    case "application/strategic-merge-patch+json":
      return applyStrategicMergePatch(strategy.schema, old, patch);
  }
};

/** The change that a patch makes; the body is parsed once, however often the write is retried. */
export const patchWith =
  (strategy: Strategy, type: PatchType, patch: unknown, validation: FieldValidation): Modify =>
  (old): Change => {
    const patched = apply(type, strategy, old, patch);
    if (typeof patched !== "object" || patched === null || Array.isArray(patched)) {
      throw type === "application/json-patch+json"
        ? invalidRequest()
        : badRequest("the patch does not leave an object");
    }
    const { object, warnings } = decodeObject(strategy, patched, validation);
    const result = object as ApiObject;
    // A patch that does not speak of the version is applied to whatever is there.
    const same = result.metadata?.resourceVersion === old.metadata?.resourceVersion;
    if (!same) return { object: result, warnings };
    const { resourceVersion: _, ...metadata } = result.metadata ?? {};
    return { object: { ...result, metadata }, warnings };
  };
