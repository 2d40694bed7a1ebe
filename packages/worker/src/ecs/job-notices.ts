// Tells Jobs what only an operator can mend: once a while each, however many of their Pods wait for it.
import type { EventRecorder } from "@gantry/store";
import type { RunnablePod } from "../runtime.ts";

/** Told again after this long, so that its Event is there for as long as the matter is (R76). */
const REPEAT_MS = 300_000;

/** Jobs and matters remembered; what is forgotten is told once too often. */
const REMEMBERED_MAX = 10_000;

/**
 * `EcsLaneShut`: of all launches of a lane, or all registrations of task definitions;
 * `EcsLaunchRefused`: of this Job's launches alone; `EcsStopRefused`: its tasks can't be stopped.
 */
export type NoticeReason = "EcsLaneShut" | "EcsLaunchRefused" | "EcsStopRefused";

export class JobNotices {
  readonly #events: EventRecorder | undefined;
  readonly #now: () => number;
  readonly #toldAtMs = new Map<string, number>();

  constructor({ events, now }: { events?: EventRecorder | undefined; now: () => number }) {
    this.#events = events;
    this.#now = now;
  }

  /** `subject` is what the message is about, e.g. a lane: the words may differ from time to time. */
  tell(
    { job, jobUid: uid, namespace }: Pick<RunnablePod, "job" | "jobUid" | "namespace">,
    reason: NoticeReason,
    subject: string,
    message: string,
  ): void {
    if (job === undefined || uid === undefined) return;
    const key = `${uid}|${reason}|${subject}`;
    const nowMs = this.#now();
    if (nowMs - (this.#toldAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return;
    this.#toldAtMs.delete(key);
    this.#toldAtMs.set(key, nowMs);
    if (this.#toldAtMs.size > REMEMBERED_MAX) {
      const oldest = this.#toldAtMs.keys().next().value;
      if (oldest !== undefined) this.#toldAtMs.delete(oldest);
    }
    const regarding = { kind: "Job", apiVersion: "batch/v1", namespace, name: job, uid };
    this.#events?.record("ecs", regarding, { type: "Warning", reason, message });
  }
}
