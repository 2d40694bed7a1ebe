// From commit to queue: Pods are marked in the transaction that creates them, and the mark goes once they are on
// their queue. What a crash leaves between the two, the scheduler's sweep enqueues again.
import type { PodSpec } from "@gantry/core";
import { suffix } from "./keys.ts";
import { unqueuedMark } from "./pod-queue.ts";
import { podQueueName, type PodPayload } from "./queues.ts";
import type { Store } from "./store.ts";
import type { Txn } from "./txn.ts";

export interface QueuedPod extends PodPayload {
  readonly queue: string;
}

const parse = (text: string): QueuedPod => {
  const [queue = "", key = "", uid = ""] = text.split("|");
  const slash = key.indexOf("/");
  return { queue, namespace: key.slice(0, slash), name: key.slice(slash + 1), uid };
};

/** The queue of a Pod's runtime. */
export const queuedPod = (pod: PodPayload, spec: PodSpec | undefined): QueuedPod => ({
  queue: podQueueName(spec?.runtimeClassName),
  namespace: pod.namespace,
  name: pod.name,
  uid: pod.uid,
});

/** In the transaction that creates the Pods. */
export const markUnqueued = (txn: Txn, pods: readonly QueuedPod[]): void => {
  for (const pod of pods) txn.add(suffix.unqueued, unqueuedMark(pod));
};

export const unqueuedPods = async (store: Store): Promise<QueuedPod[]> =>
  (await store.redis.smembers(store.key(suffix.unqueued))).map(parse);
