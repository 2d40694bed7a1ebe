// The tasks that a Pod has and had, from its record while it runs and from the Pod itself afterwards.
import { parseTaskFacts, TASK_ANNOTATION, taskId } from "@gantry/core";
import { readSeenTask, readTaskRecord, type Store, type TaskRecord } from "@gantry/store";
import type { LoggedPod, PodTask } from "./task-logs.ts";

/** Of a task that stopped at an unknown time in the past. */
const LONG_AGO_MS = 0;

export const podTasks = async (store: Store, pod: LoggedPod): Promise<readonly PodTask[]> => {
  const record = await readTaskRecord(store, pod.uid);
  return record === null ? endedTasks(store, pod) : recordedTasks(store, record);
};

/** `ran`, newest first, before the task of this attempt. */
const withEarlier = (
  ran: readonly string[],
  attempt: number,
  task: PodTask | undefined,
): PodTask[] => [
  ...ran
    .map((arn, n) => ({
      taskId: taskId(arn),
      attempt: attempt - 1 - n,
      stoppedAtMs: LONG_AGO_MS,
      // The next one is not there yet.
      ...(n === 0 && task === undefined ? { runsAgain: true } : {}),
    }))
    .toReversed(),
  ...(task === undefined ? [] : [task]),
];

const recordedTasks = async (store: Store, record: TaskRecord): Promise<PodTask[]> => {
  const { taskArn, attempt, ran = [] } = record;
  if (taskArn === undefined || ran.includes(taskArn)) return withEarlier(ran, attempt, undefined);
  const seen = await readSeenTask(store, taskArn);
  const stoppedAtMs = seen?.task.stoppedAtMs;
  const task = { taskId: taskId(taskArn), attempt, ...(stoppedAtMs && { stoppedAtMs }) };
  return withEarlier(ran, attempt, task);
};

const endedTasks = async (
  store: Store,
  { namespace, name, uid }: LoggedPod,
): Promise<PodTask[]> => {
  const found = await store.get("pods", `${namespace}/${name}`);
  if (found === null || found.value.uid !== uid) return [];
  const { meta, handle } = found.value;
  const facts = parseTaskFacts(meta?.annotations?.[TASK_ANNOTATION]);
  const arn = facts?.taskArn ?? handle;
  const attempt = facts?.attempt ?? 1;
  const stoppedAtMs = facts?.stoppedAtMs ?? LONG_AGO_MS;
  const task = arn === undefined ? undefined : { taskId: taskId(arn), attempt, stoppedAtMs };
  return withEarlier(facts?.ran ?? [], attempt, task);
};
