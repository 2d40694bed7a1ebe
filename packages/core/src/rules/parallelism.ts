// R23, R27: how many Pods should be active, and how many to create.
import type { Job } from "../job.ts";
import { replacesOnlyEnded } from "./pod-classes.ts";

/** R23: `active` and `succeeded` are the working numbers of the sync. */
export function wantedActive(job: Job, active: number, succeeded: number): number {
  const { suspend, completions, parallelism } = job.spec;
  if (suspend) return 0;
  // A work queue: after its first success nothing is replaced and nothing killed.
  if (completions === undefined) return succeeded > 0 ? active : parallelism;
  return Math.max(0, Math.min(parallelism, completions - succeeded));
}

/** R27: terminating Pods hold their place where only ended ones are replaced. */
export const createCount = (
  job: Job,
  wanted: number,
  active: number,
  terminating: number,
): number => Math.max(0, wanted - active - (replacesOnlyEnded(job) ? terminating : 0));
