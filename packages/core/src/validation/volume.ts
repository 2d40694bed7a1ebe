// Volumes of a Pod (job-spec 6).
import { allOf } from "../apimachinery/all-of.ts";
import {
  duplicate,
  type FieldErrors,
  forbidden,
  invalid,
  negativeDetail,
  required,
} from "../apimachinery/field-error.ts";
import type { FieldPath } from "../apimachinery/field-path.ts";
import { isDns1123Label } from "../apimachinery/name-rules.ts";
import { parseQuantity } from "../apimachinery/quantity.ts";
import type {
  DownwardAPIVolumeFile,
  KeyToPath,
  ProjectedVolumeSource,
  Volume,
  VolumeProjection,
} from "../schema/volume.ts";
import { oneOf, requiredName, requiredText } from "./checks.ts";
import { validateFieldRef, validateResourceFieldRef } from "./downward-api.ts";
import { validateUnreservedPath, withoutBacksteps } from "./relative-path.ts";

const maxFileMode = 0o777;
const modeDetail = "must be a number between 0 and 0777 (octal), both inclusive";
const hostPathTypes = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];
/** Ten minutes: Kubernetes' own bound. */
const minTokenSeconds = 600;

const validateMode = (mode: number | undefined, path: FieldPath): FieldErrors =>
  mode === undefined || (mode >= 0 && mode <= maxFileMode) ? [] : [invalid(path, mode, modeDetail)];

const validateItems = (items: readonly KeyToPath[], path: FieldPath): FieldErrors =>
  items.flatMap(({ key, path: target, mode }, i) =>
    allOf(
      requiredText(key, path.index(i).child("key")),
      target
        ? validateUnreservedPath(target, path.index(i).child("path"))
        : [required(path.index(i).child("path"))],
      validateMode(mode, path.index(i).child("mode")),
    ),
  );

function validateDownwardFile(file: DownwardAPIVolumeFile, path: FieldPath): FieldErrors {
  const { fieldRef, resourceFieldRef } = file;
  const errors = file.path
    ? validateUnreservedPath(file.path, path.child("path"))
    : [required(path.child("path"))];
  if (fieldRef !== undefined) {
    errors.push(...validateFieldRef(fieldRef, "volume", path.child("fieldRef")));
    if (resourceFieldRef !== undefined) {
      errors.push(
        invalid(
          path,
          "resource",
          "fieldRef and resourceFieldRef can not be specified simultaneously",
        ),
      );
    }
  } else if (resourceFieldRef === undefined) {
    errors.push(required(path, "one of fieldRef and resourceFieldRef is required"));
  } else {
    const at = path.child("resourceFieldRef");
    errors.push(...validateResourceFieldRef(resourceFieldRef, "volume", at));
  }
  return allOf(errors, validateMode(file.mode, path.child("mode")));
}

const validateDownwardFiles = (
  files: readonly DownwardAPIVolumeFile[],
  path: FieldPath,
): FieldErrors => files.flatMap((file, i) => validateDownwardFile(file, path.index(i)));

function validateProjection(projection: VolumeProjection, path: FieldPath): FieldErrors {
  const { secret, configMap, downwardAPI, serviceAccountToken: token } = projection;
  const errors: FieldErrors = [];
  for (const [field, source] of Object.entries({ secret, configMap })) {
    if (source === undefined) continue;
    const at = path.child(field);
    errors.push(
      ...requiredText(source.name, at.child("name")),
      ...validateItems(source.items ?? [], at.child("items")),
    );
  }
  if (downwardAPI !== undefined) {
    const at = path.child("downwardAPI");
    errors.push(...validateDownwardFiles(downwardAPI.items ?? [], at.child("items")));
  }
  if (token !== undefined) {
    const at = path.child("serviceAccountToken");
    const seconds = token.expirationSeconds ?? 0;
    if (seconds < minTokenSeconds) {
      const detail = "may not specify a duration less than 10 minutes";
      errors.push(invalid(at.child("expirationSeconds"), seconds, detail));
    }
    errors.push(...requiredText(token.path, at.child("path")));
  }
  if (Object.values(projection).filter((source) => source !== undefined).length > 1) {
    errors.push(forbidden(path, "may not specify more than 1 volume type per source"));
  }
  return errors;
}

const validateProjected = (source: ProjectedVolumeSource, path: FieldPath): FieldErrors =>
  allOf(
    validateMode(source.defaultMode, path.child("defaultMode")),
    (source.sources ?? []).flatMap((projection, i) =>
      validateProjection(projection, path.child("sources").index(i)),
    ),
  );

type Checks = {
  [Source in Exclude<keyof Volume, "name">]?: (
    source: NonNullable<Volume[Source]>,
    path: FieldPath,
  ) => FieldErrors;
};

/** Sources of which more than their presence is checked. */
const checks: Checks = {
  emptyDir: ({ sizeLimit }, path) =>
    sizeLimit !== undefined && parseQuantity(sizeLimit).nano < 0n
      ? [forbidden(path.child("sizeLimit"), negativeDetail)]
      : [],
  hostPath: (source, path) =>
    source.path
      ? allOf(
          withoutBacksteps(source.path, path.child("path")),
          oneOf(source.type, hostPathTypes, path.child("type")),
        )
      : [required(path.child("path"))],
  secret: (source, path) =>
    allOf(
      requiredText(source.secretName, path.child("secretName")),
      validateMode(source.defaultMode, path.child("defaultMode")),
      validateItems(source.items ?? [], path.child("items")),
    ),
  configMap: (source, path) =>
    allOf(
      requiredText(source.name, path.child("name")),
      validateMode(source.defaultMode, path.child("defaultMode")),
      validateItems(source.items ?? [], path.child("items")),
    ),
  downwardAPI: (source, path) =>
    allOf(
      validateMode(source.defaultMode, path.child("defaultMode")),
      validateDownwardFiles(source.items ?? [], path.child("items")),
    ),
  projected: validateProjected,
  persistentVolumeClaim: (source, path) => requiredText(source.claimName, path.child("claimName")),
  nfs: (source, path) =>
    allOf(
      requiredText(source.server, path.child("server")),
      requiredText(source.path, path.child("path")),
      source.path && !source.path.startsWith("/")
        ? [invalid(path.child("path"), source.path, "must be an absolute path")]
        : [],
    ),
  csi: (source, path) => requiredText(source.driver, path.child("driver")),
  ephemeral: (source, path) =>
    source.volumeClaimTemplate === undefined ? [required(path.child("volumeClaimTemplate"))] : [],
};

/** The order in which Kubernetes looks at sources: the first one given counts. */
const sourceOrder = [
  "emptyDir",
  "hostPath",
  "gitRepo",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "secret",
  "nfs",
  "iscsi",
  "glusterfs",
  "flocker",
  "persistentVolumeClaim",
  "rbd",
  "cinder",
  "cephfs",
  "quobyte",
  "downwardAPI",
  "fc",
  "flexVolume",
  "configMap",
  "azureFile",
  "vsphereVolume",
  "photonPersistentDisk",
  "portworxVolume",
  "azureDisk",
  "storageos",
  "projected",
  "scaleIO",
  "csi",
  "ephemeral",
  "image",
] as const satisfies readonly (keyof Volume)[];

function validateSource<S extends (typeof sourceOrder)[number]>(
  volume: Volume,
  field: S,
  path: FieldPath,
): FieldErrors {
  const source: Volume[S] = volume[field];
  const check: Checks[S] = checks[field];
  return source === undefined || check === undefined ? [] : check(source, path.child(field));
}

function validateVolume(volume: Volume, taken: ReadonlySet<string>, path: FieldPath): FieldErrors {
  const given = sourceOrder.filter((field) => volume[field] !== undefined);
  const errors = given.flatMap((field, i) =>
    i === 0
      ? validateSource(volume, field, path)
      : [forbidden(path.child(field), "may not specify more than 1 volume type")],
  );
  if (given.length === 0) errors.push(required(path, "must specify a volume type"));
  errors.push(...requiredName(volume.name, isDns1123Label, path.child("name")));
  if (taken.has(volume.name ?? "")) errors.push(duplicate(path.child("name"), volume.name));
  return errors;
}

/** `names`: of the valid volumes, which containers can mount. */
export function validateVolumes(
  volumes: readonly Volume[],
  path: FieldPath,
): { errors: FieldErrors; names: ReadonlySet<string> } {
  const names = new Set<string>();
  const errors: FieldErrors = [];
  for (const [i, volume] of volumes.entries()) {
    const found = validateVolume(volume, names, path.index(i));
    if (found.length === 0) names.add(volume.name ?? "");
    errors.push(...found);
  }
  return { errors, names };
}
