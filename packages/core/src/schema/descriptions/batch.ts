// Descriptions of batch/v1: Job, CronJob and their policies.
import type { Descriptions } from "./text-table.ts";

const batch = (name: string): string => `io.k8s.api.batch.v1.${name}`;

export const batchDescriptions: Descriptions = {
  [batch("Job")]: {
    "": "A Job runs Pods until enough of them have succeeded, and replaces those that fail.",
    spec: "How many Pods to run, of what, and when to give up.",
    status: "How far the Job has got. Written by the Job controller; read-only.",
  },
  [batch("JobSpec")]: {
    "": "How a Job is to be run.",
    parallelism:
      "Most Pods that run at a time; fewer run when fewer completions are left. Default 1. With 0 " +
      "no Pod runs until it is raised.",
    completions:
      "Pods that must succeed for the Job to be complete. Left out with parallelism set, the Job " +
      "is a work queue: once one Pod has succeeded no more are started, and the Job is complete " +
      "when all have ended. In Indexed mode it is the number of indexes. Default 1 when neither is set.",
    activeDeadlineSeconds:
      "Seconds that the Job may take, counted from its start, before its Pods are stopped and it " +
      "fails with reason DeadlineExceeded. Must be positive. Time while suspended does not count.",
    selector:
      "Which Pods belong to the Job. The system sets it; give it only together with manualSelector.",
    manualSelector:
      "With true, selector and the Pod template's labels are yours to choose, and yours to keep " +
      "apart from other Jobs'. Normally left out.",
    template: "What each Pod is made from. Its restartPolicy must be Never or OnFailure.",
    backoffLimit:
      "Failed Pods (with OnFailure also restarts of containers) after which the Job fails with " +
      "reason BackoffLimitExceeded. Default 6; with backoffLimitPerIndex 2147483647.",
    ttlSecondsAfterFinished:
      "Seconds after which a finished Job is deleted with its Pods; 0 deletes it at once. Left " +
      "out, the Job stays until it is deleted.",
    completionMode:
      "NonIndexed (default): the Job is complete when as many Pods have succeeded as completions " +
      "says, and all are alike. Indexed: each Pod has an index from 0 to completions - 1, in the " +
      "annotation batch.kubernetes.io/job-completion-index, the variable JOB_COMPLETION_INDEX and " +
      "the hostname; the Job is complete when each index has succeeded once.",
    suspend:
      "With true no Pods are started, and running ones are stopped. Setting it back to false " +
      "resumes the Job, and starts activeDeadlineSeconds anew. Default false.",
    podFailurePolicy:
      "What failed Pods mean, by exit code or condition, in place of counting each against " +
      "backoffLimit. Needs restartPolicy Never.",
    backoffLimitPerIndex:
      "Failed Pods of one index after which that index has failed, while the others go on. " +
      "Needs completionMode Indexed and restartPolicy Never. Cannot be changed.",
    maxFailedIndexes:
      "Failed indexes beyond which the whole Job fails and its Pods are stopped. Left out, all " +
      "indexes run to their end. Needs backoffLimitPerIndex.",
    podReplacementPolicy:
      "When a Pod is replaced: TerminatingOrFailed as soon as it is being deleted or has failed; " +
      "Failed only when it has fully ended, so that two never run at once. With podFailurePolicy " +
      "only Failed is allowed, and is the default.",
    managedBy:
      "Which controller runs the Job. Left out or kubernetes.io/job-controller, it is run here; " +
      "any other value leaves the Job alone. Cannot be changed.",
    successPolicy:
      "When an Indexed Job counts as successful before all indexes have succeeded. Left out, it " +
      "is when all have.",
  },
  [batch("JobStatus")]: {
    "": "How far a Job has got.",
    conditions:
      "What holds of the Job: Complete or Failed once it has finished, SuccessCriteriaMet or " +
      "FailureTarget when that is decided and Pods still end, Suspended.",
    startTime:
      "When the Job was first taken up; set again when it resumes, and absent while it is suspended " +
      "from the beginning.",
    completionTime: "When the Job completed; absent for Jobs that failed.",
    active: "Pods that are pending or running and not being deleted.",
    ready: "Active Pods that are ready.",
    succeeded: "Pods that ended in phase Succeeded.",
    failed: "Pods that ended in phase Failed.",
    terminating: "Pods that are pending or running and being deleted.",
    completedIndexes: "Indexes that have succeeded, as text such as 1,3-5,7. Only in Indexed mode.",
    failedIndexes: "Indexes that have failed, in the same form. Only with backoffLimitPerIndex.",
    uncountedTerminatedPods:
      "Ended Pods that are not counted yet. Always empty here: a Pod is counted in the same " +
      "transaction that ends it.",
  },
  [batch("JobCondition")]: {
    "": "One thing that holds of a Job, or does not.",
    type: "Complete, Failed, Suspended, SuccessCriteriaMet, FailureTarget, or a client's own.",
    status: "True, False or Unknown.",
    lastProbeTime: "When it was last looked at.",
    lastTransitionTime: "When its status last changed.",
    reason: "Why, in one word for programs.",
    message: "Why, in a sentence for people.",
  },
  [batch("JobTemplateSpec")]: {
    "": "What Jobs are made from.",
    metadata: "Labels and annotations of the Jobs.",
    spec: "The Jobs' specification.",
  },
  [batch("UncountedTerminatedPods")]: {
    "": "Uids of Pods that have ended and are not counted yet.",
    succeeded: "Of Pods that succeeded.",
    failed: "Of Pods that failed.",
  },
  [batch("PodFailurePolicy")]: {
    "": "What failed Pods mean to their Job.",
    rules:
      "Tried in order; the first that matches a failed Pod decides, and without a match the Pod " +
      "counts against backoffLimit. At most 20.",
  },
  [batch("PodFailurePolicyRule")]: {
    "": "What is done with failed Pods of one sort. Exactly one of onExitCodes and onPodConditions.",
    action:
      "FailJob fails the Job and stops its Pods; FailIndex fails the Pod's index; Ignore starts a " +
      "replacement without counting the failure; Count counts it against backoffLimit.",
    onExitCodes: "Matches by the exit codes of containers.",
    onPodConditions: "Matches when the Pod has any of these conditions. At most 20.",
  },
  [batch("PodFailurePolicyOnExitCodesRequirement")]: {
    "": "Matches a failed Pod by how its containers exited.",
    containerName:
      "The only container that counts; left out, any container or init container may match.",
    operator:
      "In matches when an exit code is one of the values; NotIn when one is none of them. " +
      "Containers that exited with 0 are not looked at.",
    values: "1 to 255 different exit codes in rising order; 0 is not allowed with In.",
  },
  [batch("PodFailurePolicyOnPodConditionsPattern")]: {
    "": "A condition of a failed Pod.",
    type: "Type of the condition, such as DisruptionTarget.",
    status: "Status that it must have. Default True.",
  },
  [batch("SuccessPolicy")]: {
    "": "When an Indexed Job counts as successful.",
    rules:
      "The first rule that holds makes the Job successful, and its remaining Pods are stopped. At " +
      "most 20.",
  },
  [batch("SuccessPolicyRule")]: {
    "": "Enough indexes to call the Job successful. At least one of the two fields is set.",
    succeededIndexes:
      "Indexes of which all must have succeeded, or as many as succeededCount says: text such as " +
      "1,3-5,7.",
    succeededCount:
      "How many indexes must have succeeded, of succeededIndexes or, without it, of all.",
  },
  [batch("CronJob")]: {
    "": "A CronJob makes Jobs at set times.",
    spec: "When to make Jobs, and of what.",
    status: "Which Jobs run, and when the last was made. Read-only.",
  },
  [batch("CronJobSpec")]: {
    "": "When Jobs are made, and what becomes of them.",
    schedule:
      "Minute, hour, day of the month, month and day of the week, as in cron: */5 * * * *. Also " +
      "@hourly, @daily, @weekly, @monthly, @yearly and @every 1h30m.",
    timeZone:
      "Time zone of the schedule, such as Europe/Berlin. Left out, it is that of the scheduler.",
    startingDeadlineSeconds:
      "How many seconds late a Job may still be made when its time was missed. Left out, there is " +
      "no limit.",
    concurrencyPolicy:
      "What happens when the Job before still runs: Allow (default) runs both, Forbid skips the " +
      "new one, Replace deletes the old one.",
    suspend: "With true no more Jobs are made; those that run go on. Default false.",
    jobTemplate: "What each Job is made from.",
    successfulJobsHistoryLimit: "Completed Jobs that are kept. Default 3.",
    failedJobsHistoryLimit: "Failed Jobs that are kept. Default 1.",
  },
  [batch("CronJobStatus")]: {
    "": "What a CronJob has made.",
    active: "Jobs that run.",
    lastScheduleTime: "When a Job was last made.",
    lastSuccessfulTime: "When a Job last completed.",
  },
};
