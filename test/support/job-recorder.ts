// Records every change of a Job and its Pods as a watch shows it, and checks what must hold at each of them.
import type { Gantry, Job, Pod } from "@gantry/sdk";

export interface PodChange {
  readonly type: string;
  readonly name: string;
  readonly phase: string;
  readonly deleting: boolean;
  readonly index: string | undefined;
}

export interface JobRecorder {
  readonly pods: readonly PodChange[];
  readonly jobs: readonly Job[];
  /** Most Pods of the Job that were Pending or Running at one moment. */
  readonly activeMax: () => number;
  stop(): void;
}

const isActive = (change: PodChange): boolean =>
  change.type !== "DELETED" &&
  !change.deleting &&
  (change.phase === "Pending" || change.phase === "Running");

/** Begin before the Job is submitted. */
export const recordJob = (client: Gantry, name: string, namespace = "default"): JobRecorder => {
  const pods: PodChange[] = [];
  const jobs: Job[] = [];
  const abort = new AbortController();
  const ignoreAbort = (error: unknown): void => {
    if (!abort.signal.aborted) throw error;
  };
  const follow = async (): Promise<void> => {
    const options = { namespace, labelSelector: `job-name=${name}`, signal: abort.signal };
    for await (const { type, object } of client.pods.watch(options)) {
      const pod: Pod = object;
      pods.push({
        type,
        name: pod.metadata.name,
        phase: pod.status?.phase ?? "",
        deleting: pod.metadata.deletionTimestamp !== undefined,
        index: pod.metadata.annotations?.["batch.kubernetes.io/job-completion-index"],
      });
    }
  };
  const followJob = async (): Promise<void> => {
    const options = { namespace, fieldSelector: `metadata.name=${name}`, signal: abort.signal };
    for await (const { type, object } of client.jobs.watch(options)) {
      if (type !== "DELETED") jobs.push(object);
    }
  };
  void follow().catch(ignoreAbort);
  void followJob().catch(ignoreAbort);
  return {
    pods,
    jobs,
    activeMax() {
      const active = new Set<string>();
      let most = 0;
      for (const change of pods) {
        if (isActive(change)) active.add(change.name);
        else active.delete(change.name);
        most = Math.max(most, active.size);
      }
      return most;
    },
    stop: () => abort.abort(),
  };
};
