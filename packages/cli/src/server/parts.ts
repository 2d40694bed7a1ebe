// The parts that a process is put together from, loaded when they are started and not before.
import type { RedisConnection } from "@gantry/store";
import type { Logger } from "pino";
import type { Listen } from "../listen.ts";

export interface Part {
  close(): Promise<void>;
}

interface ApiPart extends Part {
  readonly port: number;
  readonly opsPort: number | null;
}

interface ApiStart {
  readonly redis: RedisConnection;
  readonly listen: Listen;
  readonly tls: { readonly key: string; readonly cert: string } | null;
  readonly token: string;
  readonly ops: (Listen & { readonly write: boolean }) | null;
  readonly log: Logger;
  readonly version: string;
  readonly defaultRuntime: string;
}

interface SchedulerStart {
  readonly redis: RedisConnection;
  readonly log: Logger;
}

interface WorkerStart {
  readonly redis: RedisConnection;
  readonly log: Logger;
  readonly dataDir: string;
  readonly node: string;
  readonly runtimes: string[];
  readonly defaultRuntime: string;
  readonly concurrency: number;
  readonly listen: Listen;
  readonly drain: "wait" | "stop";
}

export interface Starters {
  readonly startApi: (options: ApiStart) => Promise<ApiPart>;
  readonly startScheduler: (options: SchedulerStart) => Promise<Part>;
  readonly startWorker: (options: WorkerStart) => Promise<Part>;
}

export const loadApi = async (): Promise<Starters["startApi"]> =>
  ((await import("@gantry/api")) as unknown as Starters).startApi;

export const loadScheduler = async (): Promise<Starters["startScheduler"]> =>
  ((await import("@gantry/scheduler")) as unknown as Starters).startScheduler;

export const loadWorker = async (): Promise<Starters["startWorker"]> =>
  ((await import("@gantry/worker")) as unknown as Starters).startWorker;
