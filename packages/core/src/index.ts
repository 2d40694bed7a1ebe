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
export { ttlExpiry } from "./ttl.ts";
export { cronJobChanged, jobsToLookUp, reconcileCronJob } from "./reconcile-cronjob.ts";
export type { CronJob, CronJobPlan, CronJobSnapshot } from "./cronjob-plan.ts";
export { invariant, InvariantError } from "./apimachinery/invariant.ts";
export { matchesLabels, selectorFromObject } from "./apimachinery/label-selector.ts";
export { validateJobCreate, validateJobUpdate } from "./validation/job.ts";
export { aggregateText } from "./apimachinery/field-error.ts";
export { correlateEvent, type EventAction, type EventState, newEventState } from "./event-aggregation.ts";
export type { ControllerEvent, NewEvent } from "./event-object.ts";
