// The parts that a process is put together from, loaded when they are started and not before.

export interface Part {
  close(): Promise<void>;
}

export const loadApi = async () => (await import("@gantry/api")).startApi;

export const loadScheduler = async () => (await import("@gantry/scheduler")).startScheduler;

export const loadWorker = async () => (await import("@gantry/worker")).startWorker;
