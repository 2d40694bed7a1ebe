import type { z } from "zod";
import { boolean, field, int32, int64, list, message, string, time, typeMeta } from "./message.ts";
import { labelSelector, objectMeta } from "./meta.ts";
import { podTemplateSpec } from "./pod.ts";
import { objectReference } from "./reference.ts";

export const podFailurePolicyOnExitCodesRequirement = message(
  "io.k8s.api.batch.v1.PodFailurePolicyOnExitCodesRequirement",
  {
    containerName: field(1, string),
    operator: field(2, string),
    values: field(3, list(int32)),
  },
);
export type PodFailurePolicyOnExitCodesRequirement = z.infer<
  typeof podFailurePolicyOnExitCodesRequirement
>;

export const podFailurePolicyOnPodConditionsPattern = message(
  "io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern",
  {
    type: field(1, string),
    status: field(2, string),
  },
);
export type PodFailurePolicyOnPodConditionsPattern = z.infer<
  typeof podFailurePolicyOnPodConditionsPattern
>;

export const podFailurePolicyRule = message("io.k8s.api.batch.v1.PodFailurePolicyRule", {
  action: field(1, string),
  onExitCodes: field(2, podFailurePolicyOnExitCodesRequirement),
  onPodConditions: field(3, list(podFailurePolicyOnPodConditionsPattern)),
});
export type PodFailurePolicyRule = z.infer<typeof podFailurePolicyRule>;

export const podFailurePolicy = message("io.k8s.api.batch.v1.PodFailurePolicy", {
  rules: field(1, list(podFailurePolicyRule)),
});
export type PodFailurePolicy = z.infer<typeof podFailurePolicy>;

export const successPolicyRule = message("io.k8s.api.batch.v1.SuccessPolicyRule", {
  succeededIndexes: field(1, string),
  succeededCount: field(2, int32),
});
export type SuccessPolicyRule = z.infer<typeof successPolicyRule>;

export const successPolicy = message("io.k8s.api.batch.v1.SuccessPolicy", {
  rules: field(1, list(successPolicyRule)),
});
export type SuccessPolicy = z.infer<typeof successPolicy>;

export const jobSpec = message("io.k8s.api.batch.v1.JobSpec", {
  parallelism: field(1, int32),
  completions: field(2, int32),
  activeDeadlineSeconds: field(3, int64),
  selector: field(4, labelSelector),
  manualSelector: field(5, boolean),
  template: field(6, podTemplateSpec),
  backoffLimit: field(7, int32),
  ttlSecondsAfterFinished: field(8, int32),
  completionMode: field(9, string),
  suspend: field(10, boolean),
  podFailurePolicy: field(11, podFailurePolicy),
  backoffLimitPerIndex: field(12, int32),
  maxFailedIndexes: field(13, int32),
  podReplacementPolicy: field(14, string),
  managedBy: field(15, string),
  successPolicy: field(16, successPolicy),
});
export type JobSpec = z.infer<typeof jobSpec>;

export const jobTemplateSpec = message("io.k8s.api.batch.v1.JobTemplateSpec", {
  metadata: field(1, objectMeta),
  spec: field(2, jobSpec),
});
export type JobTemplateSpec = z.infer<typeof jobTemplateSpec>;

export const cronJobSpec = message("io.k8s.api.batch.v1.CronJobSpec", {
  schedule: field(1, string),
  startingDeadlineSeconds: field(2, int64),
  concurrencyPolicy: field(3, string),
  suspend: field(4, boolean),
  jobTemplate: field(5, jobTemplateSpec),
  successfulJobsHistoryLimit: field(6, int32),
  failedJobsHistoryLimit: field(7, int32),
  timeZone: field(8, string),
});
export type CronJobSpec = z.infer<typeof cronJobSpec>;

export const cronJobStatus = message("io.k8s.api.batch.v1.CronJobStatus", {
  active: field(1, list(objectReference)),
  lastScheduleTime: field(4, time),
  lastSuccessfulTime: field(5, time),
});
export type CronJobStatus = z.infer<typeof cronJobStatus>;

export const cronJob = message("io.k8s.api.batch.v1.CronJob", {
  ...typeMeta,
  metadata: field(1, objectMeta),
  spec: field(2, cronJobSpec),
  status: field(3, cronJobStatus),
});
export type CronJob = z.infer<typeof cronJob>;

export const jobCondition = message("io.k8s.api.batch.v1.JobCondition", {
  type: field(1, string),
  status: field(2, string),
  lastProbeTime: field(3, time),
  lastTransitionTime: field(4, time),
  reason: field(5, string),
  message: field(6, string),
});
export type JobCondition = z.infer<typeof jobCondition>;

export const uncountedTerminatedPods = message("io.k8s.api.batch.v1.UncountedTerminatedPods", {
  succeeded: field(1, list(string)),
  failed: field(2, list(string)),
});
export type UncountedTerminatedPods = z.infer<typeof uncountedTerminatedPods>;

export const jobStatus = message("io.k8s.api.batch.v1.JobStatus", {
  conditions: field(1, list(jobCondition), { mergeKey: "type" }),
  startTime: field(2, time),
  completionTime: field(3, time),
  active: field(4, int32),
  succeeded: field(5, int32),
  failed: field(6, int32),
  completedIndexes: field(7, string),
  uncountedTerminatedPods: field(8, uncountedTerminatedPods),
  ready: field(9, int32),
  failedIndexes: field(10, string),
  terminating: field(11, int32),
});
export type JobStatus = z.infer<typeof jobStatus>;

export const job = message("io.k8s.api.batch.v1.Job", {
  ...typeMeta,
  metadata: field(1, objectMeta),
  spec: field(2, jobSpec),
  status: field(3, jobStatus),
});
export type Job = z.infer<typeof job>;
