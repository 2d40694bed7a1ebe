// Which changes of a Job's Pod template are allowed (job-spec 7.1).
import { type FieldErrors, immutableDetail, invalid } from "../apimachinery/field-error.ts";
import type { FieldPath } from "../apimachinery/field-path.ts";
import { conditionTrue } from "../job.ts";
import type { Job } from "../schema/batch.ts";
import type { Container } from "../schema/container.ts";
import type { Affinity } from "../schema/placement.ts";
import type { PodSpec } from "../schema/pod.ts";
import { semanticEqual } from "./semantic-equal.ts";

/** Suspended, and nothing of it runs or is still to be stopped. */
function isOpen(old: Job): boolean {
  if (old.spec?.suspend !== true || (old.status?.active ?? 0) !== 0) return false;
  return old.status?.startTime === undefined || conditionTrue(old.status.conditions, "Suspended");
}

/** Resources may change where position and name are the same. */
const withResourcesOf = (
  old: readonly Container[] | undefined,
  next: readonly Container[] | undefined,
): Container[] | undefined =>
  old?.map((container, i) => {
    const other = next?.[i];
    return other === undefined || other.name !== container.name
      ? container
      : { ...container, resources: other.resources };
  });

const isBare = (affinity: Affinity): boolean =>
  affinity.podAffinity === undefined && affinity.podAntiAffinity === undefined;

/** The old affinity with the new node affinity; dropped whole only if it held nothing else. */
function affinityOf(old: Affinity | undefined, next: Affinity | undefined): Affinity | undefined {
  if (next !== undefined) return { ...old, nodeAffinity: next.nodeAffinity };
  if (old === undefined || isBare(old)) return undefined;
  return { ...old, nodeAffinity: undefined };
}

/** The old spec with all allowed changes made. */
const withAllowedChanges = (old: PodSpec, next: PodSpec): PodSpec => ({
  ...old,
  nodeSelector: next.nodeSelector,
  tolerations: next.tolerations,
  schedulingGates: next.schedulingGates,
  affinity: affinityOf(old.affinity, next.affinity),
  containers: withResourcesOf(old.containers, next.containers),
  initContainers: withResourcesOf(old.initContainers, next.initContainers),
});

/** The rendered value is the new template as JSON; clients must not depend on its form (E5). */
export function validateTemplateUpdate(next: Job, old: Job, path: FieldPath): FieldErrors {
  const template = next.spec?.template ?? {};
  const oldTemplate = old.spec?.template ?? {};
  if (!isOpen(old)) {
    return semanticEqual(template, oldTemplate) ? [] : [invalid(path, template, immutableDetail)];
  }
  const spec = template.spec ?? {};
  return semanticEqual(spec, withAllowedChanges(oldTemplate.spec ?? {}, spec))
    ? []
    : [invalid(path.child("spec"), spec, immutableDetail)];
}
