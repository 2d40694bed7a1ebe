// A Pod that leaves its Job (R9, R79): it keeps all it had, and derives from the template no more.
import type { PodRecord } from "./pod-record.ts";
import { derivedAnnotations, derivedLabels } from "./pod-render.ts";
import { prefixOfName, renderPodSpec } from "./pod-spec-render.ts";
import type { PodTemplateSpec } from "./schema/pod.ts";

/** The labels that selectors see. */
export const podLabels = (
  record: PodRecord,
  template: PodTemplateSpec | undefined,
): Readonly<Record<string, string>> => record.meta?.labels ?? derivedLabels(record, template);

/** The annotations that clients and runtimes see. */
export const podAnnotations = (
  record: PodRecord,
  template: PodTemplateSpec | undefined,
): Readonly<Record<string, string>> =>
  record.meta?.annotations ?? derivedAnnotations(record, template);

export const releasePod = (
  record: PodRecord,
  jobTemplate: PodTemplateSpec | undefined,
): PodRecord => {
  // One that was adopted never derived from it, and must not get its labels by leaving.
  const template = record.template === undefined ? undefined : jobTemplate;
  return {
    ...record,
    job: undefined,
    template: undefined,
    tracked: false,
    spec: renderPodSpec(record, template),
    meta: {
      ...record.meta,
      labels: podLabels(record, template),
      annotations: podAnnotations(record, template),
      generateName:
        record.meta?.generateName ??
        (record.template === undefined ? undefined : prefixOfName(record.name)),
    },
  };
};
