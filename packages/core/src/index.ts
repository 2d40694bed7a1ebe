export * from "./job.ts";
export * from "./job-plan.ts";
export * from "./pod-record.ts";
export type { PodSpec } from "./schema/pod.ts";
