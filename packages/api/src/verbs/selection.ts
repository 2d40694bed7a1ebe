// Which objects a list, watch or deletecollection is about: its namespace and selectors.
import {
  type FieldSelector,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
  type ParsedLabelSelector,
  requiredFieldValue,
} from "@gantry/core";
import type { Strategy, ApiObject } from "../registry/strategy.ts";
import { nameOf, namespaceOf } from "../registry/strategy.ts";

export interface Selection {
  /** `undefined`: all namespaces, or a kind without them. */
  readonly namespace: string | undefined;
  readonly labels: ParsedLabelSelector;
  readonly fields: FieldSelector;
  /** Name that every match has. */
  readonly name: string | undefined;
  /** The Job (by its name) to which a label selector pins Pods. */
  readonly jobName: string | undefined;
  /** Everything matches. */
  readonly all: boolean;
}

const jobLabels: ReadonlySet<string> = new Set(["job-name", "batch.kubernetes.io/job-name"]);

const pinnedJob = (labels: ParsedLabelSelector): string | undefined => {
  const pin = labels.find(
    ({ key, operator, values }) =>
      jobLabels.has(key) &&
      (operator === "=" || operator === "==" || operator === "in") &&
      values.length === 1,
  );
  return pin?.values[0];
};

export const selectionOf = (
  strategy: Strategy,
  namespace: string | undefined,
  selectors: { readonly labelSelector: string; readonly fieldSelector: string },
): Selection => {
  const labels = parseLabelSelector(selectors.labelSelector);
  const fields = parseFieldSelector(
    selectors.fieldSelector,
    strategy.kind,
    strategy.selectableFields,
  );
  return {
    namespace: namespace ?? requiredFieldValue(fields, "metadata.namespace"),
    labels,
    fields,
    name: requiredFieldValue(fields, "metadata.name"),
    jobName: strategy.resource === "pods" ? pinnedJob(labels) : undefined,
    all: labels.length === 0 && fields.length === 0,
  };
};

export const fieldText = (strategy: Strategy, object: ApiObject, field: string): string => {
  if (field === "metadata.name") return nameOf(object);
  if (field === "metadata.namespace") return namespaceOf(object);
  return strategy.field(object, field);
};

export const selects = (strategy: Strategy, selection: Selection, object: ApiObject): boolean =>
  selection.all ||
  (matchesLabels(selection.labels, object.metadata?.labels) &&
    matchesFields(selection.fields, (field) => fieldText(strategy, object, field)));
