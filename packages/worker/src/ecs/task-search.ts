// Looks for the task of an attempt whose RunTask may have started one: in ECS's list, and among events.
import { findSeenTask, type TaskRecord } from "@gantry/store";
import { RefusedCall } from "./ecs-api.ts";
import type { EcsContext } from "./ecs-context.ts";

/** Without an answer nothing can be decided. */
const RETRY_MS = 15_000;

/** How long the events in the queue get to be read, before a launch counts as lost. */
const BACKLOG_MS = 10_000;
const BACKLOG_LOOK_MS = 500;

/** The ARN of the task of a record's attempt among all of ours that are to run. */
export const listedTask = async (
  { census, now, log, sleep }: EcsContext,
  { cluster, podUid, attempt, pod }: TaskRecord,
): Promise<string | undefined> => {
  for (;;) {
    try {
      return (await census.find(cluster, podUid, attempt, now()))?.taskArn;
    } catch (error) {
      if (!(error instanceof RefusedCall)) throw error;
      log.warn({ err: error, pod }, "whether a task was started can't be found out yet");
      await sleep(RETRY_MS);
    }
  }
};

/**
 * The same from what events told, or tell yet: they may have waited in their queue for as long as
 * nobody looked. `told` has what is heard meanwhile.
 */
export const toldTask = async (
  { store, settings, now, sleep }: EcsContext,
  { podUid, attempt }: TaskRecord,
  told: () => string | undefined,
): Promise<string | undefined> => {
  const endMs = now() + (settings.watch.queueUrl === undefined ? 0 : BACKLOG_MS);
  for (;;) {
    const seen = told() ?? (await findSeenTask(store, podUid, attempt))?.taskArn;
    if (seen !== undefined || now() >= endMs) return seen;
    await sleep(BACKLOG_LOOK_MS);
  }
};
