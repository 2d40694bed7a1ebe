// Asks ECS about tasks, a hundred in a call: often while they are young, seldom where events tell.
import { DescribeTasksCommand, type ECSClient } from "@aws-sdk/client-ecs";
import { type EcsSettings, type EcsTask, taskFrom } from "@gantry/core";
import type { Logger } from "pino";
import type { EcsCounters } from "./counters.ts";
import { type EcsApi, RefusedCall } from "./ecs-api.ts";

/** ECS describes so many tasks in a call. */
const BATCH = 100;

/** A task is young for so long after it was first watched. */
const YOUNG_MS = 120_000;

const LOOK_EVERY_MS = 200;

/** A call that failed is made again after this long. */
const FAILED_RETRY_MS = 1_000;

/** Those due this soon are asked about in a call that is made anyway. */
const SOON_SHARE = 0.25;

/** What is heard of a task. */
export type TaskNews =
  | { readonly kind: "task"; readonly task: EcsTask }
  /** ECS knows no such task: not yet, or not any more. */
  | { readonly kind: "missing" };

interface Watched {
  readonly arn: string;
  readonly cluster: string;
  readonly sinceMs: number;
  readonly tell: (news: TaskNews) => void;
  dueAtMs: number;
}

export interface TaskWatchOptions {
  readonly settings: EcsSettings;
  readonly client: ECSClient;
  readonly api: EcsApi;
  readonly counters: EcsCounters;
  readonly log: Logger;
  readonly now: () => number;
}

export class TaskWatch {
  readonly #options: TaskWatchOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #closed = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #asking: Promise<void> = Promise.resolve();
  #lastCallAtMs = 0;

  constructor(options: TaskWatchOptions) {
    this.#options = options;
  }

  /** `atOnce`: it is asked about now; else when its first look is due. */
  add(arn: string, cluster: string, tell: (news: TaskNews) => void, atOnce: boolean): void {
    const nowMs = this.#options.now();
    const dueAtMs = atOnce ? nowMs : nowMs + this.#intervalMs(0);
    this.#watched.set(arn, { arn, cluster, tell, sinceMs: nowMs, dueAtMs });
    this.#schedule();
  }

  remove(arn: string): void {
    this.#watched.delete(arn);
  }

  /** Something is expected of the task soon: it is asked about no later than in `ms`. */
  hurry(arn: string, ms: number): void {
    const watched = this.#watched.get(arn);
    if (watched === undefined) return;
    watched.dueAtMs = Math.min(watched.dueAtMs, this.#options.now() + ms);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    clearTimeout(this.#timer);
    this.#watched.clear();
    await this.#asking;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#closed.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#asking = this.#ask()
        .catch((error: unknown) => {
          if (this.#closed.signal.aborted) return;
          this.#options.log.warn({ err: error }, "tasks could not be described; tried again");
        })
        .finally(() => {
          this.#timer = undefined;
          if (this.#watched.size > 0) this.#schedule();
        });
    }, LOOK_EVERY_MS);
  }

  #intervalMs(ageMs: number): number {
    const { queueUrl, youngPollSeconds, oldPollSeconds, safetyPollSeconds } =
      this.#options.settings.watch;
    if (queueUrl !== undefined) return safetyPollSeconds * 1000;
    return (ageMs < YOUNG_MS ? youngPollSeconds : oldPollSeconds) * 1000;
  }

  /** One call a cluster with the tasks that are due, those most overdue first. */
  async #ask(): Promise<void> {
    const { now, settings } = this.#options;
    const nowMs = now();
    if (nowMs - this.#lastCallAtMs < 1000 / settings.watch.maxDescribeCallsPerSecond) return;
    const clusters = new Set([...this.#watched.values()].map(({ cluster }) => cluster));
    for (const cluster of clusters) {
      const all = [...this.#watched.values()].filter((one) => one.cluster === cluster);
      const soonMs = nowMs + this.#intervalMs(0) * SOON_SHARE;
      if (!all.some(({ dueAtMs }) => dueAtMs <= nowMs)) continue;
      const batch = all
        .filter(({ dueAtMs }) => dueAtMs <= soonMs)
        .toSorted((a, b) => a.dueAtMs - b.dueAtMs)
        .slice(0, BATCH);
      this.#lastCallAtMs = nowMs;
      await this.#describe(cluster, batch).catch((error: unknown) => {
        // The other clusters' tasks are not to wait for this one's.
        for (const watched of batch) watched.dueAtMs = now() + FAILED_RETRY_MS;
        if (this.#closed.signal.aborted) return;
        this.#options.log.warn(
          { err: error, cluster },
          "tasks could not be described; tried again",
        );
      });
    }
  }

  /** A call that ECS refuses for what is in it is made again in halves: one task must not hide all. */
  async #describe(cluster: string, batch: readonly Watched[]): Promise<void> {
    try {
      await this.#describeAll(cluster, batch);
    } catch (error) {
      if (!(error instanceof RefusedCall) || error.classification.class !== "permanent")
        throw error;
      const [first] = batch;
      if (first === undefined) return;
      if (batch.length === 1) {
        this.#options.log.warn({ err: error, task: first.arn }, "ECS takes this for no task");
        first.dueAtMs = this.#options.now() + this.#intervalMs(0);
        first.tell({ kind: "missing" });
        return;
      }
      const half = Math.ceil(batch.length / 2);
      await this.#describe(cluster, batch.slice(0, half));
      await this.#describe(cluster, batch.slice(half));
    }
  }

  async #describeAll(cluster: string, batch: readonly Watched[]): Promise<void> {
    const { api, client, counters, now } = this.#options;
    const { tasks = [], failures = [] } = await api.once("DescribeTasks", "clusterRead", () =>
      client.send(new DescribeTasksCommand({ cluster, tasks: batch.map(({ arn }) => arn) })),
    );
    counters.count("polls");
    counters.count("polled_tasks", "", batch.length);
    const nowMs = now();
    for (const watched of batch) {
      watched.dueAtMs = nowMs + this.#intervalMs(nowMs - watched.sinceMs);
    }
    const tell = (arn: string | undefined, news: TaskNews): void => {
      const watched = this.#watched.get(arn ?? "");
      if (watched !== undefined && batch.includes(watched)) watched.tell(news);
    };
    for (const raw of tasks) {
      const task = taskFrom(raw);
      if (task !== undefined) tell(task.taskArn, { kind: "task", task });
    }
    for (const { arn, reason } of failures) {
      if (reason === "MISSING") tell(arn, { kind: "missing" });
    }
  }
}
