// Waits for the ConfigMaps and Secrets that a Pod needs, as a kubelet does.
import type { PodRecord, PodSpec } from "@gantry/core";
import type { PodReporter } from "./pod-reporter.ts";
import type { Latch } from "./latch.ts";
import {
  MissingSourceError,
  needsSources,
  noSources,
  readSources,
  type Sources,
} from "./pod-sources.ts";
import type { PodSink } from "./runtime.ts";
import { waitingForSource } from "./unlaunched-pod.ts";
import type { WorkerContext } from "./worker-context.ts";

/** How often a Pod looks for the ConfigMap or Secret it waits for, as a kubelet's sync does. */
const RETRY_MS = 2_000;

export interface SourceWait {
  readonly context: Pick<WorkerContext, "now" | "sleep">;
  readonly reporter: Pick<PodReporter, "pod" | "report">;
  readonly spec: PodSpec;
  /** What the spec derives from: Pods of one template refer to the same. */
  readonly origin: object | undefined;
  readonly sink: PodSink;
  /** The Pod is to stop. */
  readonly stop: Latch;
  /** Throws `MissingSourceError` while one of them is not there. */
  readonly read: () => Promise<Sources>;
}

/** `null` when the Pod is to stop first. Most Pods refer to nothing and have nothing to wait for. */
export const awaitSources = (
  wait: SourceWait,
): Promise<Sources | "past deadline" | null> | Sources | null => {
  if (needsSources(wait.spec, wait.origin)) return waitForSources(wait);
  return wait.stop.raised ? null : noSources;
};

const waitForSources = async ({
  context: { now, sleep },
  reporter,
  spec,
  sink,
  stop,
  read,
}: SourceWait): Promise<Sources | "past deadline" | null> => {
  const sinceMs = reporter.pod.startedAtMs ?? now();
  const deadlineMs = sinceMs + (spec.activeDeadlineSeconds ?? Number.POSITIVE_INFINITY) * 1000;
  let said = "";
  while (!stop.raised) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof MissingSourceError)) throw error;
      if (said !== error.message) {
        said = error.message;
        reporter.report(waitingForSource(spec, error, reporter.pod, now()));
        const isMount = error.volume !== undefined;
        const reason = isMount ? "FailedMount" : "Failed";
        sink.event({ type: "Warning", reason, message: isMount ? said : `Error: ${said}` });
      }
      await sleep(Math.min(RETRY_MS, deadlineMs - now()), stop.signal);
      if (now() >= deadlineMs) return "past deadline";
    }
  }
  return null;
};

/** Of a Pod that runs: what its containers may yet start with. */
export const sourcesNow = async (
  context: WorkerContext,
  { namespace }: PodRecord,
  spec: PodSpec,
): Promise<Sources> => {
  try {
    return await readSources(context, namespace, spec);
  } catch (error) {
    // Missing by now: only a container that still has to start with it is held up.
    if (error instanceof MissingSourceError) return new Map();
    throw error;
  }
};
