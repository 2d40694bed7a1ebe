// The role that a Pod's program has in AWS: by its service account, or by annotation.
import type { EcsPod } from "./ecs-pod.ts";
import type { EcsSettings } from "./settings.ts";

/** As on EKS. */
export const ROLE_ANNOTATION = "eks.amazonaws.com/role-arn";

export type RoleSettings = Pick<
  EcsSettings,
  "annotationRoles" | "defaultTaskRoleArn" | "taskRoles"
>;

export type RolePod = Pick<EcsPod, "annotations" | "namespace" | "serviceAccountName">;

/** A trailing `*` stands for anything. */
export const allowsRole = ({ annotationRoles }: RoleSettings, arn: string): boolean =>
  annotationRoles.some((allowed) =>
    allowed.endsWith("*") ? arn.startsWith(allowed.slice(0, -1)) : arn === allowed,
  );

/** `undefined`: none. An annotation that is not allowed has been refused before. */
export function taskRole(pod: RolePod, settings: RoleSettings): string | undefined {
  const asked = pod.annotations[ROLE_ANNOTATION];
  if (asked !== undefined && allowsRole(settings, asked)) return asked;
  return (
    settings.taskRoles[`${pod.namespace}/${pod.serviceAccountName}`] ?? settings.defaultTaskRoleArn
  );
}
