// Containers and init containers of a Pod (job-spec 6).
import { allOf } from "../apimachinery/all-of.ts";
import {
  duplicate,
  type FieldErrors,
  forbidden,
  invalid,
  notFoundValue,
  required,
  tooMany,
} from "../apimachinery/field-error.ts";
import type { FieldPath } from "../apimachinery/field-path.ts";
import { isDns1123Label, isPortName } from "../apimachinery/name-rules.ts";
import type {
  Container,
  ContainerPort,
  ContainerRestartRule,
  VolumeDevice,
  VolumeMount,
} from "../schema/container.ts";
import { oneOf, requiredName, requiredOneOf, requiredText } from "./checks.ts";
import { validateEnv, validateEnvFrom } from "./container-env.ts";
import { validateLifecycle, validatePortNumber, validateProbe } from "./probe.ts";
import { validateRelativePath } from "./relative-path.ts";
import { validateResources } from "./resources.ts";
import { validateSecurityContext } from "./security-context.ts";

const maxRestartRules = 20;
const maxExitCodes = 255;

/** What containers are checked against beside themselves. */
export interface ContainerContext {
  readonly volumeNames: ReadonlySet<string>;
  readonly graceSeconds: number;
}

function validatePorts(ports: readonly ContainerPort[], path: FieldPath): FieldErrors {
  if (ports.length === 0) return [];
  const errors: FieldErrors = [];
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const at = path.index(i);
    if (port.name) {
      const messages = isPortName(port.name);
      for (const message of messages) errors.push(invalid(at.child("name"), port.name, message));
      if (messages.length === 0) {
        if (names.has(port.name)) errors.push(duplicate(at.child("name"), port.name));
        names.add(port.name);
      }
    }
    if (port.containerPort) {
      errors.push(...validatePortNumber(port.containerPort, at.child("containerPort")));
    } else errors.push(required(at.child("containerPort")));
    if (port.hostPort) errors.push(...validatePortNumber(port.hostPort, at.child("hostPort")));
    errors.push(...requiredOneOf(port.protocol, ["SCTP", "TCP", "UDP"], at.child("protocol")));
  }
  return errors;
}

function hostPortConflicts(containers: readonly Container[], path: FieldPath): FieldErrors {
  if (!containers.some(({ ports }) => ports !== undefined)) return [];
  const errors: FieldErrors = [];
  const taken = new Set<string>();
  for (const [i, container] of containers.entries()) {
    for (const [j, port] of (container.ports ?? []).entries()) {
      if (!port.hostPort) continue;
      const binding = `${port.protocol ?? ""}/${port.hostIP ?? ""}/${port.hostPort}`;
      const at = path.index(i).child("ports").index(j).child("hostPort");
      if (taken.has(binding)) errors.push(duplicate(at, binding));
      taken.add(binding);
    }
  }
  return errors;
}

/** Errors of sub-paths are reported of the list, as Kubernetes does. */
function validateMounts(
  mounts: readonly VolumeMount[],
  devices: readonly VolumeDevice[],
  volumeNames: ReadonlySet<string>,
  path: FieldPath,
): FieldErrors {
  if (mounts.length === 0) return [];
  const errors: FieldErrors = [];
  const mountPaths = new Set<string>();
  for (const [i, { name = "", mountPath = "", subPath, subPathExpr }] of mounts.entries()) {
    const at = path.index(i);
    errors.push(...requiredText(name, at.child("name")));
    if (!volumeNames.has(name)) errors.push(notFoundValue(at.child("name"), name));
    errors.push(...requiredText(mountPath, at.child("mountPath")));
    if (mountPaths.has(mountPath)) {
      errors.push(invalid(at.child("mountPath"), mountPath, "must be unique"));
    }
    mountPaths.add(mountPath);
    if (devices.some((device) => device.name === name)) {
      errors.push(invalid(at.child("name"), name, "must not already exist in volumeDevices"));
    }
    if (devices.some((device) => device.devicePath === mountPath)) {
      const detail = "must not already exist as a path in volumeDevices";
      errors.push(invalid(at.child("mountPath"), mountPath, detail));
    }
    if (subPath) errors.push(...validateRelativePath(subPath, path.child("subPath")));
    if (subPathExpr) {
      if (subPath) {
        const detail = "subPathExpr and subPath are mutually exclusive";
        errors.push(invalid(at.child("subPathExpr"), subPathExpr, detail));
      }
      errors.push(...validateRelativePath(subPathExpr, path.child("subPathExpr")));
    }
  }
  return errors;
}

function validateRestartRule(
  { action, exitCodes }: ContainerRestartRule,
  path: FieldPath,
): FieldErrors {
  const errors = oneOf(action, ["Restart", "RestartAllContainers"], path.child("action"));
  const codesPath = path.child("exitCodes");
  if (exitCodes === undefined) {
    errors.push(required(codesPath, "must be specified"));
  } else {
    errors.push(...oneOf(exitCodes.operator, ["In", "NotIn"], codesPath.child("operator")));
    const count = exitCodes.values?.length ?? 0;
    if (count > maxExitCodes) {
      errors.push(tooMany(codesPath.child("values"), count, maxExitCodes));
    }
  }
  return errors;
}

function validateRestartPolicy(container: Container, path: FieldPath): FieldErrors {
  const { restartPolicy, restartPolicyRules: rules = [] } = container;
  const policyPath = path.child("restartPolicy");
  const rulesPath = path.child("restartPolicyRules");
  const errors =
    restartPolicy === undefined
      ? []
      : oneOf(restartPolicy, ["Always", "Never", "OnFailure"], policyPath);
  if (rules.length > 0 && restartPolicy === undefined) {
    const detail = "must specify restartPolicy when restart rules are used";
    errors.push(required(policyPath, detail));
  }
  if (rules.length > maxRestartRules) {
    errors.push(tooMany(rulesPath, rules.length, maxRestartRules));
  }
  return allOf(
    errors,
    rules.flatMap((rule, i) => validateRestartRule(rule, rulesPath.index(i))),
  );
}

function validateAnyContainer(
  container: Container,
  context: ContainerContext,
  path: FieldPath,
): FieldErrors {
  const mounts = container.volumeMounts ?? [];
  const devices = container.volumeDevices ?? [];
  return allOf(
    requiredName(container.name, isDns1123Label, path.child("name")),
    requiredText(container.image, path.child("image")),
    requiredOneOf(
      container.terminationMessagePolicy,
      ["File", "FallbackToLogsOnError"],
      path.child("terminationMessagePolicy"),
    ),
    validatePorts(container.ports ?? [], path.child("ports")),
    validateEnv(container.env ?? [], path.child("env")),
    validateEnvFrom(container.envFrom ?? [], path.child("envFrom")),
    validateMounts(mounts, devices, context.volumeNames, path.child("volumeMounts")),
    requiredOneOf(
      container.imagePullPolicy,
      ["Always", "IfNotPresent", "Never"],
      path.child("imagePullPolicy"),
    ),
    validateResources(container.resources, path.child("resources")),
    validateSecurityContext(container.securityContext, path.child("securityContext")),
  );
}

const probes = [
  ["livenessProbe", "liveness"],
  ["readinessProbe", "readiness"],
  ["startupProbe", "startup"],
] as const;

const validateHooks = (container: Container, graceSeconds: number, path: FieldPath): FieldErrors =>
  allOf(
    validateLifecycle(container.lifecycle, graceSeconds, path.child("lifecycle")),
    probes.flatMap(([field, kind]) =>
      validateProbe(container[field], kind, graceSeconds, path.child(field)),
    ),
  );

export function validateContainers(
  containers: readonly Container[],
  context: ContainerContext,
  path: FieldPath,
): FieldErrors {
  if (containers.length === 0) return [required(path)];
  const errors: FieldErrors = [];
  const names = new Set<string>();
  for (const [i, container] of containers.entries()) {
    const at = path.index(i);
    errors.push(...validateAnyContainer(container, context, at));
    // Clashes with init containers are reported there.
    if (names.has(container.name ?? ""))
      errors.push(duplicate(at.child("name"), container.name ?? ""));
    names.add(container.name ?? "");
    errors.push(
      ...validateHooks(container, context.graceSeconds, at),
      ...validateRestartPolicy(container, at),
    );
  }
  return allOf(errors, hostPortConflicts(containers, path));
}

const sidecarOnly = "may not be set for init containers without restartPolicy=Always";

export function validateInitContainers(
  containers: readonly Container[],
  regular: readonly Container[],
  context: ContainerContext,
  path: FieldPath,
): FieldErrors {
  const errors: FieldErrors = [];
  const names = new Set(regular.map(({ name = "" }) => name));
  for (const [i, container] of containers.entries()) {
    const at = path.index(i);
    const name = container.name ?? "";
    errors.push(
      ...validateAnyContainer(container, context, at),
      ...validateRestartPolicy(container, at),
    );
    if (names.has(name)) errors.push(duplicate(at.child("name"), name));
    else if (name !== "") names.add(name);
    // They run one by one, so only their own ports can clash.
    errors.push(...hostPortConflicts([container], path));
    if (container.restartPolicy === "Always") {
      errors.push(...validateHooks(container, context.graceSeconds, at));
    } else {
      for (const field of ["lifecycle", ...probes.map(([probe]) => probe)] as const) {
        if (container[field] !== undefined) errors.push(forbidden(at.child(field), sidecarOnly));
      }
    }
  }
  return errors;
}
