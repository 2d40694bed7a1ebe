// Selector and generated labels of a Job (job-spec 4, S2 to S5).
import { type FieldErrors, invalid, required } from "../apimachinery/field-error.ts";
import { fieldPath, type FieldPath } from "../apimachinery/field-path.ts";
import {
  matchesLabels,
  selectorFromObject,
  validateLabelSelector,
} from "../apimachinery/label-selector.ts";
import {
  controllerUidLabel,
  legacyControllerUidLabel,
  legacyJobNameLabel,
} from "../defaults/generated-selector.ts";
import { JOB_NAME_LABEL } from "../pod-labels.ts";
import type { Job, JobSpec } from "../schema/batch.ts";

/** S5: a Job stored before the prefixed labels came needs only the legacy ones. */
export const hasPrefixedLabels = (job: Job): boolean => {
  const labels = job.spec?.template?.metadata?.labels ?? {};
  return controllerUidLabel in labels && JOB_NAME_LABEL in labels;
};

/** S2 */
export function validateGeneratedSelector(job: Job, prefixed: boolean): FieldErrors {
  const { spec, metadata } = job;
  if (spec?.manualSelector === true || spec?.selector === undefined) return [];
  const name = metadata?.name ?? "";
  const uid = metadata?.uid ?? "";
  const errors: FieldErrors = uid === "" ? [required("metadata.uid")] : [];
  const expected: Record<string, string> = {
    [legacyControllerUidLabel]: uid,
    [legacyJobNameLabel]: name,
    ...(prefixed && { [controllerUidLabel]: uid, [JOB_NAME_LABEL]: name }),
  };
  const labels = spec.template?.metadata?.labels;
  const path = fieldPath("spec", "template", "metadata", "labels");
  for (const [key, value] of Object.entries(expected)) {
    const actual = labels?.[key];
    const detail = `must be '${value}'`;
    if (actual === undefined) errors.push(required(path.key(key), detail));
    else if (actual !== value) errors.push(invalid(path.key(key), labels, detail));
  }
  const selector = selectorFromObject(spec.selector);
  if (selector !== undefined && !matchesLabels(selector, expected)) {
    errors.push(invalid("spec.selector", spec.selector, "`selector` not auto-generated"));
  }
  return errors;
}

/** S3, S4 */
export function validateSelector(spec: JobSpec, path: FieldPath): FieldErrors {
  const { selector } = spec;
  const labels = spec.template?.metadata?.labels;
  const errors =
    selector === undefined
      ? [required(path.child("selector"))]
      : validateLabelSelector(selector, path.child("selector"));
  const parsed = selectorFromObject(selector);
  const malformed = selector !== undefined && parsed === undefined;
  if (!malformed && !matchesLabels(parsed, labels)) {
    const at = path.child("template", "metadata").child("labels");
    const detail = "`selector` does not match template `labels`";
    errors.push(invalid(at, labels ?? null, detail));
  }
  return errors;
}
