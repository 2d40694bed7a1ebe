// What the supervisor is told to run: a Pod with every name resolved. Travels as JSON; never stored,
// because it holds the values of Secrets.
import type { LogLimits } from "../logs/log-file.ts";
import type { ContainerBehaviour } from "../pod/behaviour.ts";
import type { BackoffTiming } from "../pod/restart.ts";
import type { MountPlan } from "../pod/volumes.ts";
import type { CgroupLimits } from "./cgroup.ts";
import type { VolumeLimit } from "../pod/volume-limits.ts";

export interface ContainerPlan extends ContainerBehaviour {
  readonly image: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly user?:
    | { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
    | undefined;
  /** Present when the container needs a mount namespace of its own. */
  readonly mounts?: readonly MountPlan[] | undefined;
  readonly stopSignal: NodeJS.Signals;
  /** Its standard input can be attached to; `once`: ends with the first client's. */
  readonly stdin?: "open" | "once" | undefined;
  /** File on the host that the termination message is read from. */
  readonly messageFile?: string | undefined;
  readonly messageFromLogs: boolean;
  /** Present when the container has limits and the host lets us enforce them. */
  readonly limits?: CgroupLimits | undefined;
}

export interface PodPlan {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly directory: string;
  readonly podIP: string;
  readonly graceSeconds: number;
  readonly deadlineMs?: number | undefined;
  readonly backoff: BackoffTiming;
  readonly logLimits: LogLimits;
  /** Whether user namespaces are needed to mount (the worker is not root). */
  readonly rootless: boolean;
  /** Where control groups of containers are made. */
  readonly cgroupRoot?: string | undefined;
  readonly volumeLimits: readonly VolumeLimit[];
  readonly volumeCheckMs: number;
  readonly initContainers: readonly ContainerPlan[];
  readonly containers: readonly ContainerPlan[];
}

export const logDirectory = (podDirectory: string, container: string): string =>
  `${podDirectory}/logs/${container}`;
