// What every controller of the scheduler works with.
import type { NewIds } from "@gantry/core";
import type { ControllerQueues, EventRecorder, Store, Templates } from "@gantry/store";
import type { Logger } from "pino";
import type { SchedulerMetrics } from "./metrics/scheduler-metrics.ts";

export interface ControllerContext {
  readonly store: Store;
  readonly queues: ControllerQueues;
  readonly templates: Templates;
  readonly events: EventRecorder;
  readonly log: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Fresh uids and name suffixes. */
  readonly newIds: NewIds;
  /** Tells the timer loop that something is due then, so that it need not find out by polling. */
  readonly hint: (dueAtMs: number) => void;
  /** Absent where nobody asks. */
  readonly metrics?: SchedulerMetrics;
}
