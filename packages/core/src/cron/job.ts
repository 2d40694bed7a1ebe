// The Job that a CronJob creates for one scheduled time (C1-C3).
import type { CronJob, PlannedJob } from "../cronjob-plan.ts";
import { rfc3339In } from "./time-zone.ts";

const SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/** C1: one name a minute, which is what keeps a time from being started twice. */
export const scheduledJobName = (cronJob: CronJob, scheduledAtMs: number): string =>
  `${cronJob.metadata.name}-${Math.floor(scheduledAtMs / 60_000)}`;

export function scheduledJob(cronJob: CronJob, scheduledAtMs: number, uid: string): PlannedJob {
  const { metadata, spec } = cronJob;
  const { metadata: template, spec: jobSpec } = spec.jobTemplate;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: scheduledJobName(cronJob, scheduledAtMs),
      namespace: metadata.namespace,
      uid,
      ...(template?.labels === undefined ? {} : { labels: { ...template.labels } }),
      annotations: {
        ...template?.annotations,
        [SCHEDULED_AT]: rfc3339In(scheduledAtMs, spec.timeZone || "UTC"),
      },
      ownerReferences: [
        {
          apiVersion: "batch/v1",
          kind: "CronJob",
          name: metadata.name,
          uid: metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: { ...jobSpec },
  };
}
