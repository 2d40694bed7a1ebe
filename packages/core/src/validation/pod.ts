// Pods at creation and at update (job-spec 6).
import { allOf } from "../apimachinery/all-of.ts";
import { type FieldErrors, forbidden, invalid, required } from "../apimachinery/field-error.ts";
import { fieldPath, type FieldPath } from "../apimachinery/field-path.ts";
import { isDns1123Subdomain } from "../apimachinery/name-rules.ts";
import { validateObjectMeta, validateObjectMetaUpdate } from "../apimachinery/object-meta.ts";
import type { Container } from "../schema/container.ts";
import type { Toleration } from "../schema/placement.ts";
import type { Pod, PodSpec } from "../schema/pod.ts";
import { validatePodSpec } from "./pod-template.ts";
import { validateTolerations } from "./scheduling.ts";
import { semanticEqual } from "./semantic-equal.ts";

const metadataPath = fieldPath("metadata");
const specPath = fieldPath("spec");

const validateMeta = (pod: Pod): FieldErrors =>
  validateObjectMeta(pod.metadata, {
    namespaced: true,
    nameRule: isDns1123Subdomain,
    path: metadataPath,
  });

/** Expects a defaulted Pod. */
export function validatePodCreate(pod: Pod): FieldErrors {
  const spec = pod.spec ?? {};
  const errors = allOf(validateMeta(pod), validatePodSpec(spec, specPath));
  if ((spec.ephemeralContainers ?? []).length > 0) {
    const detail = "cannot be set on create";
    errors.push(forbidden(specPath.child("ephemeralContainers"), detail));
  }
  if ((spec.schedulingGates ?? []).length > 0 && spec.nodeName) {
    const detail = "cannot be set until all schedulingGates have been cleared";
    errors.push(forbidden(specPath.child("nodeName"), detail));
  }
  return errors;
}

const recount = "pod updates may not add or remove containers";

function validateImages(containers: readonly Container[], path: FieldPath): FieldErrors {
  return containers.flatMap(({ image }, i) => {
    const at = path.index(i).child("image");
    if (!image) return [required(at)];
    return image.trim() === image
      ? []
      : [invalid(at, image, "must not have leading or trailing whitespace")];
  });
}

/** It may be set, and lowered; not raised, not removed. */
function validateDeadlineUpdate(next: PodSpec, old: PodSpec): FieldErrors {
  const path = specPath.child("activeDeadlineSeconds");
  const seconds = next.activeDeadlineSeconds;
  const oldSeconds = old.activeDeadlineSeconds;
  if (oldSeconds === undefined) return [];
  if (seconds === undefined) {
    return [invalid(path, null, "must not update from a positive integer to nil value")];
  }
  if (seconds <= oldSeconds) return [];
  return [invalid(path, seconds, "must be less than or equal to previous value")];
}

/** Gates may only be taken away, which makes the Pod ready to be scheduled. */
const validateGatesUpdate = (next: PodSpec, old: PodSpec): FieldErrors =>
  (next.schedulingGates ?? [])
    .filter(({ name }) => !(old.schedulingGates ?? []).some((gate) => gate.name === name))
    .map(({ name = "" }) =>
      forbidden(
        specPath.child("schedulingGates"),
        `only deletion is allowed, but found new scheduling gate '${name}'`,
      ),
    );

const tolerationKey = ({ key = "", operator = "", value = "", effect = "" }: Toleration): string =>
  JSON.stringify([key, operator, value, effect]);

/** Every old toleration is still there; only its seconds may differ. */
function validateTolerationUpdate(next: PodSpec, old: PodSpec): FieldErrors {
  const path = specPath.child("tolerations");
  const tolerations = next.tolerations ?? [];
  const kept = new Set(tolerations.map(tolerationKey));
  if (!(old.tolerations ?? []).every((toleration) => kept.has(tolerationKey(toleration)))) {
    const detail = "existing toleration can not be modified except its tolerationSeconds";
    return [forbidden(path, detail)];
  }
  return validateTolerations(tolerations, path);
}

const withImagesOf = (
  old: readonly Container[] | undefined,
  next: readonly Container[] | undefined,
): Container[] | undefined =>
  old?.map((container, i) => ({ ...container, image: next?.[i]?.image }));

/** The old spec with all allowed changes made. */
function withAllowedChanges(old: PodSpec, next: PodSpec): PodSpec {
  const mayEnd =
    (old.terminationGracePeriodSeconds ?? 0) < 0 && next.terminationGracePeriodSeconds === 1;
  return {
    ...old,
    containers: withImagesOf(old.containers, next.containers),
    initContainers: withImagesOf(old.initContainers, next.initContainers),
    activeDeadlineSeconds: next.activeDeadlineSeconds,
    tolerations: next.tolerations,
    terminationGracePeriodSeconds: mayEnd ? 1 : old.terminationGracePeriodSeconds,
    schedulingGates: next.schedulingGates,
  };
}

const frozenDetail =
  "pod updates may not change fields other than `spec.containers[*].image`," +
  "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`," +
  "`spec.tolerations` (only additions to existing tolerations)," +
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/** Nothing, or why the two can't be compared any further. */
function validateContainersUpdate(next: PodSpec, old: PodSpec): [FieldErrors, stop: boolean] {
  const errors: FieldErrors = [];
  for (const list of ["containers", "initContainers"] as const) {
    const containers = next[list] ?? [];
    const path = specPath.child(list);
    if (containers.length !== (old[list] ?? []).length) {
      return [[...errors, forbidden(path, recount)], true];
    }
    errors.push(...validateImages(containers, path));
  }
  const deadline = validateDeadlineUpdate(next, old);
  return [allOf(errors, deadline), deadline.some(({ value }) => value !== "null")];
}

/** Expects both defaulted. The difference that Kubernetes prints after the message is left out. */
export function validatePodUpdate(next: Pod, old: Pod): FieldErrors {
  const spec = next.spec ?? {};
  const oldSpec = old.spec ?? {};
  const [containerErrors, stop] = validateContainersUpdate(spec, oldSpec);
  const errors = allOf(
    validateObjectMetaUpdate(next.metadata, old.metadata, metadataPath),
    validateMeta(next),
    validatePodSpec(spec, specPath),
    containerErrors,
  );
  if (stop) return errors;
  errors.push(...validateGatesUpdate(spec, oldSpec), ...validateTolerationUpdate(spec, oldSpec));
  if (!semanticEqual(spec, withAllowedChanges(oldSpec, spec))) {
    errors.push(forbidden(specPath, frozenDetail));
  }
  return errors;
}
