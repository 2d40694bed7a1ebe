// The seam between the supervision of a container and what really runs it.
import type { ContainerState } from "@gantry/core";
import type { RuntimeEvent } from "../runtime.ts";
import type { Exec } from "./prober.ts";

export interface ContainerExit {
  readonly exitCode: number;
  readonly signal?: number | undefined;
  /** When it is neither Completed nor Error: OOMKilled, ContainerCannotRun... */
  readonly reason?: string | undefined;
  /** Present when the program never ran. */
  readonly startError?: string | undefined;
  /** Unix ms; now, when not given. */
  readonly finishedAtMs?: number | undefined;
}

export interface StartedContainer {
  readonly containerID: string;
  readonly imageID: string;
  readonly startedAtMs: number;
  /** It was running before: it was said to have started, and its hook has run. */
  readonly resumed: boolean;
  /** Resolves once the container is gone and its output is in the log. */
  readonly exited: Promise<ContainerExit>;
}

/** `null`: given up before it started, because it is to stop. */
export type StartOutcome = StartedContainer | { readonly failed: ContainerExit } | null;

export interface StartReports {
  /** What the container shows until it starts. */
  waiting(reason: string, message?: string): void;
  event(type: RuntimeEvent["type"], reason: string, message: string): void;
  /** Aborted when the container is to stop. */
  readonly cancelled: AbortSignal;
}

/** One container of a Pod. At most one of its runs goes on at a time. */
export interface ContainerDriver {
  /** Known from before a restart of the worker: goes on with this run. */
  readonly known?: { readonly restart: number; readonly lastState?: ContainerState | undefined };
  start(restart: number, reports: StartReports): StartOutcome | Promise<StartOutcome>;
  /** `undefined`: the signal that ends the container in an orderly way. */
  signal(name: NodeJS.Signals | undefined): void;
  readonly exec: Exec;
  /** Termination message of a run that has ended. */
  message(restart: number, exitCode: number): string | Promise<string>;
}
