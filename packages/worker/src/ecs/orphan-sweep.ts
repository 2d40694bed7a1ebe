// Finds tasks of this installation that no Pod has: adopts them, or stops what nobody owns.
import { type EcsTask, isTerminal, taskId } from "@gantry/core";
import {
  holdRole,
  leaveRole,
  readTaskRecord,
  recordSeenTask,
  repeat,
  type Repeating,
  suffix,
  type TaskRecord,
} from "@gantry/store";
import type { RuntimeEvent } from "../runtime.ts";
import { collectDefinitions } from "./definition-collection.ts";
import type { EcsContext } from "./ecs-context.ts";
import { stopReason, stopTask } from "./task-stop.ts";

const ROLE = "ecs-sweep";
const ROLE_MIN_MS = 60_000;

/** What a task of ours turned out to be. */
type Standing =
  | "owned"
  /** A launch waits to hear of it. */
  | "awaited"
  | "orphan";

export interface OrphanSweepOptions {
  readonly context: EcsContext;
  /** Tells people, on the Pod that the task was for. */
  readonly tell: (owner: NonNullable<EcsTask["owner"]>, event: RuntimeEvent) => void;
}

export interface SweepResult {
  readonly tasks: number;
  readonly orphans: number;
  readonly stopped: number;
  readonly dryRun: boolean;
}

export class OrphanSweep {
  readonly #options: OrphanSweepOptions;
  #loop: Repeating | undefined;

  constructor(options: OrphanSweepOptions) {
    this.#options = options;
  }

  open(): void {
    const { log, settings } = this.#options.context;
    const everyMs = settings.sweep.intervalSeconds * 1000;
    this.#loop = repeat(everyMs, log, "sweep of orphaned tasks", () => this.sweep());
  }

  async close(): Promise<void> {
    await this.#loop?.close();
    const { store, holder } = this.#options.context;
    await leaveRole(store, ROLE, holder).catch(() => {});
  }

  /** One sweep, if it is this worker's turn; `null` if not. */
  async sweep(): Promise<SweepResult | null> {
    const { store, holder, settings, now } = this.#options.context;
    const ttlMs = Math.max(ROLE_MIN_MS, 2 * settings.sweep.intervalSeconds * 1000);
    if (!(await holdRole(store, ROLE, holder, ttlMs))) return null;
    const dryRun = await this.#isDryRun();
    const before = await store.redis.hgetall(store.key(suffix.ecsOrphans));
    const orphans = new Map<string, EcsTask>();
    let tasks = 0;
    for (const cluster of new Set(settings.lanes.map((lane) => lane.cluster))) {
      for (const task of (await this.#options.context.census.tasks(cluster, now())).values()) {
        tasks += 1;
        if ((await this.#standing(task)) === "orphan") orphans.set(task.taskArn, task);
      }
    }
    await this.#remember(before, orphans);
    const stopped = await this.#stop(before, orphans, dryRun);
    await collectDefinitions(this.#options.context);
    return { tasks, orphans: orphans.size, stopped, dryRun };
  }

  /**
   * A store that was emptied or restored knows nothing of Pods that run: what seems to be an orphan
   * may not be one. That a server is another one is as much as can be seen of it.
   */
  async #isDryRun(): Promise<boolean> {
    const { store, now, settings, log } = this.#options.context;
    const key = store.key(suffix.ecsMeta);
    const [known, since] = await store.redis.hmget(key, "runId", "sinceMs");
    const runId = (await store.redis.hget(store.key(suffix.meta), "runId")) ?? "";
    const nowMs = now();
    if (known !== runId || since === null) {
      await store.redis.hset(key, { runId, sinceMs: nowMs });
      const seconds = settings.sweep.dryRunSeconds;
      if (seconds > 0) {
        log.info({ seconds }, "the store's server is new: for now orphaned tasks are only told of");
      }
      return seconds > 0;
    }
    return nowMs - Number(since) < settings.sweep.dryRunSeconds * 1000;
  }

  async #standing(task: EcsTask): Promise<Standing> {
    const { store } = this.#options.context;
    const { owner } = task;
    // Whoever started it named this installation, but it is none of Gantry's Pods.
    if (owner === undefined) return "owned";
    const record = await readTaskRecord(store, owner.podUid);
    if (record !== null) return this.#standingOf(task, owner.attempt, record);
    if (owner.pod === undefined) return "orphan";
    const pod = await store.get("pods", owner.pod);
    const isOwners = pod?.value.uid === owner.podUid && !isTerminal(pod.value);
    return isOwners && pod.value.handle === task.taskArn ? "owned" : "orphan";
  }

  async #standingOf(task: EcsTask, attempt: number, record: TaskRecord): Promise<Standing> {
    if (record.taskArn === task.taskArn) return "owned";
    if (record.attempt !== attempt || record.taskArn !== undefined) return "orphan";
    // Its reply was lost, or ECS said that there was none: whoever runs the Pod takes it up.
    await recordSeenTask(this.#options.context.store, record.podUid, task);
    return "awaited";
  }

  /** When each was first seen; those that are no orphans any more are forgotten. */
  async #remember(
    before: Readonly<Record<string, string>>,
    orphans: ReadonlyMap<string, EcsTask>,
  ): Promise<void> {
    const { store, now, counters, log, settings } = this.#options.context;
    const key = store.key(suffix.ecsOrphans);
    const gone = Object.keys(before).filter((arn) => !orphans.has(arn));
    if (gone.length > 0) await store.redis.hdel(key, ...gone);
    for (const [arn, task] of orphans) {
      if (before[arn] !== undefined) continue;
      await store.redis.hset(key, arn, now());
      counters.count("orphans_seen");
      log.warn({ task: arn, owner: task.owner }, "a task has no Pod");
      this.#tell(task, {
        type: "Warning",
        reason: "OrphanedTask",
        message: `task ${taskId(arn)} runs without a Pod; it is stopped if it still does in ${settings.sweep.intervalSeconds} s`,
      });
    }
  }

  async #stop(
    before: Readonly<Record<string, string>>,
    orphans: ReadonlyMap<string, EcsTask>,
    dryRun: boolean,
  ): Promise<number> {
    const { now, settings, counters, log } = this.#options.context;
    const { minAgeSeconds, maxStopsPerSweep } = settings.sweep;
    let stopped = 0;
    for (const [arn, task] of orphans) {
      if (before[arn] === undefined) continue;
      const nowMs = now();
      if (nowMs - (task.createdAtMs ?? Number(before[arn])) < minAgeSeconds * 1000) continue;
      if (dryRun) {
        log.warn({ task: arn }, "an orphaned task would be stopped; the sweep only looks for now");
        continue;
      }
      if (stopped >= maxStopsPerSweep) {
        log.warn({ orphans: orphans.size }, "the sweep stops no more tasks; the next one goes on");
        break;
      }
      const reason = stopReason({ reason: "Orphan", atMs: nowMs });
      const cluster = task.clusterArn ?? settings.lanes[0]?.cluster ?? "";
      if ((await stopTask(this.#options.context, cluster, arn, reason)) !== "taken") continue;
      stopped += 1;
      counters.count("orphans_stopped");
      log.warn({ task: arn, owner: task.owner }, "an orphaned task is stopped");
      this.#tell(task, {
        type: "Warning",
        reason: "OrphanedTaskStopped",
        message: `task ${taskId(arn)} had no Pod and is stopped`,
      });
    }
    return stopped;
  }

  #tell({ owner }: EcsTask, event: RuntimeEvent): void {
    if (owner !== undefined) this.#options.tell(owner, event);
  }
}
