// All kinds that the generic verbs serve.
import { cronJobs, jobs } from "./batch.ts";
import {
  configMaps,
  events,
  eventsV1,
  leases,
  namespaces,
  nodes,
  secrets,
  serviceAccounts,
} from "./core-kinds.ts";
import { pods } from "./pods.ts";
import type { Strategy } from "./strategy.ts";

export const strategies: readonly Strategy[] = [
  configMaps,
  events,
  namespaces,
  nodes,
  pods,
  secrets,
  serviceAccounts,
  eventsV1,
  cronJobs,
  jobs,
  leases,
];
