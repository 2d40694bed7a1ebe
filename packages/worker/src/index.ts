export { adoptAll, scan } from "./node-pods.ts";
export { PodRunner, type PodResult, type RunOutcome } from "./pod-runner.ts";
export type { Observation, PodSink, RunnablePod, RunningPod, Runtime } from "./runtime.ts";
export type { WorkerContext } from "./worker-context.ts";
