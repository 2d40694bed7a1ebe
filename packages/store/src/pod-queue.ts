// A BullMQ queue of Pods, spoken to in bulk: BullMQ's keys and meanings, one script for many jobs at once.
import { randomUUID } from "node:crypto";
import { suffix } from "./keys.ts";
import type { Stored } from "./objects.ts";
import type { PodRecord } from "@gantry/core";
import { script } from "./script.ts";
import type { Store } from "./store.ts";

const takeScript = script("take-jobs");
const extendScript = script("extend-locks");

/** BullMQ's prefix: in the cell's hash tag, so queues and objects share a Cluster slot. */
export const queuePrefix = (store: Pick<Store, "cell">): string => `{${store.cell}}:q`;

/** What operators see of ended Pods in the queue; the Pods themselves are in the store. */
export const KEEP_ENDED = 1_000;

/** Jobs of one script: some milliseconds of Redis, and far from what Lua's stack holds. */
const CHUNK = 500;

export interface TakenPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** How often it was handed out so far, from 1. */
  readonly attempt: number;
  /** The Pod of that name as it was then; `null` when there is none that can be read. */
  readonly pod: Stored<PodRecord> | null;
}

/** What becomes of a job that was taken. */
export type JobEnd =
  | { readonly kind: "completed"; readonly result: unknown }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "delayed"; readonly untilMs: number }
  /** For another worker, before the others that wait. */
  | { readonly kind: "waiting" };

export type EndedJob = JobEnd & { readonly uid: string };

const textOf = (job: JobEnd): string => {
  if (job.kind === "completed") return JSON.stringify(job.result);
  if (job.kind === "waiting") return "";
  return job.kind === "failed" ? job.reason : String(Math.round(job.untilMs));
};

const chunks = <T>(list: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(list.length / CHUNK) }, (_, n) =>
    list.slice(n * CHUNK, (n + 1) * CHUNK),
  );

export class PodQueue {
  readonly name: string;
  /** Popped by whoever waits for jobs. */
  readonly marker: string;
  readonly #store: Store;
  readonly #prefix: string;
  readonly #token = randomUUID();

  constructor(store: Store, name: string) {
    this.#store = store;
    this.name = name;
    this.#prefix = `${queuePrefix(store)}:${name}:`;
    this.marker = `${this.#prefix}marker`;
  }

  /**
   * Ends jobs and takes up to `room` others, those that wait longest first. `nextAtMs`: when a
   * delayed one is due, `null` when there is none. What is taken is locked for `lockMs`.
   */
  async take(
    room: number,
    ended: readonly EndedJob[],
    how: { readonly by: string; readonly nowMs: number; readonly lockMs: number },
  ): Promise<{ readonly pods: readonly TakenPod[]; readonly nextAtMs: number | null }> {
    const store = this.#store;
    const reply = (await takeScript.run(
      store.redis,
      [`${this.#prefix}wait`, store.key(suffix.objects("pods"))],
      [
        this.#prefix,
        this.#token,
        how.lockMs,
        how.nowMs,
        how.by,
        room,
        KEEP_ENDED,
        ...ended.flatMap((job) => [job.uid, job.kind, textOf(job)]),
      ],
    )) as (string | number)[];
    const pods: TakenPod[] = [];
    for (let n = 1; n + 3 < reply.length; n += 4) {
      const [uid, key, attempt, record] = reply.slice(n, n + 4).map(String) as [
        string,
        string,
        string,
        string,
      ];
      const slash = key.indexOf("/");
      pods.push({
        uid,
        namespace: key.slice(0, slash),
        name: key.slice(slash + 1),
        attempt: Number(attempt),
        pod: record === "" ? null : store.decode("pods", key, record),
      });
    }
    const nextAtMs = Number(reply[0]);
    return { pods, nextAtMs: nextAtMs === 0 ? null : nextAtMs };
  }

  /** Keeps hold of jobs that were taken. */
  async extend(uids: readonly string[], lockMs: number): Promise<void> {
    await Promise.all(
      chunks(uids).map((some) =>
        extendScript.run(
          this.#store.redis,
          [`${this.#prefix}stalled`],
          [this.#prefix, this.#token, lockMs, ...some],
        ),
      ),
    );
  }
}
