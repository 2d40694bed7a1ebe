// What is written before a task is started or stopped, as far as rules depend on it.
import type { ContainerState } from "../pod-record.ts";

/** Why Gantry stops a task itself. */
export type StopReason =
  /** The Pod is deleted (also by suspend and by a Job's end). */
  | "Deleted"
  /** The Pod's activeDeadlineSeconds. */
  | "DeadlineExceeded"
  /** It stayed too long in a phase before RUNNING; another is started. */
  | "LaunchDeadline"
  /** Its livenessProbe failed. */
  | "Unhealthy"
  /** Of a worker that goes away for good and takes its Pods along. */
  | "Shutdown"
  | "Orphan";

export interface StopIntent {
  readonly reason: StopReason;
  /** Unix milliseconds. */
  readonly atMs: number;
  readonly message?: string | undefined;
}

/** One attempt to run a Pod as a task. */
export interface LaunchIntent {
  readonly podUid: string;
  /** Counts the tasks of the Pod from 1; each has its own client token. */
  readonly attempt: number;
  /** Restarts so far: earlier tasks of the Pod whose containers ran and ended. */
  readonly restarts: number;
  /** Attempts since the last task that ran, which came to nothing. */
  readonly failedLaunches: number;
  /** Name of the lane. */
  readonly lane: string;
  /** When this attempt's RunTask was first sent, Unix milliseconds. */
  readonly launchedAtMs: number;
  /** When the first of these attempts was: the launch deadline counts from here. */
  readonly firstLaunchedAtMs: number;
  readonly stop?: StopIntent | undefined;
  /** How the containers of the task before ended, by name. */
  readonly lastStates?: Readonly<Record<string, ContainerState>> | undefined;
}

/** Longest `clientToken`. */
export const MAX_CLIENT_TOKEN = 64;

/**
 * A token may be replayed for so long: ECS forgets it an hour after its task has stopped, and a
 * replay after that would start a second task.
 */
export const REPLAY_WINDOW_MS = 50 * 60_000;

export const clientToken = ({
  podUid,
  attempt,
}: Pick<LaunchIntent, "podUid" | "attempt">): string => `${podUid}.${attempt}`;

/** Whether the stored RunTask may be sent again under its token. */
export const mayReplay = ({ launchedAtMs }: Pick<LaunchIntent, "launchedAtMs">, nowMs: number) =>
  nowMs - launchedAtMs < REPLAY_WINDOW_MS;
