// All metrics of one scheduler, registered in one registry.
import type { Store } from "@gantry/store";
import type { Registry } from "prom-client";
import { ResyncMetrics } from "../resync/findings.ts";
import { ControllerMetrics } from "./controller-metrics.ts";
import { WorkQueueMetrics } from "./work-queue-metrics.ts";

export interface SchedulerMetrics {
  readonly controllers: ControllerMetrics;
  readonly queues: WorkQueueMetrics;
  readonly resync: ResyncMetrics;
}

/** Throws when another scheduler has registered its metrics there. */
export const schedulerMetrics = (
  registry: Registry,
  store: Store,
  now: () => number,
): SchedulerMetrics => ({
  controllers: new ControllerMetrics(registry),
  queues: new WorkQueueMetrics(registry, store, now),
  resync: new ResyncMetrics(registry),
});
