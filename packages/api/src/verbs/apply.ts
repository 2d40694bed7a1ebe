// Server-side apply: the patch says what its manager wants, and others are asked before it is taken from them.
import { ApiError, badRequest, decodeObject, invalidObject, requiredField } from "@gantry/core";
import { applyPatch } from "../apply/apply-patch.ts";
import { conflictError } from "../apply/conflict-error.ts";
import { isJson, type Json } from "../apply/shape.ts";
import { parseYamlBody } from "../requests/body.ts";
import type { WriteOptions } from "../requests/query.ts";
import { type ApiObject, nameOf, type Strategy } from "../registry/strategy.ts";
import type { ApiContext } from "../server/context.ts";
import { create } from "./create.ts";
import { ignoredFields } from "./ownership.ts";
import { type Change, update, type Updated, type UpdateTarget } from "./update.ts";

export const APPLY_TYPE = "application/apply-patch+yaml";

/** An object may come and go while it is applied. */
const ATTEMPTS = 5;

const readPatch = (body: Buffer): Json => {
  let value: unknown;
  try {
    ({ value } = parseYamlBody(body.toString("utf8")));
  } catch (error) {
    if (error instanceof ApiError || !(error instanceof Error)) throw error;
    throw badRequest(`error decoding YAML: ${error.message}`);
  }
  if (!isJson(value)) throw badRequest("error decoding YAML: the patch is not an object");
  return value;
};

/** Its client-side apply compares with an annotation, which its server-side apply keeps up to date. */
const KUBECTL = "kubectl";
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJson(value)) return value;
  const keys = Object.keys(value).toSorted();
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key])]));
};

const withoutLastApplied = (patch: Json): Json => {
  const { metadata } = patch;
  if (!isJson(metadata) || !isJson(metadata["annotations"])) return patch;
  const { [LAST_APPLIED]: _, ...annotations } = metadata["annotations"];
  return { ...patch, metadata: { ...metadata, annotations } };
};

/** So that users can go back from server-side to client-side apply, as with Kubernetes. */
const withLastApplied = (
  object: ApiObject,
  live: ApiObject | undefined,
  patch: Json,
): ApiObject => {
  if (!live?.metadata?.annotations?.[LAST_APPLIED]) return object;
  const text = `${JSON.stringify(sorted(withoutLastApplied(patch)))}\n`;
  const annotations = { ...object.metadata?.annotations, [LAST_APPLIED]: text };
  return { ...object, metadata: { ...object.metadata, annotations } };
};

export const apply = async (
  context: ApiContext,
  strategy: Strategy,
  target: UpdateTarget,
  body: Buffer,
  options: WriteOptions,
): Promise<Updated> => {
  const { fieldManager, force, fieldValidation, dryRun } = options;
  if (fieldManager === undefined) {
    throw invalidObject("PatchOptions", "meta.k8s.io", "", [
      requiredField("fieldManager", "is required for apply patch"),
    ]);
  }
  const patch = readPatch(body);
  // What the schema does not know can't be owned: the patch is checked before it is merged.
  const { object: known, warnings } = decodeObject(strategy, patch, fieldValidation);
  const given = nameOf(known as ApiObject);
  if (given !== "" && given !== target.name) {
    throw badRequest(
      `the name of the object (${given}) does not match the name on the URL (${target.name})`,
    );
  }
  if ((known as ApiObject).metadata?.managedFields !== undefined) {
    throw badRequest("metadata.managedFields must be nil");
  }
  const wanted = (live: ApiObject | undefined): Change => {
    const result = applyPatch({
      live,
      patch: known as Json,
      manager: fieldManager,
      force,
      schema: strategy.schema,
      apiVersion: strategy.apiVersion,
      subresource: target.subresource ?? "",
      ignored: ignoredFields(strategy, target.subresource),
      nowMs: context.nowMs(),
    });
    if ("conflicts" in result) throw conflictError(result.conflicts);
    const { object } = decodeObject(strategy, result.object, "Ignore");
    const next =
      fieldManager === KUBECTL ? withLastApplied(object as ApiObject, live, patch) : object;
    return { object: next as ApiObject, warnings, owned: true };
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await update(context, strategy, target, wanted);
    } catch (error) {
      if (!isMissing(error, strategy, target)) throw error;
    }
    try {
      const { object } = wanted(undefined);
      const named = { ...object, metadata: { ...object.metadata, name: target.name } };
      const created = await create(context, strategy, {
        namespace: target.namespace,
        object: named,
        dryRun,
        author: undefined,
      });
      return { ...created, warnings: [...warnings, ...created.warnings] };
    } catch (error) {
      const exists = error instanceof ApiError && error.reason === "AlreadyExists";
      if (!exists || attempt === ATTEMPTS) throw error;
    }
  }
};

const isMissing = (error: unknown, strategy: Strategy, target: UpdateTarget): boolean =>
  error instanceof ApiError &&
  error.code === 404 &&
  error.status.details?.kind === strategy.plural &&
  target.subresource === undefined;
