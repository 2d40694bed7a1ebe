// Probes and lifecycle handlers of containers (job-spec 6).
import { allOf } from "../apimachinery/all-of.ts";
import {
  betweenDetail,
  type FieldErrors,
  forbidden,
  invalid,
  required,
} from "../apimachinery/field-error.ts";
import type { FieldPath } from "../apimachinery/field-path.ts";
import { isHttpHeaderName, isPortName } from "../apimachinery/name-rules.ts";
import type { HTTPGetAction, LifecycleHandler, Lifecycle, Probe } from "../schema/container.ts";
import { named, nonNegative, requiredOneOf, requiredText } from "./checks.ts";

const maxPort = 65535;

export const validatePortNumber = (port: number, path: FieldPath): FieldErrors =>
  port >= 1 && port <= maxPort ? [] : [invalid(path, port, betweenDetail(1, maxPort))];

const validatePort = (port: number | string | undefined, path: FieldPath): FieldErrors =>
  typeof port === "string" ? named(port, isPortName, path) : validatePortNumber(port ?? 0, path);

function validateHttpGet(action: HTTPGetAction, path: FieldPath): FieldErrors {
  return allOf(
    requiredText(action.path, path.child("path")),
    validatePort(action.port, path.child("port")),
    requiredOneOf(action.scheme, ["HTTP", "HTTPS"], path.child("scheme")),
    (action.httpHeaders ?? []).flatMap(({ name }) =>
      named(name, isHttpHeaderName, path.child("httpHeaders")),
    ),
  );
}

type Handler = LifecycleHandler & Pick<Probe, "grpc">;

/** Each kind of handler that is given, in the order in which Kubernetes looks at them. */
function validateHandler(handler: Handler, graceSeconds: number, path: FieldPath): FieldErrors {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const checks: [string, boolean, (at: FieldPath) => FieldErrors][] = [
    [
      "exec",
      exec !== undefined,
      (at) => ((exec?.command ?? []).length > 0 ? [] : [required(at.child("command"))]),
    ],
    ["httpGet", httpGet !== undefined, (at) => validateHttpGet(httpGet ?? {}, at)],
    ["tcpSocket", tcpSocket !== undefined, (at) => validatePort(tcpSocket?.port, at.child("port"))],
    ["grpc", grpc !== undefined, (at) => validatePortNumber(grpc?.port ?? 0, at.child("port"))],
    [
      "sleep",
      sleep !== undefined,
      (at) => {
        const seconds = sleep?.seconds ?? 0;
        if (seconds >= 0 && seconds <= graceSeconds) return [];
        const bound = `terminationGracePeriodSeconds (${graceSeconds})`;
        const range = `must be non-negative and less than ${bound}.`;
        return [invalid(at, seconds, `${range} Additionally, seconds cannot be 0`)];
      },
    ],
  ];
  const given = checks.filter(([, present]) => present);
  if (given.length === 0) return [required(path, "must specify a handler type")];
  return given.flatMap(([field, , check], i) =>
    i === 0
      ? check(path.child(field))
      : [forbidden(path.child(field), "may not specify more than 1 handler type")],
  );
}

export type ProbeKind = "liveness" | "readiness" | "startup";

export function validateProbe(
  probe: Probe | undefined,
  kind: ProbeKind,
  graceSeconds: number,
  path: FieldPath,
): FieldErrors {
  if (probe === undefined) return [];
  const errors = allOf(
    validateHandler(probe, graceSeconds, path),
    nonNegative(probe.initialDelaySeconds, path.child("initialDelaySeconds")),
    nonNegative(probe.timeoutSeconds, path.child("timeoutSeconds")),
    nonNegative(probe.periodSeconds, path.child("periodSeconds")),
    nonNegative(probe.successThreshold, path.child("successThreshold")),
    nonNegative(probe.failureThreshold, path.child("failureThreshold")),
  );
  const grace = probe.terminationGracePeriodSeconds;
  const gracePath = path.child("terminationGracePeriodSeconds");
  if (grace !== undefined && grace <= 0) {
    errors.push(invalid(gracePath, grace, "must be greater than 0"));
  }
  if (kind === "readiness") {
    if (grace !== undefined) {
      errors.push(invalid(gracePath, grace, "must not be set for readinessProbes"));
    }
  } else if (probe.successThreshold !== 1) {
    errors.push(invalid(path.child("successThreshold"), probe.successThreshold ?? 0, "must be 1"));
  }
  return errors;
}

export function validateLifecycle(
  lifecycle: Lifecycle | undefined,
  graceSeconds: number,
  path: FieldPath,
): FieldErrors {
  if (lifecycle === undefined) return [];
  return (["postStart", "preStop"] as const).flatMap((field) => {
    const handler = lifecycle[field];
    return handler === undefined ? [] : validateHandler(handler, graceSeconds, path.child(field));
  });
}
