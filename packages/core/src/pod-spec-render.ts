// The spec of a Pod as the API shows it: its own, or its Job's template and what a Pod adds.
import { blank } from "./apimachinery/blank.ts";
import { admitPod, defaultPod } from "./defaults/pod.ts";
import { COMPLETION_INDEX, COMPLETION_INDEX_ENV, JOB_NAME_LABEL } from "./pod-labels.ts";
import type { PodRecord } from "./pod-record.ts";
import type { Container } from "./schema/container.ts";
import type { PodSpec, PodTemplateSpec } from "./schema/pod.ts";

/** Random characters at the end of a generated name (R56). */
const SUFFIX_LENGTH = 5;

/** What `name` was generated from. */
export const prefixOfName = (name: string): string => name.slice(0, -SUFFIX_LENGTH);

/**
 * The Job that the template is of. A released Pod has no owner any more but keeps its hostname;
 * under manualSelector the template has no such label, and the Pod's own name must do.
 */
function jobNameOf(record: PodRecord, template: PodTemplateSpec, index: number): string {
  const name = record.job?.name ?? template.metadata?.labels?.[JOB_NAME_LABEL];
  return name ?? prefixOfName(record.name).slice(0, -`-${index}-`.length);
}

/** R55: every container without a variable of that name gets the index. */
function withIndexEnv(container: Container): Container {
  if (container.env?.some(({ name }) => name === COMPLETION_INDEX_ENV)) return container;
  const fieldPath = `metadata.labels['${COMPLETION_INDEX}']`;
  const variable = {
    name: COMPLETION_INDEX_ENV,
    valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } },
  };
  return { ...blank, ...container, env: [...(container.env ?? []), variable] };
}

/** What all Pods of a template have in common, worked out once for each template in memory. */
const completed = new WeakMap<PodTemplateSpec, PodSpec>();

function completedSpec(template: PodTemplateSpec): PodSpec {
  const known = completed.get(template);
  if (known !== undefined) return known;
  // Where a Pod is bound, its record says.
  const { nodeName: _node, ...spec } =
    admitPod(defaultPod({ spec: template.spec ?? {} })).spec ?? {};
  completed.set(template, spec);
  return spec;
}

function specFromTemplate(record: PodRecord, template: PodTemplateSpec): PodSpec {
  const spec = completedSpec(template);
  const { index } = record;
  if (index === undefined) return spec;
  return {
    ...blank,
    ...spec,
    ...(spec.initContainers && { initContainers: spec.initContainers.map(withIndexEnv) }),
    ...(spec.containers && { containers: spec.containers.map(withIndexEnv) }),
    hostname: `${jobNameOf(record, template, index)}-${index}`,
  };
}

/** `template` is that of `record.template`; a Pod with a spec of its own needs none. */
export function renderPodSpec(record: PodRecord, template: PodTemplateSpec | undefined): PodSpec {
  const spec = record.spec ?? specFromTemplate(record, template ?? {});
  return record.node === undefined ? spec : { ...blank, ...spec, nodeName: record.node };
}
