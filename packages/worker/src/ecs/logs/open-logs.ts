// The logs of an ecs runtime: its client, its group, its share of the account's rate.
import { RateBuckets } from "@gantry/store";
import type { EcsContext } from "../ecs-context.ts";
import { SharedLogLimiter } from "./log-limiter.ts";
import { podTasks } from "./pod-tasks.ts";
import { TaskLogs } from "./task-logs.ts";

export const openLogs = ({
  settings,
  clients,
  store,
  holder,
  api,
  now,
  sleep,
}: EcsContext): TaskLogs => {
  const clock = { nowMs: now, sleep };
  const { group, streamPrefix, drainSeconds } = settings.logs;
  const buckets = new RateBuckets(store, holder);
  return new TaskLogs({
    client: clients.logs,
    group,
    streamPrefix,
    limiter: new SharedLogLimiter(buckets, api.limit("logEvents"), clock),
    clock,
    drainMs: drainSeconds * 1000,
    tasksOf: (pod) => podTasks(store, pod),
  });
};
