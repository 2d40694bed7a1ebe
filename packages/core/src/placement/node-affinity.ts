// Whether a node is among those that a Pod's nodeSelector and required node affinity name.
import type { PodSpec } from "../schema/pod.ts";

type NodeAffinity = NonNullable<NonNullable<PodSpec["affinity"]>["nodeAffinity"]>;
type NodeSelector = NonNullable<NodeAffinity["requiredDuringSchedulingIgnoredDuringExecution"]>;
type NodeSelectorTerm = NonNullable<NodeSelector["nodeSelectorTerms"]>[number];
type Requirement = NonNullable<NodeSelectorTerm["matchExpressions"]>[number];
type Values = Readonly<Record<string, string>>;

const integer = (text: string | undefined): bigint | undefined =>
  text !== undefined && /^[+-]?\d{1,19}$/.test(text) ? BigInt(text) : undefined;

const compares = (actual: string | undefined, wanted: string | undefined): number | undefined => {
  const [a, b] = [integer(actual), integer(wanted)];
  if (a === undefined || b === undefined) return undefined;
  return a < b ? -1 : a > b ? 1 : 0;
};

function meets({ key = "", operator, values = [] }: Requirement, of: Values): boolean {
  const actual = Object.hasOwn(of, key) ? of[key] : undefined;
  switch (operator) {
    case "In":
      return actual !== undefined && values.includes(actual);
    case "NotIn":
      return actual === undefined || !values.includes(actual);
    case "Exists":
      return actual !== undefined;
    case "DoesNotExist":
      return actual === undefined;
    case "Gt":
      return compares(actual, values[0]) === 1;
    case "Lt":
      return compares(actual, values[0]) === -1;
    case undefined:
    default:
      return false;
  }
}

/** A term without any requirement matches no node. */
function matchesTerm(term: NodeSelectorTerm, name: string, labels: Values): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((requirement) => meets(requirement, labels)) &&
    matchFields.every((requirement) => meets(requirement, { "metadata.name": name }))
  );
}

/** True for a Pod that names no nodes. Preferences decide nothing: whoever is free takes a Pod. */
export function matchesNode(spec: PodSpec, node: { name: string; labels: Values }): boolean {
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {})) {
    if (!Object.hasOwn(node.labels, key) || node.labels[key] !== value) return false;
  }
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined) return true;
  return (required.nodeSelectorTerms ?? []).some((term) =>
    matchesTerm(term, node.name, node.labels),
  );
}
