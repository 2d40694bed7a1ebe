export { adoptAll, scan } from "./node-pods.ts";
export { PodRunner, type RunOutcome } from "./pod-runner.ts";
export type { PodResult } from "./pod-result.ts";
export type { Observation, PodSink, RunnablePod, RunningPod, Runtime } from "./runtime.ts";
export type { WorkerContext } from "./worker-context.ts";
export { ProcessRuntime, type ProcessRuntimeOptions } from "./process/process-runtime.ts";
export { SimulatedRuntime } from "./simulated/simulated-runtime.ts";
export { type RunningWorker, startWorker, type WorkerOptions } from "./start-worker.ts";
