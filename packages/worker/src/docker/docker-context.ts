// What the parts of the docker runtime share.
import type Docker from "dockerode";
import type { Logger } from "pino";
import type { LogLimits } from "../logs/log-file.ts";
import type { HostFacts } from "../pod/field-ref.ts";
import type { BackoffTiming } from "../pod/restart.ts";
import type { EngineWatch } from "./engine-watch.ts";
import type { ImagePuller } from "./image-puller.ts";

export interface DockerContext {
  readonly docker: Docker;
  /** Marks what this worker's data directory owns in the engine. */
  readonly owner: string;
  readonly watch: EngineWatch;
  readonly images: ImagePuller;
  readonly host: HostFacts;
  /** The network of Pods that don't have the host's. */
  readonly network: string;
  readonly allowedHostPaths: readonly string[];
  readonly backoff: BackoffTiming;
  readonly logLimits: LogLimits;
  /** When this machine started, Unix ms. */
  readonly bootedAtMs: number;
  /** How often emptyDir volumes with a sizeLimit are measured. */
  readonly volumeCheckMs: number;
  readonly log: Pick<Logger, "warn"> | undefined;
  /** Aborted when the runtime closes. */
  readonly closed: AbortSignal;
}
