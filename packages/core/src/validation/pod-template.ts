// Pod specs, of templates and of Pods, and the template around them (job-spec 6).
import { allOf } from "../apimachinery/all-of.ts";
import { type FieldErrors, forbidden } from "../apimachinery/field-error.ts";
import type { FieldPath } from "../apimachinery/field-path.ts";
import { validateLabels } from "../apimachinery/label-selector.ts";
import { isDns1123Label, isDns1123Subdomain } from "../apimachinery/name-rules.ts";
import { validateAnnotations } from "../apimachinery/object-meta.ts";
import type { PodSpec, PodTemplateSpec } from "../schema/pod.ts";
import { namedIfSet, oneOf, requiredOneOf } from "./checks.ts";
import { type ContainerContext, validateContainers, validateInitContainers } from "./container.ts";
import {
  validateAffinity,
  validatePodDeadline,
  validateSchedulingGates,
  validateSpreading,
  validateTolerations,
} from "./scheduling.ts";
import { validatePodSecurityContext } from "./security-context.ts";
import { validateVolumes } from "./volume.ts";

const restartPolicies = ["Always", "OnFailure", "Never"];
const dnsPolicies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None", ""];

const validateNames = (spec: PodSpec, path: FieldPath): FieldErrors =>
  allOf(
    namedIfSet(spec.serviceAccountName, isDns1123Subdomain, path.child("serviceAccountName")),
    namedIfSet(spec.nodeName, isDns1123Subdomain, path.child("nodeName")),
    validatePodDeadline(spec.activeDeadlineSeconds, path.child("activeDeadlineSeconds")),
    namedIfSet(spec.hostname, isDns1123Label, path.child("hostname")),
    namedIfSet(spec.subdomain, isDns1123Label, path.child("subdomain")),
    validateTolerations(spec.tolerations ?? [], path.child("tolerations")),
    namedIfSet(spec.priorityClassName, isDns1123Subdomain, path.child("priorityClassName")),
    namedIfSet(spec.runtimeClassName, isDns1123Subdomain, path.child("runtimeClassName")),
    spec.os === undefined
      ? []
      : requiredOneOf(spec.os.name, ["linux", "windows"], path.child("os", "name")),
  );

/** Expects a defaulted spec. */
export function validatePodSpec(spec: PodSpec, path: FieldPath): FieldErrors {
  const { containers = [], initContainers = [], volumes = [] } = spec;
  const { errors, names } = validateVolumes(volumes, path.child("volumes"));
  const context: ContainerContext = {
    volumeNames: names,
    graceSeconds: spec.terminationGracePeriodSeconds ?? 0,
  };
  const initPath = path.child("initContainers");
  return allOf(
    errors,
    validateContainers(containers, context, path.child("containers")),
    validateInitContainers(initContainers, containers, context, initPath),
    requiredOneOf(spec.restartPolicy, restartPolicies, path.child("restartPolicy")),
    oneOf(spec.dnsPolicy, dnsPolicies, path.child("dnsPolicy")),
    validateLabels(spec.nodeSelector, path.child("nodeSelector")),
    validatePodSecurityContext(spec.securityContext, path.child("securityContext")),
    validateAffinity(spec.affinity, path.child("affinity")),
    validateSchedulingGates(spec.schedulingGates ?? [], path.child("schedulingGates")),
    validateSpreading(
      spec.topologySpreadConstraints ?? [],
      path.child("topologySpreadConstraints"),
    ),
    validateNames(spec, path),
  );
}

/** Labels and annotations are reported without `metadata` in the path, as Kubernetes does. */
export function validatePodTemplate(template: PodTemplateSpec, path: FieldPath): FieldErrors {
  const errors = allOf(
    validateLabels(template.metadata?.labels, path.child("labels")),
    validateAnnotations(template.metadata?.annotations, path.child("annotations")),
    validatePodSpec(template.spec ?? {}, path.child("spec")),
  );
  if ((template.spec?.ephemeralContainers ?? []).length > 0) {
    const at = path.child("spec", "ephemeralContainers");
    errors.push(forbidden(at, "ephemeral containers not allowed in pod template"));
  }
  return errors;
}
