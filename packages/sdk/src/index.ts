// @gantry/sdk: the client for other services and for the command line.
export { type Answer, Connection, type ConnectionOptions, type Request } from "./connection.ts";
export { ConnectionError, GantryError, hasReason, type StatusCause, WaitError } from "./errors.ts";
export { Gantry, type GantryOptions } from "./gantry.ts";
export type { JobGoal, JobLogLine, JobsClient, JobWaitOptions } from "./jobs.ts";
export type { JobLogChunk, JobLogOptions } from "./job-logs.ts";
export { hasCondition, isFinished, outcomeText } from "./outcome.ts";
export { type KubeconfigEntry, readKubeconfig } from "./kubeconfig.ts";
export { lines, lineText } from "./lines.ts";
export {
  type ApiObject,
  type Event,
  type Job,
  type JobManifest,
  pathOf,
  type Pod,
  type Resource,
  type Served,
} from "./objects.ts";
export type { LogOptions, PodsClient } from "./pods.ts";
export {
  type DeleteOptions,
  type Propagation,
  ResourceClient,
  type Selection,
  type SubmitOptions,
  type WaitOptions,
  type WatchOptions,
} from "./resource-client.ts";
export type { RetryPolicy } from "./retry.ts";
export type { Listed, WatchEvent } from "./watch.ts";
