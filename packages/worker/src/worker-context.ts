// What the parts of a worker share.
import type { EventRecorder, SecretBox, Store, Templates } from "@gantry/store";
import type { Logger } from "pino";
import type { Placement } from "./placement.ts";
import type { Runtime } from "./runtime.ts";

export interface WorkerContext {
  readonly store: Store;
  readonly templates: Templates;
  readonly events: EventRecorder;
  readonly log: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Resolves after this long, or as soon as the signal is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Name of this worker's Node. */
  readonly node: string;
  /** Address that Pods on this node report as hostIP. */
  readonly hostIP: string;
  /** Fencing number of this run of the worker. */
  readonly fence: number;
  readonly runtimes: ReadonlyMap<string, Runtime>;
  readonly defaultRuntime: string;
  /** Opens the Secrets that Pods refer to; absent, only those in clear text can be read. */
  readonly secrets?: SecretBox | undefined;
  /** Decides which Pods this worker takes; absent, it takes all. */
  readonly placement?: Pick<Placement, "take" | "adopt" | "release">;
}
