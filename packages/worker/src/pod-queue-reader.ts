// Takes Pods from one queue, several at once, keeps hold of their jobs while they run, and ends them together.
import type { EndedJob, JobEnd, PodQueue, TakenPod } from "@gantry/store";
import type { Logger } from "pino";

/** Short, so that Pods taken by a worker that died are seen again soon; claims guard against repeats. */
export const LOCK_MS = 10_000;

/** Taken by one call: it holds Redis for a few milliseconds. */
const TAKE_MAX = 200;

/** Ended by one call: their ids pass over the stack of Redis' Lua. */
const END_MAX = 1_000;

/** A queue that could not be asked is asked again after this long. */
const RETRY_MS = 500;

/** Longest time that a timer of Node's can wait. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export interface PodQueueReaderOptions {
  readonly queue: Pick<PodQueue, "name" | "take" | "extend">;
  /** Pods of this queue at once. */
  readonly concurrency: number;
  /** Who takes, as operators read it. */
  readonly by: string;
  /** Runs the Pod and says what becomes of its job; must not reject. */
  readonly run: (pod: TakenPod, queue: string) => Promise<JobEnd>;
  readonly log: Logger;
  readonly now: () => number;
}

export class PodQueueReader {
  readonly #options: PodQueueReaderOptions;
  /** Jobs that are held, with the work on them. */
  readonly #running = new Map<string, Promise<void>>();
  readonly #ended: EndedJob[] = [];
  /** There may be something to take. */
  #rung = false;
  #turning: Promise<void> | null = null;
  #alarm: NodeJS.Timeout | undefined;
  #alarmAtMs = Number.POSITIVE_INFINITY;
  #retry: NodeJS.Timeout | undefined;
  readonly #renewal: NodeJS.Timeout;
  #roomWaiters: (() => void)[] = [];
  #stopped = false;

  constructor(options: PodQueueReaderOptions) {
    this.#options = options;
    this.#renewal = setInterval(() => this.#extend(), LOCK_MS / 2);
  }

  get room(): number {
    return this.#stopped ? 0 : this.#options.concurrency - this.#running.size;
  }

  /** Resolves when there is room for another Pod. */
  async roomy(): Promise<void> {
    while (this.room <= 0) await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
  }

  /** Looks what there is to take. */
  ring(): void {
    this.#rung = true;
    this.#turning ??= this.#turn();
  }

  /** Takes nothing more; what was taken goes on. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#alarm);
  }

  /** Resolves when all that was taken has ended, and its queue knows. */
  async close(): Promise<void> {
    this.stop();
    await this.#turning;
    while (this.#running.size > 0) await Promise.race(this.#running.values());
    await this.#turning;
    clearInterval(this.#renewal);
    clearTimeout(this.#retry);
  }

  /** One call at a time, each with all that has ended meanwhile. */
  async #turn(): Promise<void> {
    await Promise.resolve();
    while (this.#ended.length > 0 || (this.#rung && this.room > 0)) {
      if (!(await this.#take())) break;
    }
    this.#turning = null;
  }

  /** Whether the queue answered. */
  async #take(): Promise<boolean> {
    const { queue, by, now, log } = this.#options;
    const [room, ended] = [this.room, this.#ended.splice(0, END_MAX)];
    this.#rung = false;
    try {
      const { pods, nextAtMs } = await queue.take(Math.min(room, TAKE_MAX), ended, {
        by,
        nowMs: now(),
        lockMs: LOCK_MS,
      });
      for (const pod of pods) this.#start(pod);
      // As many as were asked for, or as one call hands out: there may be more.
      if (pods.length > 0 && pods.length >= Math.min(room, TAKE_MAX)) this.#rung = true;
      if (nextAtMs !== null) this.#wakeAt(nextAtMs);
      return true;
    } catch (error) {
      log.debug({ err: error, queue: queue.name }, "the queue could not be asked; trying again");
      this.#ended.push(...ended);
      this.#rung = true;
      // Stopped, its jobs are handed out again when their locks have run out, and end as they did.
      if (!this.#stopped) this.#retry = setTimeout(() => this.ring(), RETRY_MS);
      return false;
    }
  }

  #start(pod: TakenPod): void {
    const { run, queue, log } = this.#options;
    const { uid } = pod;
    // Handed out anew while it runs here: its lock ran out meanwhile. Its one end is the end of both.
    if (this.#running.has(uid)) return;
    const work = run(pod, queue.name).then(
      (end) => {
        this.#ended.push({ ...end, uid });
      },
      (error: unknown) => {
        log.error(
          { err: error, pod: `${pod.namespace}/${pod.name}` },
          "a pod was not seen through",
        );
      },
    );
    this.#running.set(
      uid,
      work.then(() => {
        this.#running.delete(uid);
        for (const resolve of this.#roomWaiters.splice(0)) resolve();
        this.#turning ??= this.#turn();
      }),
    );
  }

  #wakeAt(atMs: number): void {
    if (this.#stopped || atMs >= this.#alarmAtMs) return;
    clearTimeout(this.#alarm);
    this.#alarmAtMs = atMs;
    const inMs = Math.min(TIMER_MAX_MS, Math.max(0, atMs - this.#options.now()));
    this.#alarm = setTimeout(() => {
      this.#alarmAtMs = Number.POSITIVE_INFINITY;
      this.ring();
    }, inMs);
  }

  #extend(): void {
    const { queue, log } = this.#options;
    if (this.#running.size === 0) return;
    queue.extend([...this.#running.keys()], LOCK_MS).catch((error: unknown) => {
      log.debug({ err: error, queue: queue.name }, "locks could not be extended");
    });
  }
}
