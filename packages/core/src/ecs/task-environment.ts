// A container's environment for ECS: plain values, and secrets that only ECS reads.
import { parseQuantity, quantityToNumber } from "../apimachinery/quantity.ts";
import type { Container, EnvVarSource } from "../schema/container.ts";
import type { ResourceFieldSelector } from "../schema/reference.ts";
import type { EcsPod } from "./ecs-pod.ts";
import type { TaskSize } from "./fargate-sizes.ts";
import type { EcsSettings } from "./settings.ts";
import { expandVariables, type Variable } from "./variable-expansion.ts";

export interface TaskEnvironment {
  readonly variables: ReadonlyMap<string, Variable>;
  /** ARN by variable. */
  readonly secrets: ReadonlyMap<string, string>;
}

export type EnvironmentSettings = Pick<EcsSettings, "secrets">;

/** A host name has at most so many characters. */
const MAX_HOSTNAME = 63;

const subscript = /^metadata\.(labels|annotations)\['([^']+)'\]$/;

const lines = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join("\n");

const shared = (value: string): Variable => ({ value, perPod: false });
const own = (value: string): Variable => ({ value, perPod: true });

/** `undefined` for what is not known before a task runs. */
export function podField(pod: EcsPod, path: string): Variable | undefined {
  const [, map, key = ""] = subscript.exec(path) ?? [];
  if (map !== undefined) return own((map === "labels" ? pod.labels : pod.annotations)[key] ?? "");
  switch (path) {
    case "metadata.name":
      return own(pod.name);
    case "metadata.uid":
      return own(pod.uid);
    case "metadata.labels":
      return own(lines(pod.labels));
    case "metadata.annotations":
      return own(lines(pod.annotations));
    case "metadata.namespace":
      return shared(pod.namespace);
    case "spec.serviceAccountName":
      return shared(pod.serviceAccountName);
    default:
      return undefined;
  }
}

const divideUp = (amount: number, divisor: number): number => {
  const quotient = amount / divisor;
  const nearest = Math.round(quotient);
  // What binary fractions add is forgiven: `100m` over `1m` is 100.
  return Math.abs(quotient - nearest) < 1e-9 * Math.max(1, nearest) ? nearest : Math.ceil(quotient);
};

/** Without a limit the whole task is the limit, as the whole node is elsewhere. */
function resourceField(
  pod: EcsPod,
  container: Container,
  selector: ResourceFieldSelector,
  size: TaskSize,
): Variable | undefined {
  const { containers = [], initContainers = [] } = pod.spec;
  const target =
    [...containers, ...initContainers].find(({ name }) => name === selector.containerName) ??
    container;
  const [kind, ...rest] = (selector.resource ?? "").split(".");
  const name = rest.join(".");
  const { limits = {}, requests = {} } = target.resources ?? {};
  const written = kind === "limits" ? limits[name] : (requests[name] ?? limits[name]);
  const whole: Readonly<Record<string, number>> = {
    cpu: size.cpuUnits / 1024,
    memory: size.memoryMiB * 1024 * 1024,
  };
  const unset = kind === "limits" ? (whole[name] ?? 0) : 0;
  const amount = written === undefined ? unset : quantityToNumber(parseQuantity(written));
  const divisor = quantityToNumber(parseQuantity(selector.divisor ?? "1")) || 1;
  return shared(String(divideUp(amount, divisor)));
}

/** ARNs of the keys of a Secret that are mapped, by key. */
export function mappedSecret(
  { secrets }: EnvironmentSettings,
  namespace: string,
  name: string,
): Map<string, string> {
  const start = `${namespace}/${name}/`;
  return new Map(
    Object.entries(secrets)
      .filter(([path]) => path.startsWith(start))
      .map(([path, arn]) => [path.slice(start.length), arn]),
  );
}

interface Build {
  readonly pod: EcsPod;
  readonly container: Container;
  readonly settings: EnvironmentSettings;
  readonly size: TaskSize;
  readonly variables: Map<string, Variable>;
  readonly secrets: Map<string, string>;
}

const set = (build: Build, name: string, variable: Variable | undefined): void => {
  if (variable === undefined) return;
  build.variables.set(name, variable);
  build.secrets.delete(name);
};

const setSecret = (build: Build, name: string, arn: string | undefined): void => {
  if (arn === undefined) return;
  build.secrets.set(name, arn);
  build.variables.delete(name);
};

function fromSource(build: Build, name: string, from: EnvVarSource): void {
  const { pod, settings } = build;
  const { configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef } = from;
  if (configMapKeyRef !== undefined) {
    const { name: map = "", key = "" } = configMapKeyRef;
    const value = pod.configMaps.get(map)?.get(key);
    set(build, name, value === undefined ? undefined : shared(value));
  } else if (secretKeyRef !== undefined) {
    const { name: secret = "", key = "" } = secretKeyRef;
    setSecret(build, name, settings.secrets[`${pod.namespace}/${secret}/${key}`]);
  } else if (fieldRef !== undefined) {
    set(build, name, podField(pod, fieldRef.fieldPath ?? ""));
  } else if (resourceFieldRef !== undefined) {
    const { container, size } = build;
    set(build, name, resourceField(pod, container, resourceFieldRef, size));
  }
}

function fromWhole(build: Build): void {
  const { pod, container, settings } = build;
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef !== undefined) {
      for (const [key, value] of pod.configMaps.get(configMapRef.name ?? "") ?? []) {
        set(build, `${prefix}${key}`, shared(value));
      }
    }
    if (secretRef === undefined) continue;
    for (const [key, arn] of mappedSecret(settings, pod.namespace, secretRef.name ?? "")) {
      setSecret(build, `${prefix}${key}`, arn);
    }
  }
}

/** spec.hostname, or the Pod's name, cut to a host name's length. */
function hostname({ name, spec }: EcsPod): string {
  const asked = spec.hostnameOverride ?? spec.hostname ?? name;
  return asked.slice(0, MAX_HOSTNAME).replace(/[-.]+$/, "");
}

/**
 * envFrom, then env in order, each value expanded from what came before; a later value replaces an
 * earlier one. Expects an admitted Pod: what has no value is left out.
 */
export function taskEnvironment(
  pod: EcsPod,
  container: Container,
  size: TaskSize,
  settings: EnvironmentSettings,
): TaskEnvironment {
  const variables = new Map([["HOSTNAME", own(hostname(pod))]]);
  const build: Build = { pod, container, settings, size, variables, secrets: new Map() };
  fromWhole(build);
  for (const { name = "", value = "", valueFrom } of container.env ?? []) {
    if (valueFrom === undefined) set(build, name, expandVariables(value, variables));
    else fromSource(build, name, valueFrom);
  }
  return { variables, secrets: build.secrets };
}
