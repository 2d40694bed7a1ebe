// EventBridge's part: each change of a task becomes a message in the queue, at least once and
// roughly in order.
import { randomUUID } from "node:crypto";
import type { Task } from "@aws-sdk/client-ecs";
import type { Clock } from "../clock.ts";
import type { Faults } from "../faults.ts";
import type { Settings } from "../settings.ts";
import type { Queue } from "../sqs/queue.ts";
import type { TaskRecord } from "./task-record.ts";

/** The Task of the API, with ISO timestamps, and what only events have. */
const detailOf = (task: Task, nowMs: number): Readonly<Record<string, unknown>> => ({
  ...task,
  // Tags are no part of events.
  tags: undefined,
  updatedAt: new Date(nowMs),
});

export class TaskEvents {
  readonly #clock: Clock;
  readonly #faults: Faults;
  readonly #settings: Settings;
  readonly #queue: Queue;

  constructor(clock: Clock, faults: Faults, settings: Settings, queue: Queue) {
    this.#clock = clock;
    this.#faults = faults;
    this.#settings = settings;
    this.#queue = queue;
  }

  emit({ task, arn }: TaskRecord): void {
    const nowMs = this.#clock.nowMs();
    const body = JSON.stringify({
      version: "0",
      id: randomUUID(),
      "detail-type": "ECS Task State Change",
      source: "aws.ecs",
      account: this.#settings.account,
      time: new Date(nowMs).toISOString().replace(/\.\d+Z$/, "Z"),
      region: this.#settings.region,
      resources: [arn],
      detail: detailOf(task, nowMs),
    });
    const { eventMs } = this.#settings.timings;
    const met = this.#faults.ofEvent(nameOf(task), task);
    if (met?.fault === "lose") return;
    this.#queue.send(body, met?.fault === "delay" ? eventMs + met.ms : eventMs);
    if (met?.fault === "duplicate") this.#queue.send(body, eventMs + met.ms);
  }
}

/** Chance follows the work rather than the task's random name. */
const nameOf = (task: Task): string =>
  JSON.stringify([task.overrides?.containerOverrides, task.version, task.lastStatus]);
