// The names that Job Pods carry in labels, annotations, finalizers and environment.
export const TRACKING_FINALIZER = "batch.kubernetes.io/job-tracking";
/** Annotation and label. */
export const COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index";
export const INDEX_FAILURE_COUNT = "batch.kubernetes.io/job-index-failure-count";
export const INDEX_IGNORED_FAILURE_COUNT = "batch.kubernetes.io/job-index-ignored-failure-count";
export const JOB_NAME_LABEL = "batch.kubernetes.io/job-name";
export const COMPLETION_INDEX_ENV = "JOB_COMPLETION_INDEX";
