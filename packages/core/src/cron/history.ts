// Which finished Jobs of a CronJob are more than its history limits keep (D1, D2).
import { conditionTrue } from "../job.ts";
import type { Job } from "../job.ts";
import { parseRfc3339 } from "../apimachinery/time.ts";
import type { CronJobSpec } from "../schema/batch.ts";

/** Oldest first; a Job that never started counts as newest. */
function byStartTime(a: Job, b: Job): number {
  const [start, other] = [a, b].map(({ status: { startTime } }) =>
    startTime === undefined ? Number.POSITIVE_INFINITY : parseRfc3339(startTime),
  ) as [number, number];
  if (start !== other) return start < other ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

function excess(jobs: readonly Job[], limit: number | undefined): readonly Job[] {
  if (limit === undefined) return [];
  return jobs.toSorted(byStartTime).slice(0, Math.max(0, jobs.length - limit));
}

/** Complete ones, then Failed ones, each oldest first. */
export function excessJobs(
  children: readonly Job[],
  limits: Pick<CronJobSpec, "successfulJobsHistoryLimit" | "failedJobsHistoryLimit">,
): readonly Job[] {
  const complete: Job[] = [];
  const failed: Job[] = [];
  for (const child of children) {
    if (conditionTrue(child.status.conditions, "Complete")) complete.push(child);
    else if (conditionTrue(child.status.conditions, "Failed")) failed.push(child);
  }
  return [
    ...excess(complete, limits.successfulJobsHistoryLimit),
    ...excess(failed, limits.failedJobsHistoryLimit),
  ];
}
