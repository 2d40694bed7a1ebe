// What the parts of the ecs runtime share.
import type { EcsSettings } from "@gantry/core";
import type { Store } from "@gantry/store";
import type { Logger } from "pino";
import type { EcsCounters } from "./counters.ts";
import type { EcsApi } from "./ecs-api.ts";
import type { EcsClients } from "./ecs-clients.ts";
import type { JobNotices } from "./job-notices.ts";
import type { LaneStates } from "./lane-states.ts";
import type { LaunchGate } from "./launch-gate.ts";
import type { TaskCensus } from "./task-census.ts";
import type { TaskDefinitions } from "./task-definitions.ts";
import type { TaskLedger } from "./task-ledger.ts";
import type { TaskWatch } from "./task-watch.ts";

export interface EcsContext {
  readonly settings: EcsSettings;
  readonly store: Store;
  readonly log: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Resolves after this long, or as soon as the signal is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Aborted when the runtime closes. */
  readonly closing: AbortSignal;
  /** Names this run of the worker. */
  readonly holder: string;
  readonly clients: EcsClients;
  readonly api: EcsApi;
  readonly counters: EcsCounters;
  readonly lanes: LaneStates;
  readonly notices: JobNotices;
  readonly gate: LaunchGate;
  readonly definitions: TaskDefinitions;
  readonly census: TaskCensus;
  readonly watch: TaskWatch;
  readonly ledger: TaskLedger;
}
