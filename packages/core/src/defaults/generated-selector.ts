// The selector and labels that tie a Job to its Pods (job-spec 4, S1 to S3).
import { blank } from "../apimachinery/blank.ts";
import { JOB_NAME_LABEL } from "../pod-labels.ts";
import type { Job } from "../schema/batch.ts";

export const controllerUidLabel = "batch.kubernetes.io/controller-uid";
/** The two without prefix, from before Kubernetes 1.27; still set and required. */
export const legacyJobNameLabel = "job-name";
export const legacyControllerUidLabel = "controller-uid";

/** S1: the four labels of a Job's Pods. */
export const generatedLabels = (name: string, uid: string): Record<string, string> => ({
  [legacyControllerUidLabel]: uid,
  [legacyJobNameLabel]: name,
  [controllerUidLabel]: uid,
  [JOB_NAME_LABEL]: name,
});

/**
 * S1, S3: adds to a defaulted Job what is missing, unless it selects by itself. What conflicts
 * stays, for validation to refuse (S2). Labels shared with the template stay shared (M9).
 */
export function generateSelector<T extends Job>(job: T, uid: string): T {
  const { spec, metadata } = job;
  if (spec?.manualSelector === true) return job;
  const template = spec?.template;
  const templateLabels = template?.metadata?.labels;
  const labels = { ...blank, ...generatedLabels(metadata?.name ?? "", uid), ...templateLabels };
  const shared = metadata?.labels !== undefined && metadata.labels === templateLabels;
  return {
    ...blank,
    ...job,
    ...(shared && { metadata: { ...blank, ...metadata, labels } }),
    spec: {
      ...blank,
      ...spec,
      selector: {
        ...blank,
        ...spec?.selector,
        matchLabels: { [controllerUidLabel]: uid, ...spec?.selector?.matchLabels },
      },
      template: { ...blank, ...template, metadata: { ...blank, ...template?.metadata, labels } },
    },
  };
}
