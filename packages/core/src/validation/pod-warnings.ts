// What is suspicious about a Pod or a template, but accepted (job-spec 6).
import { allOf } from "../apimachinery/all-of.ts";
import { fieldPath, type FieldPath } from "../apimachinery/field-path.ts";
import { goQuote } from "../apimachinery/go-text.ts";
import { isDns1123Label } from "../apimachinery/name-rules.ts";
import { formatQuantity, parseQuantity } from "../apimachinery/quantity.ts";
import type { Container, ContainerPort, EnvVar } from "../schema/container.ts";
import type { Pod, PodSpec } from "../schema/pod.ts";
import type { Volume } from "../schema/volume.ts";

/** Warnings as the API's `Warning` headers carry them, in their order. */
export type Warnings = string[];

const nanoPerOne = 1_000_000_000n;

/** Volume types that Kubernetes no longer has, or will not have, by the name in the warning. */
const volumeNotes = [
  ["photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"],
  ["gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"],
  ["scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"],
  ["flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"],
  ["storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"],
  ["quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"],
  ["glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"],
  ["cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"],
  ["rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"],
] as const satisfies readonly (readonly [keyof Volume, string, string])[];

const volumeWarnings = (volumes: readonly Volume[], path: FieldPath): Warnings =>
  volumes.flatMap((volume, i) =>
    volumeNotes
      .filter(([field]) => volume[field] !== undefined)
      .map(([, name, note]) => `${path.index(i).child(name).toString()}: ${note}`),
  );

function pullSecretWarnings(spec: PodSpec, path: FieldPath): Warnings {
  const secrets = spec.imagePullSecrets ?? [];
  const names = secrets.map(({ name = "" }) => name);
  const warning = (i: number, text: string, name: string): string =>
    `${path.index(i).child("name").toString()}: ${text} ${goQuote(name)}`;
  return allOf(
    names.flatMap((name, i) =>
      names.indexOf(name) < i ? [warning(i, "duplicate name", name)] : [],
    ),
    names.flatMap((name, i) => (name === "" ? [warning(i, "invalid empty name", name)] : [])),
  );
}

const byteResources = ["memory", "ephemeral-storage"];

const fractionWarnings = (amounts: Record<string, string> | undefined, path: FieldPath): Warnings =>
  byteResources.flatMap((name) => {
    const text = amounts?.[name];
    if (text === undefined) return [];
    const quantity = parseQuantity(text);
    if (quantity.nano % nanoPerOne === 0n) return [];
    const shown = goQuote(formatQuantity(quantity));
    return [
      `${path.key(name).toString()}: fractional byte value ${shown} is invalid, must be an integer`,
    ];
  });

/** A later variable that builds on the earlier one of its name is meant so. */
function envWarnings(variables: readonly EnvVar[], path: FieldPath): Warnings {
  const names = new Set<string>();
  return variables.flatMap(({ name = "", value = "", valueFrom }, i) => {
    const known = names.has(name);
    names.add(name);
    const reference = `$(${name})`;
    const extended = valueFrom === undefined && value !== reference && value.includes(reference);
    if (!known || extended) return [];
    const hidden = `hides previous definition of ${goQuote(name)}`;
    return [`${path.index(i).toString()}: ${hidden}, which may be dropped when using apply`];
  });
}

interface PortPlace {
  readonly port: ContainerPort;
  readonly path: FieldPath;
}

const goPort = (port: ContainerPort): string =>
  `{Name:${port.name ?? ""} HostPort:${port.hostPort ?? 0} ` +
  `ContainerPort:${port.containerPort ?? 0} Protocol:${port.protocol ?? ""} ` +
  `HostIP:${port.hostIP ?? ""}}`;

function portClash(one: ContainerPort, other: ContainerPort): string | undefined {
  const [ip, otherIp] = [one.hostIP ?? "", other.hostIP ?? ""];
  const [port, otherPort] = [one.hostPort ?? 0, other.hostPort ?? 0];
  if (ip === otherIp && port === otherPort) return "duplicate";
  if (port === 0 || otherPort === 0) return "overlapping";
  return port === otherPort && (ip === "" || otherIp === "") ? "dangerously ambiguous" : undefined;
}

function portClashWarnings(places: readonly PortPlace[]): Warnings {
  const warnings: Warnings = [];
  const byPort = new Map<string, PortPlace[]>();
  for (const place of places) {
    const { port, path } = place;
    if (port.hostIP && !port.hostPort) {
      warnings.push(`${path.toString()}: hostIP set without hostPort: ${goPort(port)}`);
    }
    const key = `${port.containerPort ?? 0}/${port.protocol ?? ""}`;
    const others = byPort.get(key) ?? [];
    for (const other of others) {
      const clash = portClash(port, other.port);
      if (clash !== undefined)
        warnings.push(`${path.toString()}: ${clash} port definition with ${other.path.toString()}`);
    }
    byPort.set(key, [...others, place]);
  }
  return warnings;
}

function portNameWarnings(places: readonly PortPlace[]): Warnings {
  const warnings: Warnings = [];
  const byName = new Map<string, FieldPath>();
  for (const { port, path } of places) {
    if (!port.name) continue;
    const other = byName.get(port.name);
    if (other === undefined) byName.set(port.name, path);
    else {
      const at = other.toString();
      const consequence = `services and probes that select ports by name will use ${at}`;
      warnings.push(
        `${path.toString()}: duplicate port name ${goQuote(port.name)} with ${at}, ${consequence}`,
      );
    }
  }
  return warnings;
}

const containerWarnings = (container: Container, path: FieldPath): Warnings =>
  allOf(
    fractionWarnings(container.resources?.limits, path.child("resources", "limits")),
    fractionWarnings(container.resources?.requests, path.child("resources", "requests")),
    envWarnings(container.env ?? [], path.child("env")),
  );

interface ContainerPlace {
  readonly container: Container;
  readonly at: FieldPath;
}

const portsOf = (containers: readonly ContainerPlace[]): PortPlace[] =>
  containers.flatMap(({ container, at }) =>
    (container.ports ?? []).map((port, i) => ({ port, path: at.child("ports").index(i) })),
  );

/** `path`: of the spec. */
export function podSpecWarnings(spec: PodSpec, path: FieldPath): Warnings {
  const placed = (list: "initContainers" | "containers"): ContainerPlace[] =>
    (spec[list] ?? []).map((container, i) => ({ container, at: path.child(list).index(i) }));
  const initial = placed("initContainers");
  const regular = placed("containers");
  const sidecars = initial.filter(({ container }) => container.restartPolicy === "Always");
  const warnings = allOf(
    volumeWarnings(spec.volumes ?? [], path.child("volumes")),
    pullSecretWarnings(spec, path.child("imagePullSecrets")),
    fractionWarnings(spec.overhead, path.child("overhead")),
    allOf(initial, regular).flatMap(({ container, at }) => containerWarnings(container, at)),
    portClashWarnings(portsOf(allOf(initial, regular))),
    portNameWarnings(portsOf(allOf(sidecars, regular))),
  );
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    const at = path.child("terminationGracePeriodSeconds");
    warnings.push(
      `${at.toString()}: must be >= 0; negative values are invalid and will be treated as 1`,
    );
  }
  return warnings;
}

/** Of a Pod at creation. */
export function podWarnings(pod: Pod): Warnings {
  const messages = isDns1123Label(pod.metadata?.name ?? "");
  const nameWarnings =
    messages.length === 0
      ? []
      : [
          "metadata.name: this is used in the Pod's hostname, which can result in surprising " +
            `behavior; a DNS label is recommended: [${messages.join(" ")}]`,
        ];
  return allOf(nameWarnings, podSpecWarnings(pod.spec ?? {}, fieldPath("spec")));
}
