// F5, R22, R46: too many restarts in place (restartPolicy OnFailure).
import type { Job } from "../job.ts";
import type { PodRecord } from "../pod-record.ts";
import { backoffLimitExceeded } from "./backoff-limit.ts";
import type { Verdict } from "./conditions.ts";

/** F5: restarts of init and regular containers of the Pods that are Pending or Running. */
export function failedByRestarts(job: Job, pods: readonly PodRecord[]): Verdict | undefined {
  if (job.spec.template.spec?.restartPolicy !== "OnFailure") return undefined;
  let restarts = 0;
  for (const pod of pods) {
    if (pod.phase !== "Pending" && pod.phase !== "Running") continue;
    for (const container of pod.initContainers ?? []) restarts += container.restartCount;
    for (const container of pod.containers) restarts += container.restartCount;
  }
  // R22: a limit of 0 allows no restart, and a limit of n fails at the nth.
  return restarts >= Math.max(1, job.spec.backoffLimit) ? backoffLimitExceeded : undefined;
}
