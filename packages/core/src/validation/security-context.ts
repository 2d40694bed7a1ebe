// Users, groups and privileges of Pods and containers (job-spec 6).
import { allOf } from "../apimachinery/all-of.ts";
import { betweenDetail, type FieldErrors, invalid } from "../apimachinery/field-error.ts";
import type { FieldPath } from "../apimachinery/field-path.ts";
import type { SecurityContext } from "../schema/container.ts";
import type { PodSecurityContext } from "../schema/pod.ts";

const maxId = 2147483647;

const validateId = (id: number | undefined, path: FieldPath): FieldErrors =>
  id === undefined || (id >= 0 && id <= maxId) ? [] : [invalid(path, id, betweenDetail(0, maxId))];

export const validateSecurityContext = (
  context: SecurityContext | undefined,
  path: FieldPath,
): FieldErrors => {
  if (context === undefined) return [];
  const errors = allOf(
    validateId(context.runAsUser, path.child("runAsUser")),
    validateId(context.runAsGroup, path.child("runAsGroup")),
  );
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged === true) {
      const detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
      errors.push(invalid(path, context, detail));
    }
    if (context.capabilities?.add?.includes("CAP_SYS_ADMIN") === true) {
      const detail =
        "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
      errors.push(invalid(path, context, detail));
    }
  }
  return errors;
};

export const validatePodSecurityContext = (
  context: PodSecurityContext | undefined,
  path: FieldPath,
): FieldErrors =>
  allOf(
    validateId(context?.fsGroup, path.child("fsGroup")),
    validateId(context?.runAsUser, path.child("runAsUser")),
    validateId(context?.runAsGroup, path.child("runAsGroup")),
    (context?.supplementalGroups ?? []).flatMap((id, i) =>
      validateId(id, path.child("supplementalGroups").index(i)),
    ),
  );
