// metadata of every object: what validation asks of it (M1, M4, M6-M8) and what the server sets (M4-M6).
import { blank } from "./blank.ts";
import { allOf } from "./all-of.ts";
import type { ObjectMeta, OwnerReference } from "../schema/meta.ts";
import {
  forbidden,
  immutableDetail,
  invalid,
  negativeDetail,
  required,
  tooLong,
} from "./field-error.ts";
import type { FieldErrors } from "./field-error.ts";
import type { FieldPath } from "./field-path.ts";
import { byteLength, goQuote } from "./go-text.ts";
import { validateLabels } from "./label-selector.ts";
import { isDns1123Label, isQualifiedName, maskTrailingDash } from "./name-rules.ts";
import { rfc3339 } from "./time.ts";

/** M8: bytes of all keys and values together. */
export const maxAnnotationBytes = 262_144;
/** M4: a generated name fits a DNS label with its five random characters. */
const maxGeneratedBase = 58;
/** M4: characters of the random suffix; without vowels, so that it spells nothing. */
export const suffixAlphabet = "bcdfghjklmnpqrstvwxz2456789";
export const suffixLength = 5;

const ORPHAN = "orphan";
const FOREGROUND = "foregroundDeletion";
const standardFinalizers: ReadonlySet<string> = new Set([ORPHAN, FOREGROUND, "kubernetes"]);

export interface MetaRules {
  readonly namespaced: boolean;
  /** Messages about a name; none if it is valid. */
  readonly nameRule: (name: string) => string[];
  readonly path: FieldPath;
}

/** M8 */
export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: FieldPath,
): FieldErrors {
  const errors: FieldErrors = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const message of isQualifiedName(key.toLowerCase())) {
      errors.push(invalid(path, key, message));
    }
    bytes += byteLength(key) + byteLength(value);
  }
  if (bytes > maxAnnotationBytes) errors.push(tooLong(path, undefined, maxAnnotationBytes));
  return errors;
}

function validateOwnerReference(owner: OwnerReference, path: FieldPath): FieldErrors {
  const errors: FieldErrors = [];
  const { apiVersion = "", kind = "", name = "", uid = "" } = owner;
  if (apiVersion === "" || apiVersion.endsWith("/")) {
    errors.push(invalid(path.child("apiVersion"), apiVersion, "version must not be empty"));
  }
  const empty = "must not be empty";
  if (kind === "") errors.push(invalid(path.child("kind"), kind, empty));
  if (name === "") errors.push(invalid(path.child("name"), name, empty));
  if (uid === "") errors.push(invalid(path.child("uid"), uid, empty));
  if (kind === "Event" && apiVersion === "v1") {
    errors.push(invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner"));
  }
  return errors;
}

/** M7 */
function validateOwners(owners: readonly OwnerReference[], path: FieldPath): FieldErrors {
  const errors: FieldErrors = [];
  let controller: string | undefined;
  for (const owner of owners) {
    errors.push(...validateOwnerReference(owner, path));
    if (owner.controller !== true) continue;
    const name = `${owner.kind ?? ""}/${owner.name ?? ""}`;
    if (controller === undefined) {
      controller = name;
      continue;
    }
    const detail =
      "Only one reference can have Controller set to true. " +
      `Found "true" in references for ${controller} and ${name}`;
    errors.push(invalid(path, owners, detail));
  }
  return errors;
}

/** M6: a finalizer is a standard one or has a domain. */
function validateFinalizerNames(finalizers: readonly string[], path: FieldPath): FieldErrors {
  const detail = "name is neither a standard finalizer name nor is it fully qualified";
  return finalizers.flatMap((finalizer, i) =>
    finalizer.includes("/") || standardFinalizers.has(finalizer)
      ? []
      : [invalid(path.index(i), finalizer, detail)],
  );
}

function validateFinalizers(finalizers: readonly string[], path: FieldPath): FieldErrors {
  const errors: FieldErrors = [];
  for (const finalizer of finalizers) {
    for (const message of isQualifiedName(finalizer))
      errors.push(invalid(path, finalizer, message));
  }
  if (finalizers.includes(ORPHAN) && finalizers.includes(FOREGROUND)) {
    const detail = `finalizer ${ORPHAN} and ${FOREGROUND} cannot be both set`;
    errors.push(invalid(path, finalizers, detail));
  }
  return errors;
}

function validateName(meta: ObjectMeta, { nameRule, path }: MetaRules): FieldErrors {
  const errors: FieldErrors = [];
  const { name = "", generateName = "" } = meta;
  if (generateName !== "") {
    for (const message of nameRule(maskTrailingDash(generateName))) {
      errors.push(invalid(path.child("generateName"), generateName, message));
    }
  }
  if (name === "") {
    errors.push(required(path.child("name"), "name or generateName is required"));
  } else {
    for (const message of nameRule(name)) errors.push(invalid(path.child("name"), name, message));
  }
  return errors;
}

function validateNamespace(meta: ObjectMeta, { namespaced, path }: MetaRules): FieldErrors {
  const { namespace = "" } = meta;
  const at = path.child("namespace");
  if (!namespaced) return namespace === "" ? [] : [forbidden(at, "not allowed on this type")];
  if (namespace === "") return [required(at)];
  return isDns1123Label(namespace).map((message) => invalid(at, namespace, message));
}

/** M1, M4, M7, M8: metadata of an object that is to be stored, its name generated already. */
export function validateObjectMeta(meta: ObjectMeta | undefined, rules: MetaRules): FieldErrors {
  const { path } = rules;
  const given = meta ?? {};
  const errors = allOf(validateName(given, rules), validateNamespace(given, rules));
  if ((given.generation ?? 0) < 0) {
    errors.push(invalid(path.child("generation"), given.generation, negativeDetail));
  }
  const finalizers = given.finalizers ?? [];
  return allOf(
    errors,
    validateLabels(given.labels, path.child("labels")),
    validateAnnotations(given.annotations, path.child("annotations")),
    validateOwners(given.ownerReferences ?? [], path.child("ownerReferences")),
    validateFinalizers(finalizers, path.child("finalizers")),
    validateFinalizerNames(finalizers, path.child("finalizers")),
  );
}

const immutableFields = [
  "name",
  "namespace",
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
] as const;

/** M6: what an update may not do to metadata. */
export function validateObjectMetaUpdate(
  next: ObjectMeta | undefined,
  old: ObjectMeta | undefined,
  path: FieldPath,
): FieldErrors {
  const errors: FieldErrors = [];
  const finalizersPath = path.child("finalizers");
  const finalizers = next?.finalizers ?? [];
  const added = new Set(finalizers.filter((name) => !(old?.finalizers ?? []).includes(name)));
  if (old?.deletionTimestamp !== undefined && added.size > 0) {
    const names = [...added].toSorted().map(goQuote).join(", ");
    const detail =
      "no new finalizers can be added if the object is being deleted, " +
      `found new finalizers []string{${names}}`;
    errors.push(forbidden(finalizersPath, detail));
  }
  if ((next?.resourceVersion ?? "") === "") {
    errors.push(invalid(path.child("resourceVersion"), "", "must be specified for an update"));
  }
  if ((next?.generation ?? 0) < (old?.generation ?? 0)) {
    const generation = next?.generation ?? 0;
    errors.push(invalid(path.child("generation"), generation, "must not be decremented"));
  }
  for (const field of immutableFields) {
    if (next?.[field] === old?.[field]) continue;
    errors.push(invalid(path.child(field), next?.[field] ?? null, immutableDetail));
  }
  return allOf(
    errors,
    validateLabels(next?.labels, path.child("labels")),
    validateAnnotations(next?.annotations, path.child("annotations")),
    validateOwners(next?.ownerReferences ?? [], path.child("ownerReferences")),
    validateFinalizerNames(finalizers, finalizersPath),
  );
}

export interface Creation {
  readonly uid: string;
  readonly nowMs: number;
  /** Empty for kinds without namespace. */
  readonly namespace: string;
  /** Random characters for a generated name: `suffixLength` of `suffixAlphabet`. */
  readonly suffix: string;
  /** Kinds that count generations start at 1. */
  readonly generation: 1 | undefined;
}

/** M4: `base` cut so that the name stays a DNS label. */
export const generatedName = (base: string, suffix: string): string =>
  `${base.slice(0, maxGeneratedBase)}${suffix}`;

/** M4, M5: what the server sets on a new object; what clients may not set is dropped. */
export function prepareMetaForCreate(
  given: ObjectMeta | undefined,
  creation: Creation,
): ObjectMeta {
  const {
    selfLink: _selfLink,
    resourceVersion: _resourceVersion,
    generation: _generation,
    deletionTimestamp: _deletionTimestamp,
    deletionGracePeriodSeconds: _grace,
    namespace: _namespace,
    ...kept
  } = given ?? {};
  const { name = "", generateName = "" } = kept;
  const generated = name === "" && generateName !== "";
  return {
    ...blank,
    ...kept,
    ...(generated ? { name: generatedName(generateName, creation.suffix) } : {}),
    ...(creation.namespace === "" ? {} : { namespace: creation.namespace }),
    uid: creation.uid,
    ...(creation.generation === undefined ? {} : { generation: creation.generation }),
    creationTimestamp: rfc3339(creation.nowMs),
  };
}

/** M6: what the server keeps on an update, whatever the client sent. */
export function prepareMetaForUpdate(next: ObjectMeta | undefined, old: ObjectMeta): ObjectMeta {
  const { selfLink: _selfLink, generation: _generation, ...kept } = next ?? {};
  const { generation, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds } = old;
  return {
    ...blank,
    ...kept,
    ...(kept.name ? {} : { name: old.name }),
    ...(kept.namespace || old.namespace === undefined ? {} : { namespace: old.namespace }),
    ...(kept.uid ? {} : { uid: old.uid }),
    ...(kept.resourceVersion ? {} : { resourceVersion: old.resourceVersion }),
    ...(generation === undefined ? {} : { generation }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(deletionGracePeriodSeconds === undefined || kept.deletionGracePeriodSeconds !== undefined
      ? {}
      : { deletionGracePeriodSeconds }),
  };
}
