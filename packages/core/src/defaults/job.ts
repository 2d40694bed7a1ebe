// Defaults of Jobs (job-spec 2 M9, 3).
import { blank } from "../apimachinery/blank.ts";
import type { Job, JobSpec, PodFailurePolicy } from "../schema/batch.ts";
import type { PodTemplateSpec } from "../schema/pod.ts";
import { defaultPodTemplate } from "./pod.ts";

const defaultBackoffLimit = 6;
/** backoffLimit where failures are limited per index: none. */
const unlimitedBackoff = 2147483647;

type Present<T, K extends keyof T> = T & { [P in K]-?: NonNullable<T[P]> };
export type DefaultedJob = Omit<Job, "spec"> &
  Present<Pick<Job, "metadata" | "status">, "metadata" | "status"> & {
    spec: Present<
      JobSpec,
      | "parallelism"
      | "backoffLimit"
      | "completionMode"
      | "suspend"
      | "manualSelector"
      | "podReplacementPolicy"
      | "template"
    >;
  };

const defaultPodFailurePolicy = (policy: PodFailurePolicy): PodFailurePolicy => ({
  ...blank,
  ...policy,
  ...(policy.rules && {
    rules: policy.rules.map((rule) =>
      rule.onPodConditions === undefined
        ? rule
        : {
            ...blank,
            ...rule,
            onPodConditions: rule.onPodConditions.map((pattern) => ({
              ...blank,
              ...pattern,
              status: pattern.status || "True",
            })),
          },
    ),
  }),
});

/** The defaults that also a CronJob's template gets: of the Pod template and of conditions. */
export function defaultJobTemplateSpec(
  spec: JobSpec | undefined,
): JobSpec & { template: PodTemplateSpec } {
  const { podFailurePolicy } = spec ?? {};
  return {
    ...blank,
    ...spec,
    ...(podFailurePolicy && { podFailurePolicy: defaultPodFailurePolicy(podFailurePolicy) }),
    template: defaultPodTemplate(spec?.template),
  };
}

/**
 * Idempotent; made on every write and on every read (M9). Throws QuantityError.
 *
 * A Job without labels shares its template's: the very same object, by which `generateSelector`
 * knows to add the generated labels to both.
 */
export function defaultJob(job: Job): DefaultedJob {
  const spec = defaultJobTemplateSpec(job.spec);
  const { parallelism, completions } = spec;
  const labels = job.metadata?.labels;
  const shared = spec.template.metadata?.labels;
  const unlabelled = labels === undefined || Object.keys(labels).length === 0;
  return {
    ...blank,
    ...job,
    metadata: {
      ...blank,
      ...job.metadata,
      ...(unlabelled && shared !== undefined && { labels: shared }),
    },
    spec: {
      ...blank,
      ...spec,
      ...(parallelism === undefined && completions === undefined && { completions: 1 }),
      parallelism: parallelism ?? 1,
      backoffLimit:
        spec.backoffLimit ??
        (spec.backoffLimitPerIndex === undefined ? defaultBackoffLimit : unlimitedBackoff),
      manualSelector: spec.manualSelector ?? false,
      completionMode: spec.completionMode ?? "NonIndexed",
      suspend: spec.suspend ?? false,
      podReplacementPolicy:
        spec.podReplacementPolicy ??
        (spec.podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed"),
    },
    status: job.status ?? {},
  };
}
