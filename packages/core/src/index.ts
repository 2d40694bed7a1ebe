export * from "./job.ts";
export * from "./job-plan.ts";
export * from "./pod-record.ts";
export type { PodSpec } from "./schema/pod.ts";
export type { CronJob as WireCronJob, Job as WireJob } from "./schema/batch.ts";
export type { Event as WireEvent } from "./schema/event.ts";
export type { ObjectMeta, OwnerReference } from "./schema/meta.ts";
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
export type {
  CronJob,
  CronJobPlan,
  CronJobSnapshot,
  JobToCreate,
  PlannedJob,
} from "./cronjob-plan.ts";
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
export {
  correlateEvent,
  type EventAction,
  type EventState,
  newEventState,
} from "./event-aggregation.ts";
export type { ControllerEvent, NewEvent } from "./event-object.ts";
export { nextAfter } from "./cron/next-time.ts";
export { parseSchedule, type ParsedSchedule, type Schedule } from "./cron/schedule.ts";
export { isKnownTimeZone, timeZoneProblem } from "./cron/time-zone.ts";
export { table, tableColumns, tableRow } from "./table/table.ts";
export type { IncludeObject, Table, TableObject, TableRow } from "./table/table.ts";
export type { ColumnDefinition } from "./table/column.ts";
export { cronJobSamples, jobSamples, stateFamilies } from "./state-metrics.ts";
export type { MetadataAllowList, Sample, StateFamily } from "./state-metrics.ts";
export { ApiError, errorStatus, type ErrorStatus, type GroupName } from "./apimachinery/errors.ts";
export {
  alreadyExists,
  type ApplyConflict,
  applyConflicts,
  badRequest,
  cannotHandle,
  conflict,
  expired,
  forbiddenRequest,
  generateNameConflict,
  gone,
  internal,
  invalidObject,
  invalidRequest,
  methodNotAllowed,
  namespaceTerminating,
  noSuchResource,
  notAcceptable,
  notFound,
  objectModified,
  resourceVersionPrecondition,
  serverTimeout,
  serviceUnavailable,
  timedOut,
  tooLarge,
  tooLargeResourceVersion,
  tooManyRequests,
  uidPrecondition,
  unauthorized,
  unsupportedMediaType,
  unsupportedPatchType,
} from "./apimachinery/errors.ts";
export {
  type FieldError,
  type FieldErrors,
  forbidden as forbiddenField,
  invalid as invalidField,
  notSupported as unsupportedField,
  required as requiredField,
} from "./apimachinery/field-error.ts";
export { FieldPath, fieldPath } from "./apimachinery/field-path.ts";
export { decodeMessage, DecodeError, type Decoded } from "./apimachinery/decode.ts";
export {
  type DecodedObject,
  decodeObject,
  type DecodeTarget,
  type FieldValidation,
  fieldValidation,
} from "./apimachinery/decode-object.ts";
export { JsonSyntaxError, parseJson, parseJsonStrict } from "./apimachinery/json-scan.ts";
export { ageText, durationText } from "./apimachinery/duration-text.ts";
export { renderListItem, renderObject, withoutEmpty } from "./apimachinery/encode.ts";
export {
  escapeFieldValue,
  type FieldSelector,
  type FieldTerm,
  matchesFields,
  parseFieldSelector,
  requiredFieldValue,
} from "./apimachinery/field-selector.ts";
export {
  formatLabelSelector,
  formatRequirements,
  type LabelRequirement,
  type ParsedLabelSelector,
  selectorFromLabels,
} from "./apimachinery/label-selector.ts";
export { parseLabelSelector } from "./apimachinery/label-selector-parse.ts";
export {
  type Creation,
  generatedName,
  prepareMetaForCreate,
  prepareMetaForUpdate,
  suffixAlphabet,
  suffixLength,
} from "./apimachinery/object-meta.ts";
export {
  configMapKind,
  cronJobKind,
  eventKind,
  eventsV1EventKind,
  jobKind,
  type KindInfo,
  kindOfObject,
  kindOfResource,
  kinds,
  leaseKind,
  namespaceKind,
  nodeKind,
  podKind,
  secretKind,
  serviceAccountKind,
  serviceKind,
  type Subresource,
  type Verb,
} from "./apimachinery/kinds.ts";
export { applyJsonPatch } from "./apimachinery/json-patch.ts";
export { applyMergePatch } from "./apimachinery/merge-patch.ts";
export { applyStrategicMergePatch } from "./apimachinery/strategic-merge-patch.ts";
export {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  QuantityError,
  quantityToInteger,
  quantityToMilli,
  quantityToNumber,
} from "./apimachinery/quantity.ts";
export { isLabelValue, isQualifiedName } from "./apimachinery/name-rules.ts";
export { type FieldInfo, fieldInfo, type TypeInfo, typeInfo } from "./schema/message.ts";
export {
  type SelfSubjectReview,
  selfSubjectReview,
  type UserInfo,
} from "./schema/authentication.ts";
export {
  type ResourceAttributes,
  type SelfSubjectAccessReview,
  selfSubjectAccessReview,
  type SelfSubjectRulesReview,
  selfSubjectRulesReview,
  type SubjectAccessReview,
  subjectAccessReview,
} from "./schema/authorization.ts";
export { goQuote } from "./apimachinery/go-text.ts";
export { validateObjectMetaUpdate } from "./apimachinery/object-meta.ts";
export type { PodCondition } from "./schema/pod.ts";
export { deleteOptions as deleteOptionsMessage } from "./schema/meta.ts";
export { eviction } from "./schema/policy.ts";
export {
  fits,
  type Fit,
  hasRoom,
  placementNode,
  type PlacementNode,
  RUNTIMES_ANNOTATION,
} from "./placement/fits.ts";
export { addAmounts, type Amounts, amountsOf, podRequests } from "./placement/requests.ts";
export { awaitsWorker } from "./placement/awaits-worker.ts";
export {
  GATED_MESSAGE,
  unschedulableCondition,
  unschedulableMessage,
} from "./placement/unschedulable.ts";
export { secondsToStay, type Taint, untolerated } from "./placement/taints.ts";
export type { Node as WireNode } from "./schema/node.ts";
export { describeField, describeMessage, requiredFields } from "./schema/descriptions/describe.ts";
export { listMeta as listMetaMessage, status as statusMessage } from "./schema/meta.ts";
export {
  type EcsSettings,
  ecsSettings,
  EcsSettingsError,
  type EcsSettingsFile,
  type EcsSubnet,
  type EfsVolume,
  parseEcsSettings,
  startedBy,
} from "./ecs/settings.ts";
export {
  isSpot,
  type LaneKind,
  laneKind,
  type LanePolicy,
  type LaneSettings,
  type RateBucket,
  type RateSettings,
  runtimeLabel,
} from "./ecs/lane-settings.ts";
export type { PriceSettings } from "./ecs/price-settings.ts";
export type {
  ContainerDefinition,
  ContainerOverride,
  RegisterTaskDefinitionInput,
  RunTaskInput,
  TaskDefinitionContent,
  TaskOverrides,
} from "./ecs/run-task-input.ts";
export {
  type EcsContainer,
  type EcsTask,
  OWNER_ENV,
  taskFrom,
  taskId,
  type TaskOwner,
} from "./ecs/task.ts";
export {
  clientToken,
  type LaunchIntent,
  MAX_CLIENT_TOKEN,
  mayReplay,
  REPLAY_WINDOW_MS,
  type StopIntent,
  type StopReason,
} from "./ecs/launch-intent.ts";
export type { CauseClass, Classification, Cooling, Retry, Signal } from "./ecs/classification.ts";
export type { ObservedCondition, TaskObservation, TaskOutcome } from "./ecs/task-outcome.ts";
export { classify } from "./ecs/classify.ts";
export type { EcsPod, EcsRejection } from "./ecs/ecs-pod.ts";
export {
  definitionText,
  FAMILY_PREFIX,
  familyName,
  planTask,
  type TaskPlan,
  type TaskRefusal,
} from "./ecs/task-plan.ts";
export {
  chooseLane,
  type ClosedLanes,
  coolingMs,
  type LaneChoice,
  type LaneHistory,
} from "./ecs/lane-choice.ts";
export {
  type Bucket,
  launchBuckets,
  launchesPerSecond,
  usableBucket,
  waitEstimate,
} from "./ecs/launch-rates.ts";
export { runTaskInput, type RunTaskRequest } from "./ecs/run-task-request.ts";
export { lostTask, taskOutcome, type TaskSighting } from "./ecs/task-judgement.ts";
export { type LaunchTrouble, launchTrouble } from "./ecs/launch-trouble.ts";
export { failsLiveness } from "./ecs/health-check.ts";
export { hasStopped, isNewer } from "./ecs/task-version.ts";
export {
  factsOfTask,
  formatTaskFacts,
  parseTaskFacts,
  TASK_ANNOTATION,
  type TaskFacts,
} from "./ecs/task-facts.ts";
export { admitOnEcs, type EcsAdmission, suitablePlaces } from "./ecs/admission/admit-on-ecs.ts";
export {
  ecsSettingsOfNodes,
  publishEcsSettings,
  readPublishedSettings,
} from "./ecs/published-settings.ts";
export {
  type AdmittedPod,
  admitOnRuntime,
  hasAdmission,
  type KnownRuntimes,
  runtimesOfNodes,
  type RuntimeVerdict,
} from "./admission/runtime-admission.ts";
export { dockerRejections, type DockerRules } from "./admission/docker-admission.ts";
export { isAllowedHostPath } from "./admission/host-paths.ts";
export { type HostRules, processRejections } from "./admission/process-admission.ts";
export {
  DEFAULT_RUNTIME_ANNOTATION,
  runtimeSettingsAnnotation,
} from "./admission/node-annotations.ts";
export {
  type BilledTask,
  type CostEstimate,
  estimateCost,
  expectedTask,
  hourPrice,
  type UsedPod,
} from "./ecs/cost.ts";
