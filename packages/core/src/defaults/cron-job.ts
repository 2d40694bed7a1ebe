// Defaults of CronJobs (job-spec 5).
import { blank } from "../apimachinery/blank.ts";
import type { CronJob } from "../schema/batch.ts";
import { defaultJobTemplateSpec } from "./job.ts";

const keptSucceeded = 3;
const keptFailed = 1;

/** Idempotent. Defaults of the Jobs themselves come when they are created. Throws QuantityError. */
export function defaultCronJob(cronJob: CronJob): CronJob {
  const { spec } = cronJob;
  return {
    ...blank,
    ...cronJob,
    metadata: cronJob.metadata ?? {},
    spec: {
      ...blank,
      ...spec,
      concurrencyPolicy: spec?.concurrencyPolicy || "Allow",
      suspend: spec?.suspend ?? false,
      jobTemplate: {
        metadata: spec?.jobTemplate?.metadata ?? {},
        spec: defaultJobTemplateSpec(spec?.jobTemplate?.spec),
      },
      successfulJobsHistoryLimit: spec?.successfulJobsHistoryLimit ?? keptSucceeded,
      failedJobsHistoryLimit: spec?.failedJobsHistoryLimit ?? keptFailed,
    },
    status: cronJob.status ?? {},
  };
}
