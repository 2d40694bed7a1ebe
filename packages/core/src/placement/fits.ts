// Whether a Pod may run on a node, and if not, why, in kube-scheduler's words.
import type { Node } from "../schema/node.ts";
import type { PodSpec } from "../schema/pod.ts";
import { matchesNode } from "./node-affinity.ts";
import { type Amounts, amountsOf, podRequests, PODS } from "./requests.ts";
import { type Taint, untolerated } from "./taints.ts";

/** A node as placement sees it. */
export interface PlacementNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** Cordoned. */
  readonly unschedulable: boolean;
  readonly allocatable: Amounts;
  /** Runtimes that it offers; absent where that is not known. */
  readonly runtimes?: readonly string[];
}

export type Fit =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reasons: readonly string[];
      /** It would not fit if no other Pod ran there either. */
      readonly lasting: boolean;
    };

/** The annotation by which a worker's Node tells its runtimes. */
export const RUNTIMES_ANNOTATION = "gantry.dev/runtimes";

const UNSCHEDULABLE: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };

const NO_MATCH = "node(s) didn't match Pod's node affinity/selector";

const fitting: Fit = { ok: true };

const lasting = (reason: string): Fit => ({ ok: false, reasons: [reason], lasting: true });

/** The node is not Ready: what the node controller taints it with. */
const notReadyTaint = (node: Node): Taint[] => {
  const ready = node.status?.conditions?.find(({ type }) => type === "Ready")?.status;
  if (ready === "True" || ready === undefined) return [];
  const key = ready === "Unknown" ? "unreachable" : "not-ready";
  return [{ key: `node.kubernetes.io/${key}`, effect: "NoSchedule" }];
};

export function placementNode(node: Node): PlacementNode {
  const runtimes = node.metadata?.annotations?.[RUNTIMES_ANNOTATION];
  return {
    name: node.metadata?.name ?? "",
    labels: node.metadata?.labels ?? {},
    taints: [...(node.spec?.taints ?? []), ...notReadyTaint(node)],
    unschedulable: node.spec?.unschedulable === true,
    allocatable: amountsOf(node.status?.allocatable),
    ...(runtimes !== undefined && { runtimes: runtimes.split(",") }),
  };
}

/** Why the Pod may never run there as things are, whatever room there is. */
function constraint(spec: PodSpec, node: PlacementNode): string | undefined {
  const tolerations = spec.tolerations ?? [];
  if (node.unschedulable && untolerated([UNSCHEDULABLE], tolerations) !== undefined) {
    return "node(s) were unschedulable";
  }
  const taint = untolerated(node.taints, tolerations);
  if (taint !== undefined) {
    return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`;
  }
  if (!matchesNode(spec, node)) return NO_MATCH;
  const runtime = spec.runtimeClassName;
  if (runtime !== undefined && node.runtimes?.includes(runtime) === false) return NO_MATCH;
  return undefined;
}

/** Places first, then the resources in kube-scheduler's order. */
const inOrder = (requests: Amounts): string[] => {
  const usual = [PODS, "cpu", "memory", "ephemeral-storage"];
  const others = [...requests.keys()].filter((name) => !usual.includes(name));
  return [...usual, ...others.toSorted()];
};

const shortage = (name: string): string =>
  name === PODS ? "Too many pods" : `Insufficient ${name}`;

/** What of `requests` is not free. */
function roomReasons(requests: Amounts, allocatable: Amounts, used: Amounts): string[] {
  return inOrder(requests).flatMap((name) => {
    const wanted = requests.get(name) ?? 0n;
    const free = (allocatable.get(name) ?? 0n) - (used.get(name) ?? 0n);
    return wanted > 0n && wanted > free ? [shortage(name)] : [];
  });
}

const nothing: Amounts = new Map();

function isFree(requests: Amounts, allocatable: Amounts, used: Amounts): boolean {
  for (const [name, wanted] of requests) {
    const free = (allocatable.get(name) ?? 0n) - (used.get(name) ?? 0n);
    if (wanted > 0n && wanted > free) return false;
  }
  return true;
}

/** Whether `requests` are free on a node of which `used` is taken. */
export function hasRoom(requests: Amounts, allocatable: Amounts, used: Amounts): Fit {
  if (isFree(requests, allocatable, used)) return fitting;
  const reasons = roomReasons(requests, allocatable, used);
  return { ok: false, reasons, lasting: roomReasons(requests, allocatable, nothing).length > 0 };
}

/** Whether the Pod may run on the node beside what `used` says is requested there. */
export function fits(
  spec: PodSpec,
  node: PlacementNode,
  used: Amounts = nothing,
  requests: Amounts = podRequests(spec),
): Fit {
  const reason = constraint(spec, node);
  return reason === undefined ? hasRoom(requests, node.allocatable, used) : lasting(reason);
}
