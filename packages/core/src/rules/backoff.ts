// R41-R44: the Job-wide delay before failed Pods are replaced.
import { blank } from "../apimachinery/blank.ts";
import type { JobBook } from "../job-plan.ts";
import type { PodRecord } from "../pod-record.ts";
import type { PodTemplateSpec } from "../schema/pod.ts";
import { finishedAtMs } from "./finish-time.ts";

const BASE_DELAY_MS = 10_000;
const MAX_DELAY_MS = 600_000;

/** R41: 0, 10 s, 20 s, 40 s... 600 s after 0, 1, 2, 3... failures in a row. */
export const backoffDelayMs = (failures: number): number =>
  failures <= 0 ? 0 : Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** (failures - 1));

/** Pods end at whole seconds as the Kubernetes API tells it; so "at the same time" means that. */
const second = (ms: number): number => Math.floor(ms / 1000);

/**
 * R41-R43: the record after this sync's newly succeeded and failed Pods, those that a
 * podFailurePolicy ignores included. A new success starts it anew; failures that ended no later
 * than the latest success don't count.
 */
export function nextBackoff(
  book: JobBook,
  newSucceeded: readonly PodRecord[],
  newFailed: readonly PodRecord[],
  template: PodTemplateSpec,
): Pick<JobBook, "backoff" | "lastSuccessAtMs"> {
  let lastSuccessAtMs = book.lastSuccessAtMs;
  for (const pod of newSucceeded) {
    lastSuccessAtMs = Math.max(lastSuccessAtMs ?? 0, finishedAtMs(pod, template));
  }
  const before = newSucceeded.length === 0 ? book.backoff : undefined;
  let failures = before?.failures ?? 0;
  let lastFailureAtMs = before?.lastFailureAtMs;
  for (const pod of newFailed) {
    const endedAtMs = finishedAtMs(pod, template);
    if (lastSuccessAtMs !== undefined && second(endedAtMs) <= second(lastSuccessAtMs)) continue;
    failures += 1;
    lastFailureAtMs = Math.max(lastFailureAtMs ?? endedAtMs, endedAtMs);
  }
  return {
    ...blank,
    ...(lastFailureAtMs !== undefined && { backoff: { failures, lastFailureAtMs } }),
    ...(lastSuccessAtMs !== undefined && { lastSuccessAtMs }),
  };
}

/** R28: when Pods may be created again, Unix ms; `undefined` when nothing failed of late. */
export const createAgainAtMs = ({ backoff }: Pick<JobBook, "backoff">): number | undefined =>
  backoff === undefined ? undefined : backoff.lastFailureAtMs + backoffDelayMs(backoff.failures);
