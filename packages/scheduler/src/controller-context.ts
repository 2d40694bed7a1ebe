// What every controller of the scheduler works with.
import type { EventRecorder, Queues, Store, Templates } from "@gantry/store";
import type { Logger } from "pino";

export interface ControllerContext {
  readonly store: Store;
  readonly queues: Queues;
  readonly templates: Templates;
  readonly events: EventRecorder;
  readonly log: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Tells the timer loop that something is due then, so that it need not find out by polling. */
  readonly hint: (dueAtMs: number) => void;
}
