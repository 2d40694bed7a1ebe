// Printer columns of Nodes (workers), their Leases, and Namespaces.
import type { Namespace } from "../schema/namespace.ts";
import type { Node } from "../schema/node.ts";
import type { ObjectMeta } from "../schema/meta.ts";
import { age } from "./age.ts";
import { ageColumn, column, nameColumn, NONE, wideColumn } from "./column.ts";
import type { Printer } from "./column.ts";

const UNKNOWN = "<unknown>";
const ROLE_PREFIX = "node-role.kubernetes.io/";
const ROLE_LABEL = "kubernetes.io/role";

function nodeStatus({ spec, status }: Node): string {
  const ready = status?.conditions?.find((condition) => condition.type === "Ready");
  let text = "Unknown";
  if (ready !== undefined) text = ready.status === "True" ? "Ready" : "NotReady";
  return spec?.unschedulable === true ? `${text},SchedulingDisabled` : text;
}

function nodeRoles({ metadata }: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(metadata?.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX)) roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === ROLE_LABEL) roles.add(value);
  }
  roles.delete("");
  return roles.size === 0 ? NONE : [...roles].toSorted().join(",");
}

const address = ({ status }: Node, type: string): string =>
  status?.addresses?.find((candidate) => candidate.type === type)?.address ?? NONE;

function kernel({ status }: Node): string {
  const { kernelVersion, architecture } = status?.nodeInfo ?? {};
  if (!kernelVersion) return UNKNOWN;
  return architecture ? `${kernelVersion} (${architecture})` : kernelVersion;
}

export const nodePrinter: Printer<Node> = {
  columns: [
    nameColumn,
    column("Status", "Whether the worker is ready and takes Pods."),
    column("Roles", "Roles of the worker."),
    ageColumn,
    column("Version", "Version of the worker."),
    wideColumn("Internal-IP", "Address within the network of the workers."),
    wideColumn("External-IP", "Address from outside."),
    wideColumn("OS-Image", "Operating system of the worker."),
    wideColumn("Kernel-Version", "Kernel of the worker and its architecture."),
    wideColumn("Container-Runtime", "What runs the Pods, and its version."),
  ],
  cells: (node, nowMs) => [
    node.metadata?.name ?? "",
    nodeStatus(node),
    nodeRoles(node),
    age(node.metadata?.creationTimestamp, nowMs),
    node.status?.nodeInfo?.kubeletVersion ?? "",
    address(node, "InternalIP"),
    address(node, "ExternalIP"),
    node.status?.nodeInfo?.osImage || UNKNOWN,
    kernel(node),
    node.status?.nodeInfo?.containerRuntimeVersion || UNKNOWN,
  ],
};

export const namespacePrinter: Printer<Namespace> = {
  columns: [nameColumn, column("Status", "Active or Terminating."), ageColumn],
  cells: ({ metadata, status }, nowMs) => [
    metadata?.name ?? "",
    status?.phase ?? "",
    age(metadata?.creationTimestamp, nowMs),
  ],
};

/** The part of a Lease that is shown. */
export interface PrintedLease {
  readonly metadata?: ObjectMeta | undefined;
  readonly spec?: { readonly holderIdentity?: string | undefined } | undefined;
}

export const leasePrinter: Printer<PrintedLease> = {
  columns: [nameColumn, column("Holder", "Who holds the lease."), ageColumn],
  cells: ({ metadata, spec }, nowMs) => [
    metadata?.name ?? "",
    spec?.holderIdentity ?? "",
    age(metadata?.creationTimestamp, nowMs),
  ],
};
