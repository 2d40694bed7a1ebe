// What of a Pod as a whole ECS has no counterpart for.
import { allowsRole, ROLE_ANNOTATION } from "../task-role.ts";
import { exceedsStopTimeout, MAX_FARGATE_STOP_SECONDS } from "../stop-timeout.ts";
import {
  type AdmissionCase,
  type Finding,
  kindOf,
  refuseIf,
  refusal,
  warnIf,
  warning,
} from "./finding.ts";

/** ECS's limit of a task definition. */
const MAX_CONTAINERS = 10;

const isSet = (value: unknown): boolean =>
  value !== undefined && (!Array.isArray(value) || value.length > 0);

function hostRules({ spec }: AdmissionCase): Finding[] {
  const { dnsPolicy = "ClusterFirst" } = spec;
  return [
    ...refuseIf(
      spec.hostNetwork === true,
      "hostNetwork",
      "a task has a network interface of its own",
    ),
    ...refuseIf(spec.hostPID === true, "hostPID", "a task can't share its host's processes"),
    ...refuseIf(spec.hostIPC === true, "hostIPC", "a task can't share its host's IPC namespace"),
    ...refuseIf(spec.hostUsers === false, "hostUsers", "tasks have no user namespaces"),
    ...refuseIf(
      isSet(spec.hostAliases),
      "hostAliases",
      "tasks have no host file entries of their own",
    ),
    ...refuseIf(isSet(spec.dnsConfig), "dnsConfig", "tasks use the resolver of their VPC"),
    ...refuseIf(
      !["ClusterFirst", "Default", ""].includes(dnsPolicy),
      "dnsPolicy",
      "tasks use the resolver of their VPC: leave it out",
    ),
    ...refuseIf(spec.os?.name === "windows", "os.name", "Gantry runs Linux tasks only"),
  ];
}

function affinityRules({ spec }: AdmissionCase): Finding[] {
  const { podAffinity, podAntiAffinity, nodeAffinity } = spec.affinity ?? {};
  const why = "ECS can't place a task by the Pods beside it";
  return [
    ...refuseIf(podAffinity !== undefined, "affinity.podAffinity", why),
    ...refuseIf(podAntiAffinity !== undefined, "affinity.podAntiAffinity", why),
    ...warnIf(
      isSet(nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
      "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution",
      "ignored: lanes are chosen by the installation's policy",
    ),
  ];
}

function graceRules(pod: AdmissionCase): Finding[] {
  const { terminationGracePeriodSeconds: seconds } = pod.spec;
  if (!exceedsStopTimeout(seconds, kindOf(pod))) return [];
  const path = "terminationGracePeriodSeconds";
  const limit = `Fargate gives at most ${MAX_FARGATE_STOP_SECONDS} s between SIGTERM and SIGKILL`;
  return pod.settings.stopTimeoutPolicy === "clamp"
    ? [warning(path, `${limit}: the task gets those`)]
    : [refusal(path, `${limit}: ask for less, or use a lane of EC2 instances`)];
}

function containerCountRules({ spec, settings }: AdmissionCase): Finding[] {
  const { containers = [], initContainers = [] } = spec;
  const waiter = containers.length > 1 ? 1 : 0;
  const count = containers.length + initContainers.length + waiter;
  const several =
    "ECS ends a task with the first of its containers: use init containers and sidecars beside one " +
    "container, or set up a waiter image";
  return [
    ...refuseIf(containers.length > 1 && settings.waiter === undefined, "containers", several),
    ...refuseIf(
      count > MAX_CONTAINERS,
      "containers",
      `a task has at most ${MAX_CONTAINERS} containers, and this one would have ${count}`,
    ),
  ];
}

function identityRules({ spec, namespace, annotations, settings }: AdmissionCase): Finding[] {
  const asked = annotations[ROLE_ANNOTATION];
  const pulls = spec.imagePullSecrets ?? [];
  const unmapped = pulls.flatMap(({ name = "" }, n) => {
    const key = `${namespace}/${name}`;
    const why = `no secret of AWS is set up for ${key} (imagePullSecrets in the runtime's settings)`;
    return refuseIf(settings.imagePullSecrets[key] === undefined, `imagePullSecrets[${n}]`, why);
  });
  return [
    ...refuseIf(
      asked !== undefined && !allowsRole(settings, asked),
      "serviceAccountName",
      `the annotation ${ROLE_ANNOTATION} asks for a role that the installation does not allow`,
    ),
    ...unmapped,
    ...refuseIf(pulls.length > 1, "imagePullSecrets", "a container has one registry credential"),
  ];
}

/** What admission of Pods adds for lost nodes is no wish of anybody's. */
const lostNode = /^node\.kubernetes\.io\/(not-ready|unreachable)$/;

const notByEcs = "ignored: ECS places the task";

function ignored({ spec }: AdmissionCase): Finding[] {
  const wished = (spec.tolerations ?? []).some(({ key = "" }) => !lostNode.test(key));
  const scheduler = spec.schedulerName ?? "default-scheduler";
  const hostname = "ignored by the network: only the variable HOSTNAME says it";
  return [
    ...warnIf(wished, "tolerations", notByEcs),
    ...warnIf(isSet(spec.topologySpreadConstraints), "topologySpreadConstraints", notByEcs),
    ...warnIf(!["default-scheduler", ""].includes(scheduler), "schedulerName", notByEcs),
    ...warnIf(
      !["", undefined].includes(spec.priorityClassName),
      "priorityClassName",
      "ignored: launches are first in, first out",
    ),
    ...warnIf(isSet(spec.readinessGates), "readinessGates", "ignored"),
    ...warnIf(isSet(spec.hostname), "hostname", hostname),
    ...warnIf(isSet(spec.subdomain), "subdomain", "ignored: tasks have no such names"),
    ...warnIf(spec.setHostnameAsFQDN === true, "setHostnameAsFQDN", "ignored"),
  ];
}

export const podRules = (pod: AdmissionCase): Finding[] => [
  ...hostRules(pod),
  ...affinityRules(pod),
  ...graceRules(pod),
  ...containerCountRules(pod),
  ...identityRules(pod),
  ...refuseIf(
    isSet(pod.spec.ephemeralContainers),
    "ephemeralContainers",
    "tasks can't be added to",
  ),
  ...refuseIf(isSet(pod.spec.resourceClaims), "resourceClaims", "ECS has no resource claims"),
  ...ignored(pod),
];
