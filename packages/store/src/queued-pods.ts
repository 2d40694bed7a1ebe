// Puts Pods on their queues, in the transaction that gives reason for it: no crash can come between the two.
import type { PodSpec } from "@gantry/core";
import { KEEP_ENDED } from "./pod-queue.ts";
import { podQueueName, type PodPayload } from "./queue-names.ts";
import type { Txn } from "./txn.ts";

export interface QueuedPod extends PodPayload {
  readonly queue: string;
}

/** A Pod's job has one attempt: retrying belongs to the Job controller. */
const JOB_OPTIONS = JSON.stringify({
  attempts: 1,
  removeOnComplete: { count: KEEP_ENDED },
  removeOnFail: { count: KEEP_ENDED },
});

/** The queue of a Pod's runtime. */
export const queuedPod = (pod: PodPayload, spec: PodSpec | undefined): QueuedPod => ({
  queue: podQueueName(spec?.runtimeClassName),
  namespace: pod.namespace,
  name: pod.name,
  uid: pod.uid,
});

/** The uid is the job's id, so a Pod is on its queue once. */
export const enqueuePods = (txn: Txn, pods: readonly QueuedPod[], nowMs: number): Txn => {
  for (const queue of new Set(pods.map((pod) => pod.queue))) {
    const jobs = pods
      .filter((pod) => pod.queue === queue)
      .map(({ namespace, name, uid }) => ({
        id: uid,
        name: `${namespace}/${name}`,
        data: JSON.stringify({ namespace, name, uid }),
      }));
    txn.enqueue(queue, jobs, { nowMs, options: JOB_OPTIONS });
  }
  return txn;
};
