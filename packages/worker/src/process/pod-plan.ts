// What the supervisor is told to run: a Pod with every name resolved. Travels as JSON; never stored,
// because it holds the values of Secrets.
import type { LogLimits } from "../logs/log-file.ts";
import type { BackoffTiming, RestartBehaviour } from "../pod/restart.ts";

export type ProbeAction =
  | { readonly kind: "exec"; readonly argv: readonly string[] }
  | {
      readonly kind: "http";
      readonly url: string;
      readonly headers: readonly (readonly [string, string])[];
    }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

export type HookAction = ProbeAction | { readonly kind: "sleep"; readonly seconds: number };

export interface ProbePlan {
  readonly action: ProbeAction;
  readonly initialDelayMs: number;
  readonly timeoutMs: number;
  readonly periodMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
  /** Grace for the kill that a failed liveness or startup probe causes. */
  readonly graceSeconds?: number | undefined;
}

export interface MountPlan {
  /** Directory or file on the host. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface ContainerPlan {
  readonly name: string;
  /** An init container that keeps running (restartPolicy Always). */
  readonly sidecar: boolean;
  readonly image: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly user?:
    | { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
    | undefined;
  /** Present when the container needs a mount namespace of its own. */
  readonly mounts?: readonly MountPlan[] | undefined;
  readonly restart: RestartBehaviour;
  readonly stopSignal: NodeJS.Signals;
  readonly postStart?: HookAction | undefined;
  readonly preStop?: HookAction | undefined;
  readonly startupProbe?: ProbePlan | undefined;
  readonly livenessProbe?: ProbePlan | undefined;
  readonly readinessProbe?: ProbePlan | undefined;
  /** File on the host that the termination message is read from. */
  readonly messageFile?: string | undefined;
  readonly messageFromLogs: boolean;
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
  readonly initContainers: readonly ContainerPlan[];
  readonly containers: readonly ContainerPlan[];
}

export const logDirectory = (podDirectory: string, container: string): string =>
  `${podDirectory}/logs/${container}`;
