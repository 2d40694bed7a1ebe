export * from "./job.ts";
export * from "./job-plan.ts";
export * from "./pod-record.ts";
export type { PodSpec } from "./schema/pod.ts";
export type { CronJob as WireCronJob, Job as WireJob } from "./schema/batch.ts";
export type { Event as WireEvent } from "./schema/event.ts";
export type { ObjectMeta } from "./schema/meta.ts";
export type { Pod as WirePod } from "./schema/pod.ts";
export * from "./deletion.ts";
export { parseRfc3339, rfc3339, rfc3339Micro } from "./apimachinery/time.ts";
export { newPodRecord } from "./new-pod.ts";
export { IndexSet, type IndexInterval } from "./index-set.ts";
export { recordFromPod } from "./pod-from-api.ts";
export {
  COMPLETION_INDEX,
  INDEX_FAILURE_COUNT,
  INDEX_IGNORED_FAILURE_COUNT,
  TRACKING_FINALIZER,
} from "./pod-labels.ts";
export { podConditions } from "./pod-conditions.ts";
export { jobReference, renderPod } from "./pod-render.ts";
export { renderPodSpec } from "./pod-spec-render.ts";
export { reconcileJob } from "./reconcile-job.ts";
export { podAnnotations, podLabels, releasePod } from "./release-pod.ts";
export { newJob } from "./new-job.ts";
export { FinishTimeMissingError, ttlExpiry } from "./ttl.ts";
export { cronJobChanged, jobsToLookUp, reconcileCronJob } from "./reconcile-cronjob.ts";
export type { CronJob, CronJobPlan, CronJobSnapshot, JobToCreate, PlannedJob } from "./cronjob-plan.ts";
export { invariant, InvariantError } from "./apimachinery/invariant.ts";
export { matchesLabels, selectorFromObject } from "./apimachinery/label-selector.ts";
export { defaultNamespace, defaultSecret } from "./defaults/config.ts";
export { defaultCronJob } from "./defaults/cron-job.ts";
export { generateSelector } from "./defaults/generated-selector.ts";
export { defaultJob, type DefaultedJob } from "./defaults/job.ts";
export { admitPod, defaultPod, defaultPodTemplate } from "./defaults/pod.ts";
export {
  validateConfigMap,
  validateConfigMapUpdate,
  validateEvent,
  validateEventUpdate,
  validateLease,
  validateNamespace,
  validateNamespaceUpdate,
  validateSecret,
  validateSecretUpdate,
  validateServiceAccount,
  validateServiceAccountUpdate,
} from "./validation/config.ts";
export { validateCronJobCreate, validateCronJobUpdate } from "./validation/cron-job.ts";
export { parseIndexList, type IndexListResult } from "./validation/index-list.ts";
export { validateJobStatusTransition, validateJobStatusUpdate } from "./validation/job-status.ts";
export { cronJobWarnings, jobWarnings } from "./validation/job-warnings.ts";
export { validateJobCreate, validateJobUpdate } from "./validation/job.ts";
export { podWarnings, type Warnings } from "./validation/pod-warnings.ts";
export { validatePodCreate, validatePodUpdate } from "./validation/pod.ts";
export { semanticEqual } from "./validation/semantic-equal.ts";
export { aggregateText } from "./apimachinery/field-error.ts";
export { correlateEvent, type EventAction, type EventState, newEventState } from "./event-aggregation.ts";
export type { ControllerEvent, NewEvent } from "./event-object.ts";
export { nextAfter } from "./cron/next-time.ts";
export { parseSchedule, type ParsedSchedule, type Schedule } from "./cron/schedule.ts";
export { isKnownTimeZone, timeZoneProblem } from "./cron/time-zone.ts";
export { table, tableColumns, tableRow } from "./table/table.ts";
export type { IncludeObject, Table, TableObject, TableRow } from "./table/table.ts";
export type { ColumnDefinition } from "./table/column.ts";
export { cronJobSamples, jobSamples, stateFamilies } from "./state-metrics.ts";
export type { MetadataAllowList, Sample, StateFamily } from "./state-metrics.ts";
