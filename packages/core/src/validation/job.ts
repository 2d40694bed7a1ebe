// Jobs at creation and at update (job-spec 2 M3, 3, 4, 7).
import { allOf } from "../apimachinery/all-of.ts";
import { type FieldErrors, invalid } from "../apimachinery/field-error.ts";
import { fieldPath } from "../apimachinery/field-path.ts";
import { isDns1123Label, isDns1123Subdomain } from "../apimachinery/name-rules.ts";
import { validateObjectMeta, validateObjectMetaUpdate } from "../apimachinery/object-meta.ts";
import type { Job, JobSpec } from "../schema/batch.ts";
import { unchanged } from "./checks.ts";
import { hasPrefixedLabels, validateGeneratedSelector, validateSelector } from "./job-selector.ts";
import { validateJobSpecFields } from "./job-spec.ts";
import { validateTemplateUpdate } from "./job-template-update.ts";
import { podFailurePolicyValue } from "./pod-failure-policy.ts";
import { successPolicyValue } from "./success-policy.ts";

const specPath = fieldPath("spec");

/** M3: the last index's Pod must have a host name. */
function validateIndexedName(job: Job): FieldErrors {
  const { completionMode, completions = 0 } = job.spec ?? {};
  if (completionMode !== "Indexed" || completions <= 0) return [];
  const name = job.metadata?.name ?? "";
  const hostname = `${name}-${completions - 1}`;
  if (isDns1123Label(hostname).length === 0) return [];
  const detail = `will not able to create pod with invalid DNS label: ${hostname}`;
  return [invalid("metadata.name", name, detail)];
}

function validateJob(job: Job, prefixedLabels: boolean): FieldErrors {
  const spec = job.spec ?? {};
  return allOf(
    validateObjectMeta(job.metadata, {
      namespaced: true,
      nameRule: isDns1123Subdomain,
      path: fieldPath("metadata"),
    }),
    validateGeneratedSelector(job, prefixedLabels),
    validateJobSpecFields(spec, specPath),
    validateSelector(spec, specPath),
    validateIndexedName(job),
  );
}

/** Expects a defaulted Job with its uid and its generated selector. */
export const validateJobCreate = (job: Job): FieldErrors => validateJob(job, true);

function validateCompletionsUpdate(next: JobSpec, old: JobSpec): FieldErrors {
  const path = specPath.child("completions");
  if (next.completionMode !== "Indexed") {
    return unchanged(next.completions, old.completions, path);
  }
  const { completions, parallelism } = next;
  // That an Indexed Job has completions is checked with the spec.
  if (completions === undefined || completions === old.completions) return [];
  const detail = "can only be modified in tandem with spec.parallelism";
  return completions === parallelism ? [] : [invalid(path, completions, detail)];
}

const shown = <T>(value: T | undefined, render: (value: T) => unknown): unknown =>
  value === undefined ? undefined : render(value);

function validateSpecUpdate(next: Job, old: Job): FieldErrors {
  const spec = next.spec ?? {};
  const oldSpec = old.spec ?? {};
  const same = (field: keyof JobSpec): FieldErrors =>
    unchanged(spec[field], oldSpec[field], specPath.child(field));
  return allOf(
    validateCompletionsUpdate(spec, oldSpec),
    same("selector"),
    validateTemplateUpdate(next, old, specPath.child("template")),
    same("completionMode"),
    unchanged(
      shown(spec.podFailurePolicy, podFailurePolicyValue),
      shown(oldSpec.podFailurePolicy, podFailurePolicyValue),
      specPath.child("podFailurePolicy"),
    ),
    same("backoffLimitPerIndex"),
    same("managedBy"),
    unchanged(
      shown(spec.successPolicy, successPolicyValue),
      shown(oldSpec.successPolicy, successPolicyValue),
      specPath.child("successPolicy"),
    ),
  );
}

/** Expects both defaulted. Rules of the spec alone are reported once (E3). */
export const validateJobUpdate = (next: Job, old: Job): FieldErrors =>
  allOf(
    validateJob(next, hasPrefixedLabels(old)),
    validateObjectMetaUpdate(next.metadata, old.metadata, fieldPath("metadata")),
    validateSpecUpdate(next, old),
  );
