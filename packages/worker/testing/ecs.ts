// Parts of the ecs runtime, for tests that need a fake of ECS; the index leaves them to be loaded late.
export { EcsRuntime } from "../src/ecs/ecs-runtime.ts";
export { type PodTask, TaskLogs } from "../src/ecs/logs/task-logs.ts";
