// A Job for people.
import type { Job } from "@gantry/sdk";
import { humanDuration } from "../duration.ts";
import { templateOutline } from "./describe-template.ts";
import { type Outline, pairs } from "./outline.ts";

export function jobOutline(job: Job, nowMs: number): Outline {
  const { metadata, spec, status } = job;
  const start = status?.startTime;
  const end = status?.completionTime;
  const lasted =
    start === undefined
      ? undefined
      : (end === undefined ? nowMs : Date.parse(end)) - Date.parse(start);
  return {
    Name: metadata.name,
    Namespace: metadata.namespace,
    Selector: pairs(spec?.selector?.matchLabels),
    Labels: pairs(metadata.labels),
    Annotations: pairs(metadata.annotations),
    "Controlled By": metadata.ownerReferences?.map((owner) => `${owner.kind}/${owner.name}`),
    Parallelism: spec?.parallelism,
    Completions: spec?.completions ?? "<unset>",
    "Completion Mode": spec?.completionMode,
    Suspend: spec?.suspend,
    "Backoff Limit": spec?.backoffLimitPerIndex === undefined ? spec?.backoffLimit : undefined,
    "Backoff Limit Per Index": spec?.backoffLimitPerIndex,
    "Max Failed Indexes": spec?.maxFailedIndexes,
    "TTL Seconds After Finished": spec?.ttlSecondsAfterFinished,
    "Active Deadline Seconds": spec?.activeDeadlineSeconds,
    "Start Time": start,
    "Completed At": end,
    Duration: lasted === undefined ? undefined : humanDuration(lasted),
    "Pods Statuses":
      `${status?.active ?? 0} Active (${status?.ready ?? 0} Ready) / ` +
      `${status?.succeeded ?? 0} Succeeded / ${status?.failed ?? 0} Failed`,
    "Completed Indexes": status?.completedIndexes,
    "Failed Indexes": status?.failedIndexes,
    "Pod Template": templateOutline(spec?.template),
    Conditions: status?.conditions?.map((condition) => {
      const why = [condition.reason, condition.message].filter(Boolean).join(": ");
      return `${condition.type}=${condition.status}${why && ` (${why})`}`;
    }),
  };
}
