// One task as the fake knows it: the Task that clients see, and what they don't.
import type { Tag, Task, TaskDefinition } from "@aws-sdk/client-ecs";
import type { TaskRun } from "../journal.ts";
import type { MetFault, TaskFault } from "../faults.ts";
import type { Place } from "./capacity.ts";

export interface TaskRecord {
  readonly arn: string;
  readonly id: string;
  readonly cluster: string;
  /** Changed in place by the lifecycle; `version` counts the changes. */
  readonly task: Task;
  readonly definition: TaskDefinition;
  readonly place: Place;
  readonly run: TaskRun;
  readonly fault: MetFault<TaskFault> | undefined;
  /** Before this moment reads do not see it. */
  readonly visibleFromMs: number;
  /** Erased by StopTask. */
  tags: Tag[];
  stoppedAtMs: number | null;
  /** The record itself is lost. */
  gone: boolean;
}

/** What clients get of a task; tags only when they ask for them. */
export const shownTask = (record: TaskRecord, withTags: boolean): Task => ({
  ...record.task,
  containers: (record.task.containers ?? []).map((container) => ({ ...container })),
  ...(withTags ? { tags: [...record.tags] } : {}),
});
