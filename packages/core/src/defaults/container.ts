// Defaults of containers: what is written into each where the manifest is silent (job-spec 6).
import { blank } from "../apimachinery/blank.ts";
import { canonicalResource } from "../apimachinery/quantity.ts";
import type {
  Container,
  ContainerPort,
  EnvVar,
  HTTPGetAction,
  Lifecycle,
  LifecycleHandler,
  Probe,
  ResourceRequirements,
} from "../schema/container.ts";
import type { ResourceFieldSelector } from "../schema/reference.ts";
import { defaultPullPolicy } from "./image-pull-policy.ts";

type Quantities = Record<string, string>;

/** Canonical text, rounded up to a thousandth. Throws QuantityError on text that is no quantity. */
export const defaultQuantities = (quantities: Quantities | undefined): Quantities | undefined =>
  quantities === undefined
    ? undefined
    : Object.fromEntries(
        Object.entries(quantities).map(([name, text]) => [name, canonicalResource(text)]),
      );

export function defaultResources(
  resources: ResourceRequirements | undefined,
): ResourceRequirements {
  const { limits, requests, ...rest } = resources ?? {};
  return {
    ...blank,
    ...(limits === undefined ? {} : { limits: defaultQuantities(limits) }),
    ...(requests === undefined ? {} : { requests: defaultQuantities(requests) }),
    ...rest,
  };
}

const defaultPort = (port: ContainerPort): ContainerPort => ({
  ...blank,
  ...port,
  protocol: port.protocol || "TCP",
});

export const defaultResourceFieldRef = (
  selector: ResourceFieldSelector,
): ResourceFieldSelector => ({
  ...blank,
  ...selector,
  divisor: canonicalResource(selector.divisor ?? "0"),
});

function defaultEnvVar(variable: EnvVar): EnvVar {
  const { fieldRef, resourceFieldRef } = variable.valueFrom ?? {};
  if (fieldRef === undefined && resourceFieldRef === undefined) return variable;
  return {
    ...blank,
    ...variable,
    valueFrom: {
      ...blank,
      ...variable.valueFrom,
      ...(fieldRef && {
        fieldRef: { ...blank, ...fieldRef, apiVersion: fieldRef.apiVersion || "v1" },
      }),
      ...(resourceFieldRef && { resourceFieldRef: defaultResourceFieldRef(resourceFieldRef) }),
    },
  };
}

const defaultHttpGet = (action: HTTPGetAction): HTTPGetAction => ({
  ...blank,
  ...action,
  path: action.path || "/",
  scheme: action.scheme || "HTTP",
});

const defaultProbe = (probe: Probe): Probe => ({
  ...blank,
  ...probe,
  ...(probe.httpGet && { httpGet: defaultHttpGet(probe.httpGet) }),
  ...(probe.grpc && { grpc: { ...blank, ...probe.grpc, service: probe.grpc.service ?? "" } }),
  timeoutSeconds: probe.timeoutSeconds || 1,
  periodSeconds: probe.periodSeconds || 10,
  successThreshold: probe.successThreshold || 1,
  failureThreshold: probe.failureThreshold || 3,
});

const defaultHandler = (handler: LifecycleHandler): LifecycleHandler =>
  handler.httpGet === undefined
    ? handler
    : { ...blank, ...handler, httpGet: defaultHttpGet(handler.httpGet) };

const defaultLifecycle = (lifecycle: Lifecycle): Lifecycle => ({
  ...blank,
  ...lifecycle,
  ...(lifecycle.postStart && { postStart: defaultHandler(lifecycle.postStart) }),
  ...(lifecycle.preStop && { preStop: defaultHandler(lifecycle.preStop) }),
});

export function defaultContainer(container: Container): Container {
  const { ports, env, livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
  return {
    ...blank,
    ...container,
    ...(ports && { ports: ports.map(defaultPort) }),
    ...(env && { env: env.map(defaultEnvVar) }),
    resources: defaultResources(container.resources),
    ...(livenessProbe && { livenessProbe: defaultProbe(livenessProbe) }),
    ...(readinessProbe && { readinessProbe: defaultProbe(readinessProbe) }),
    ...(startupProbe && { startupProbe: defaultProbe(startupProbe) }),
    ...(lifecycle && { lifecycle: defaultLifecycle(lifecycle) }),
    terminationMessagePath: container.terminationMessagePath || "/dev/termination-log",
    terminationMessagePolicy: container.terminationMessagePolicy || "File",
    imagePullPolicy: container.imagePullPolicy || defaultPullPolicy(container.image ?? ""),
  };
}

/** On the host's network a container port is the host's port. */
export const withHostPorts = (container: Container): Container =>
  container.ports === undefined
    ? container
    : {
        ...blank,
        ...container,
        ports: container.ports.map((port) => ({
          ...blank,
          ...port,
          hostPort: port.hostPort || port.containerPort,
        })),
      };

/** On a Pod, not in a template: a limit without a request is also the request. */
export function requestsFromLimits(
  resources: ResourceRequirements | undefined,
): ResourceRequirements | undefined {
  if (resources?.limits === undefined) return resources;
  return {
    ...blank,
    ...resources,
    requests: { ...blank, ...resources.limits, ...resources.requests },
  };
}
