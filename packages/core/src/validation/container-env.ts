// Environment of containers (job-spec 6).
import { allOf } from "../apimachinery/all-of.ts";
import { type FieldErrors, invalid, required } from "../apimachinery/field-error.ts";
import type { FieldPath } from "../apimachinery/field-path.ts";
import { isConfigMapKey, isDns1123Subdomain, isEnvVarName } from "../apimachinery/name-rules.ts";
import type { EnvFromSource, EnvVar, EnvVarSource, FileKeySelector } from "../schema/container.ts";
import { named, namedIfSet, requiredName } from "./checks.ts";
import { validateFieldRef, validateResourceFieldRef } from "./downward-api.ts";
import { validateRelativePath } from "./relative-path.ts";

const severalSources = "may not have more than one field specified at a time";

interface KeyRef {
  name?: string | undefined;
  key?: string | undefined;
}

const validateKeyRef = ({ name, key }: KeyRef, path: FieldPath): FieldErrors =>
  allOf(
    named(name, isDns1123Subdomain, path.child("name")),
    requiredName(key, isConfigMapKey, path.child("key")),
  );

function validateFileKeyRef(source: FileKeySelector, path: FieldPath): FieldErrors {
  return allOf(
    requiredName(source.key, isEnvVarName, path.child("key")),
    source.volumeName ? [] : [required(path.child("volumeName"))],
    source.path
      ? validateRelativePath(source.path, path.child("path"))
      : [required(path.child("path"))],
  );
}

function validateSource(source: EnvVarSource, value: string, path: FieldPath): FieldErrors {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source;
  const errors = allOf(
    fieldRef ? validateFieldRef(fieldRef, "env", path.child("fieldRef")) : [],
    resourceFieldRef
      ? validateResourceFieldRef(resourceFieldRef, "env", path.child("resourceFieldRef"))
      : [],
    configMapKeyRef ? validateKeyRef(configMapKeyRef, path.child("configMapKeyRef")) : [],
    secretKeyRef ? validateKeyRef(secretKeyRef, path.child("secretKeyRef")) : [],
    fileKeyRef ? validateFileKeyRef(fileKeyRef, path.child("fileKeyRef")) : [],
  );
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef];
  const given = sources.filter((one) => one !== undefined).length;
  if (given === 0) {
    const detail =
      "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, " +
      "`secretKeyRef` or `fileKeyRef`";
    errors.push(invalid(path, "", detail));
  }
  if (value !== "") {
    const detail = "may not be specified when `value` is not empty";
    if (given > 0) errors.push(invalid(path, "", detail));
  } else if (given > 1) {
    errors.push(invalid(path, "", severalSources));
  }
  return errors;
}

export const validateEnv = (variables: readonly EnvVar[], path: FieldPath): FieldErrors =>
  variables.flatMap(({ name, value = "", valueFrom }, i) =>
    allOf(
      requiredName(name, isEnvVarName, path.index(i).child("name")),
      valueFrom ? validateSource(valueFrom, value, path.index(i).child("valueFrom")) : [],
    ),
  );

/** That one source is given is reported of the list, as Kubernetes does. */
export const validateEnvFrom = (sources: readonly EnvFromSource[], path: FieldPath): FieldErrors =>
  sources.flatMap(({ prefix, configMapRef, secretRef }, i) => {
    const at = path.index(i);
    const errors = namedIfSet(prefix, isEnvVarName, at.child("prefix"));
    for (const [field, source] of Object.entries({ configMapRef, secretRef })) {
      if (source === undefined) continue;
      errors.push(...requiredName(source.name, isDns1123Subdomain, at.child(field, "name")));
    }
    if (configMapRef === undefined && secretRef === undefined) {
      errors.push(invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"));
    } else if (configMapRef !== undefined && secretRef !== undefined) {
      errors.push(invalid(path, "", severalSources));
    }
    return errors;
  });
