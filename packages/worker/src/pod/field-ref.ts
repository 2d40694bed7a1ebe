// The downward API: fields and resources of a Pod as text, for env and volumes.
import type { PodSpec } from "@gantry/core";
import type { RunnablePod } from "../runtime.ts";

type Container = NonNullable<PodSpec["containers"]>[number];
type VariableSource = NonNullable<NonNullable<Container["env"]>[number]["valueFrom"]>;
export type ResourceRef = NonNullable<VariableSource["resourceFieldRef"]>;

/** What a runtime knows of the host; unset limits read as the whole host, as on a Node. */
export interface HostFacts {
  readonly hostIP: string;
  readonly podIP: string;
  readonly cpus: number;
  readonly memoryBytes: number;
}

const subscript = /^metadata\.(labels|annotations)\['([^']+)'\]$/;

const escaped = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join("\n");

/** `undefined` for a path that does not exist. */
export const fieldValue = (pod: RunnablePod, path: string, host: HostFacts): string | undefined => {
  const keyed = subscript.exec(path);
  if (keyed !== null) {
    const values = keyed[1] === "labels" ? pod.labels : pod.annotations;
    return values[keyed[2] ?? ""] ?? "";
  }
  switch (path) {
    case "metadata.name":
      return pod.name;
    case "metadata.namespace":
      return pod.namespace;
    case "metadata.uid":
      return pod.uid;
    case "metadata.labels":
      return escaped(pod.labels);
    case "metadata.annotations":
      return escaped(pod.annotations);
    case "spec.nodeName":
      return pod.node;
    case "spec.serviceAccountName":
      return pod.serviceAccountName;
    case "status.hostIP":
    case "status.hostIPs":
      return host.hostIP;
    case "status.podIP":
    case "status.podIPs":
      return host.podIP;
    default:
      return undefined;
  }
};

const factors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Amount of a quantity that validation has passed, in its base unit (cores, bytes). */
export const quantityAmount = (text: string): number => {
  const parts = /^([+-]?[0-9.]+)(?:([numkMGTPE]i?|)|[eE]([+-]?[0-9]+))$/.exec(text);
  if (parts === null) return Number.NaN;
  const [, digits = "0", suffix = "", exponent] = parts;
  return exponent === undefined
    ? Number(digits) * (factors[suffix] ?? Number.NaN)
    : Number(`${digits}e${exponent}`);
};

/** Rounds a division up, forgiving what binary fractions add to it (`100m` over `1m` is 100). */
const divideUp = (amount: number, divisor: number): number => {
  const quotient = amount / divisor;
  const nearest = Math.round(quotient);
  return Math.abs(quotient - nearest) < 1e-9 * Math.max(1, nearest) ? nearest : Math.ceil(quotient);
};

/** `limits.cpu` and the like, divided by the divisor and rounded up. */
export const resourceValue = (
  container: Container,
  reference: ResourceRef,
  host: HostFacts,
): string | undefined => {
  const [kind, ...rest] = (reference.resource ?? "").split(".");
  const name = rest.join(".");
  const written =
    kind === "limits"
      ? container.resources?.limits?.[name]
      : (container.resources?.requests?.[name] ?? container.resources?.limits?.[name]);
  const whole: Record<string, number> = { cpu: host.cpus, memory: host.memoryBytes };
  const unset = kind === "limits" ? (whole[name] ?? 0) : 0;
  const amount = written === undefined ? unset : quantityAmount(written);
  const divisor = quantityAmount(reference.divisor ?? "1") || 1;
  return Number.isNaN(amount) ? undefined : String(divideUp(amount, divisor));
};
