// Names of the BullMQ queues, and what the jobs of Pods say.
import { z } from "zod";

export const queueNames = {
  /** One job a Pod that names no runtime: waiting while Pending, active while it runs. */
  pods: "pods",
  /** Repeatable: removes finished Jobs after their TTL, expired Events, old finished Pods. */
  cleanup: "cleanup",
} as const;

/** Runtimes that a Pod may name in `spec.runtimeClassName`. */
export const runtimeNames = ["process", "docker", "ecs", "simulated"] as const;

/** Pods that name a runtime wait on a queue of its own, which only workers that have it read. */
export const podQueueName = (runtimeClassName: string | undefined): string =>
  runtimeClassName === undefined ? queueNames.pods : `${queueNames.pods}-${runtimeClassName}`;

/** Every queue, for those who show them. */
export const allQueueNames: readonly string[] = [
  queueNames.pods,
  ...runtimeNames.map(podQueueName),
  queueNames.cleanup,
];

export const podPayload = z.object({
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
});
export type PodPayload = z.infer<typeof podPayload>;
