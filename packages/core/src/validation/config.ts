// The small kinds beside Jobs and Pods: what of them is checked.
import { allOf } from "../apimachinery/all-of.ts";
import {
  type FieldErrors,
  forbidden,
  immutableDetail,
  invalid,
  required,
  tooLong,
} from "../apimachinery/field-error.ts";
import { fieldPath } from "../apimachinery/field-path.ts";
import { byteLength } from "../apimachinery/go-text.ts";
import { isConfigMapKey, isDns1123Label, isDns1123Subdomain } from "../apimachinery/name-rules.ts";
import { validateObjectMeta, validateObjectMetaUpdate } from "../apimachinery/object-meta.ts";
import type { ConfigMap, Secret, ServiceAccount } from "../schema/config.ts";
import type { Event } from "../schema/event.ts";
import type { ObjectMeta } from "../schema/meta.ts";
import type { Namespace } from "../schema/namespace.ts";
import { named, unchanged } from "./checks.ts";
import { semanticEqual } from "./semantic-equal.ts";

/** 1 MiB, keys not counted: Kubernetes' bound, which keeps objects small in the store. */
const maxDataBytes = 1024 * 1024;

const metadataPath = fieldPath("metadata");

const validateMeta = (
  metadata: ObjectMeta | undefined,
  nameRule: (name: string) => string[] = isDns1123Subdomain,
  namespaced = true,
): FieldErrors => validateObjectMeta(metadata, { namespaced, nameRule, path: metadataPath });

/** Bytes that base64 text stands for. */
const decodedLength = (base64: string): number =>
  Math.floor((base64.replace(/=+$/, "").length * 3) / 4);

export function validateConfigMap(configMap: ConfigMap): FieldErrors {
  const { data = {}, binaryData = {} } = configMap;
  const errors = validateMeta(configMap.metadata);
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...named(key, isConfigMapKey, fieldPath("data").key(key)));
    if (key in binaryData) {
      errors.push(
        invalid(fieldPath("data").key(key), key, `duplicate of key present in binaryData`),
      );
    }
    bytes += byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    errors.push(...named(key, isConfigMapKey, fieldPath("binaryData").key(key)));
    bytes += decodedLength(value);
  }
  if (bytes > maxDataBytes) errors.push(tooLong("", "", maxDataBytes));
  return errors;
}

const frozenDetail = "field is immutable when `immutable` is set";

/** An immutable ConfigMap or Secret stays so, and keeps its content. */
function validateFrozen<T extends { immutable?: boolean | undefined }>(
  next: T,
  old: T,
  fields: readonly (keyof T & string)[],
): FieldErrors {
  if (old.immutable !== true) return [];
  const errors: FieldErrors = next.immutable === true ? [] : [forbidden("immutable", frozenDetail)];
  for (const field of fields) {
    if (!semanticEqual(next[field], old[field])) errors.push(forbidden(field, frozenDetail));
  }
  return errors;
}

export const validateConfigMapUpdate = (next: ConfigMap, old: ConfigMap): FieldErrors =>
  allOf(
    validateObjectMetaUpdate(next.metadata, old.metadata, metadataPath),
    validateFrozen(next, old, ["data", "binaryData"]),
    validateConfigMap(next),
  );

/** Keys that a Secret of a known type must have. */
const requiredKeys: ReadonlyMap<string, readonly string[]> = new Map([
  ["kubernetes.io/dockercfg", [".dockercfg"]],
  ["kubernetes.io/dockerconfigjson", [".dockerconfigjson"]],
  ["kubernetes.io/ssh-auth", ["ssh-privatekey"]],
  ["kubernetes.io/tls", ["tls.crt", "tls.key"]],
]);

/** Expects a defaulted Secret. */
export function validateSecret(secret: Secret): FieldErrors {
  const { data = {}, type = "" } = secret;
  const path = fieldPath("data");
  const errors = validateMeta(secret.metadata);
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...named(key, isConfigMapKey, path.key(key)));
    bytes += decodedLength(value);
  }
  if (bytes > maxDataBytes) errors.push(tooLong(path, "", maxDataBytes));
  for (const key of requiredKeys.get(type) ?? []) {
    if (!(key in data)) errors.push(required(path.key(key)));
  }
  return errors;
}

export const validateSecretUpdate = (next: Secret, old: Secret): FieldErrors =>
  allOf(
    validateObjectMetaUpdate(next.metadata, old.metadata, metadataPath),
    next.type === old.type ? [] : [invalid("type", next.type ?? "", immutableDetail)],
    validateFrozen(next, old, ["data"]),
    validateSecret(next),
  );

export const validateServiceAccount = (account: ServiceAccount): FieldErrors =>
  validateMeta(account.metadata);

export const validateServiceAccountUpdate = (
  next: ServiceAccount,
  old: ServiceAccount,
): FieldErrors =>
  allOf(
    validateObjectMetaUpdate(next.metadata, old.metadata, metadataPath),
    validateServiceAccount(next),
  );

/** Its name is a DNS label, because it becomes part of names. */
export const validateNamespace = (namespace: Namespace): FieldErrors =>
  validateMeta(namespace.metadata, isDns1123Label, false);

/** `spec.finalizers` and `status` change by their own subresources only. */
export const validateNamespaceUpdate = (next: Namespace, old: Namespace): FieldErrors =>
  validateObjectMetaUpdate(next.metadata, old.metadata, metadataPath);

/** Lease, of which this API only needs the metadata to be right. */
export const validateLease = (lease: { metadata?: ObjectMeta | undefined }): FieldErrors =>
  validateMeta(lease.metadata);

/** An Event stands in the namespace of what it is about; of what has none, in `default`. */
export function validateEvent(event: Event): FieldErrors {
  const errors = validateMeta(event.metadata);
  const namespace = event.metadata?.namespace ?? "";
  const about = event.involvedObject?.namespace ?? "";
  const path = fieldPath("involvedObject", "namespace");
  if (about === "" ? namespace !== "default" && namespace !== "kube-system" : about !== namespace) {
    errors.push(invalid(path, about, "does not match event.namespace"));
  }
  return errors;
}

export const validateEventUpdate = (next: Event, old: Event): FieldErrors =>
  allOf(
    validateObjectMetaUpdate(next.metadata, old.metadata, metadataPath),
    unchanged(next.involvedObject, old.involvedObject, fieldPath("involvedObject")),
    validateEvent(next),
  );
