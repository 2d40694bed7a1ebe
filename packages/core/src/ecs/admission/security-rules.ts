// What of the security contexts of a Pod and its containers ECS can't do.
import type { PodSecurityContext } from "../../schema/pod.ts";
import type { SecurityContext } from "../../schema/container.ts";
import {
  type AdmissionCase,
  allContainers,
  type Finding,
  kindOf,
  type LocatedContainer,
  refuseIf,
  warnIf,
} from "./finding.ts";

/** What ECS applies anyway. */
const isDefaultProfile = (type: string | undefined): boolean =>
  type === undefined || type === "RuntimeDefault";

/** What both kinds of contexts have. */
const shared = (context: PodSecurityContext & SecurityContext, path: string): Finding[] => [
  ...refuseIf(
    !isDefaultProfile(context.seccompProfile?.type),
    `${path}.seccompProfile`,
    "tasks have the container runtime's profile",
  ),
  ...refuseIf(
    !isDefaultProfile(context.appArmorProfile?.type),
    `${path}.appArmorProfile`,
    "tasks have no profiles of their own",
  ),
  ...refuseIf(
    context.seLinuxOptions !== undefined,
    `${path}.seLinuxOptions`,
    "tasks have no SELinux labels of their own",
  ),
  ...refuseIf(context.windowsOptions !== undefined, `${path}.windowsOptions`, "tasks run on Linux"),
];

function podContext({ spec }: AdmissionCase): Finding[] {
  const context = spec.securityContext ?? {};
  const path = "securityContext";
  return [
    ...shared(context, path),
    ...refuseIf(
      (context.sysctls ?? []).length > 0,
      `${path}.sysctls`,
      "kernel parameters of tasks can't be set",
    ),
    ...refuseIf(
      context.fsGroup !== undefined,
      `${path}.fsGroup`,
      "ECS does not change the owner of volumes: use an EFS access point",
    ),
    ...refuseIf(
      (context.supplementalGroups ?? []).length > 0,
      `${path}.supplementalGroups`,
      "a container has one user and one group",
    ),
  ];
}

function capabilities(pod: AdmissionCase, context: SecurityContext, path: string): Finding[] {
  if (kindOf(pod) === "ec2") return [];
  return (context.capabilities?.add ?? []).flatMap((name, n) =>
    refuseIf(
      name.replace(/^CAP_/, "") !== "SYS_PTRACE",
      `${path}.capabilities.add[${n}]`,
      "Fargate adds SYS_PTRACE only",
    ),
  );
}

function user(pod: AdmissionCase, { container, path }: LocatedContainer): Finding[] {
  const context = { ...pod.spec.securityContext, ...container.securityContext };
  const at = `${path}.securityContext`;
  const unset = context.runAsUser === undefined;
  return [
    ...refuseIf(
      unset && context.runAsGroup !== undefined,
      `${at}.runAsGroup`,
      "a group needs a user beside it: set runAsUser",
    ),
    ...refuseIf(
      context.runAsNonRoot === true && (unset || context.runAsUser === 0),
      `${at}.runAsNonRoot`,
      "whether the image's user is root is not known here: set runAsUser to another than 0",
    ),
  ];
}

function containerContext(pod: AdmissionCase, located: LocatedContainer): Finding[] {
  const context = located.container.securityContext ?? {};
  const path = `${located.path}.securityContext`;
  return [
    ...shared(context, path),
    ...refuseIf(context.privileged === true, `${path}.privileged`, "tasks can't be privileged"),
    ...refuseIf(
      !["Default", undefined].includes(context.procMount),
      `${path}.procMount`,
      "tasks have the default /proc",
    ),
    ...warnIf(
      context.allowPrivilegeEscalation === false,
      `${path}.allowPrivilegeEscalation`,
      "ignored: ECS can't set no_new_privs",
    ),
    ...capabilities(pod, context, path),
    ...user(pod, located),
  ];
}

export const securityRules = (pod: AdmissionCase): Finding[] => [
  ...podContext(pod),
  ...allContainers(pod.spec).flatMap((located) => containerContext(pod, located)),
];
