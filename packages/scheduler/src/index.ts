export type { MetricsListen } from "./metrics/metrics-server.ts";
export { type Scheduler, type SchedulerOptions, startScheduler } from "./start-scheduler.ts";
export { Cleanup } from "./cleanup.ts";
export type { ControllerContext } from "./controller-context.ts";
export { NodeLifecycle } from "./node-lifecycle.ts";
export { syncByKey } from "./sync-by-key.ts";
export { SyncLoop } from "./sync-loop.ts";
export { TimerLoop } from "./timer-loop.ts";
