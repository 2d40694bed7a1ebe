// What is kept of ECS tasks apart from their Pods: written before a task is launched, gone once it
// is known to have stopped. Whatever dies, a task that Gantry started is found by it.
import type { EcsTask, LaunchIntent, RunTaskInput } from "@gantry/core";
import { suffix } from "./keys.ts";
import { script } from "./script.ts";
import type { Store } from "./store.ts";
import type { Txn } from "./txn.ts";

const seenScript = script("task-seen");

/** Events kept for workers that read late; what they miss their polls make up for. */
const EVENTS_LENGTH = 10_000;

/** A Pod's present attempt, and what became of it. */
export interface TaskRecord extends LaunchIntent {
  /** `namespace/name` of the Pod. */
  readonly pod: string;
  /** Exactly what RunTask is sent, now and in each replay. */
  readonly input: RunTaskInput;
  /** Hash of its task definition's content. */
  readonly definition: string;
  /** CPU units. */
  readonly cpu: number;
  readonly taskArn?: string | undefined;
  /** Cluster of the lane: where the task is to be looked for. */
  readonly cluster: string;
  /** ARNs of the tasks before, newest first: their logs. */
  readonly earlier?: readonly string[] | undefined;
  /** Those of them whose containers ran before a restart, newest first. */
  readonly ran?: readonly string[] | undefined;
  /** Attempts on Spot that came to nothing or were reclaimed. */
  readonly spotAttempts: number;
  /** Attempts since the last task that ran for which there was no room. */
  readonly capacityFailures: number;
  /** When the Pod's first task was there, Unix ms: its own deadline counts from here. */
  readonly startedAtMs?: number | undefined;
  /** Restarts in a row of which none ran for long: the back-off grows with them. */
  readonly streak?: number | undefined;
  /** Not to be launched again before, Unix ms: the back-off after a failed launch or a restart. */
  readonly notBeforeMs?: number | undefined;
  /** RunTask of this attempt was answered with failures: a task may come all the same. */
  readonly mayHaunt?: boolean | undefined;
  /** The present attempt came to nothing: the next is due. */
  readonly over?: boolean | undefined;
}

/** What an event told. */
export interface SeenTask {
  readonly version: number;
  readonly task: EcsTask;
}

/** Writes the record in the caller's transaction. `before` is what it replaces. */
export const putTaskRecord = (txn: Txn, record: TaskRecord, before?: TaskRecord): void => {
  txn.side("HSET", suffix.ecsRecords, record.podUid, JSON.stringify(record));
  if (before !== undefined && before.lane !== record.lane) {
    txn.side("HDEL", suffix.ecsVcpu(before.lane), before.podUid);
  }
  if (before?.taskArn !== undefined && before.taskArn !== record.taskArn) {
    txn.side("HDEL", suffix.ecsTasks, before.taskArn);
  }
  if (record.over === true) txn.side("HDEL", suffix.ecsVcpu(record.lane), record.podUid);
  else txn.side("HSET", suffix.ecsVcpu(record.lane), record.podUid, record.cpu);
  // Also where there was one before: whoever stood still meanwhile writes what another has closed,
  // and without its owner nobody would look at it again.
  txn.side("HSET", suffix.ecsOwners, record.podUid, record.pod);
};

/** The task has stopped, or there never was one. */
export const deleteTaskRecord = (txn: Txn, record: TaskRecord): void => {
  txn.side("HDEL", suffix.ecsRecords, record.podUid);
  txn.side("HDEL", suffix.ecsOwners, record.podUid);
  txn.side("HDEL", suffix.ecsVcpu(record.lane), record.podUid);
  if (record.taskArn !== undefined) txn.side("HDEL", suffix.ecsTasks, record.taskArn);
};

const parse = (text: string): TaskRecord => JSON.parse(text) as TaskRecord;

export const readTaskRecord = async (store: Store, podUid: string): Promise<TaskRecord | null> => {
  const text = await store.redis.hget(store.key(suffix.ecsRecords), podUid);
  return text === null ? null : parse(text);
};

/** Keys of the Pods that have a record, by uid. */
export const taskOwners = async (store: Store): Promise<ReadonlyMap<string, string>> =>
  new Map(Object.entries(await store.redis.hgetall(store.key(suffix.ecsOwners))));

/** Of Pods that have one. */
export const readTaskRecords = async (
  store: Store,
  podUids: readonly string[],
): Promise<TaskRecord[]> => {
  if (podUids.length === 0) return [];
  const texts = await store.redis.hmget(store.key(suffix.ecsRecords), ...podUids);
  return texts.flatMap((text) => (text === null ? [] : [parse(text)]));
};

/** Durable when it resolves; see `task-seen.lua` for what it resolves with. */
export const recordSeenTask = async (
  store: Store,
  podUid: string,
  task: EcsTask,
): Promise<"new" | "old" | "unowned"> => {
  const keys = [suffix.ecsRecords, suffix.ecsTasks, suffix.ecsEvents].map((one) => store.key(one));
  const args = [podUid, task.taskArn, task.version, JSON.stringify(task), EVENTS_LENGTH];
  return (await seenScript.run(store.redis, keys, args)) as "new" | "old" | "unowned";
};

/** The newest that an event told of a task. */
export const readSeenTask = async (store: Store, taskArn: string): Promise<SeenTask | null> => {
  const text = await store.redis.hget(store.key(suffix.ecsTasks), taskArn);
  if (text === null) return null;
  const space = text.indexOf(" ");
  return {
    version: Number(text.slice(0, space)),
    task: JSON.parse(text.slice(space + 1)) as EcsTask,
  };
};

/** A task of a Pod's attempt that events told of, before anybody knew its ARN. */
export const findSeenTask = async (
  store: Store,
  podUid: string,
  attempt: number,
): Promise<EcsTask | undefined> => {
  const texts = await store.redis.hvals(store.key(suffix.ecsTasks));
  for (const text of texts) {
    if (!text.includes(podUid)) continue;
    const task = JSON.parse(text.slice(text.indexOf(" ") + 1)) as EcsTask;
    if (task.owner?.podUid === podUid && task.owner.attempt === attempt) return task;
  }
  return undefined;
};
