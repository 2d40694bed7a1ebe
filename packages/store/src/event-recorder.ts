// Records Events in the background, aggregated as client-go's recorder does (R76). Losing some is harmless.
import { randomInt, randomUUID } from "node:crypto";
import {
  type ControllerEvent,
  correlateEvent,
  type EventAction,
  type EventState,
  type JobEvent,
  newEventState,
  rfc3339,
} from "@gantry/core";
import type { StoredObject } from "./objects.ts";
import type { WarnLog } from "./repeat.ts";
import type { Store } from "./store.ts";
import { Txn } from "./txn.ts";
import { createObject, updateObject } from "./writes.ts";

/** The object that an Event is about. */
export interface Regarding {
  readonly kind: string;
  readonly apiVersion: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion?: string;
  /** e.g. `spec.containers{main}`. */
  readonly fieldPath?: string;
}

/** Sources and objects remembered for aggregation, as many as client-go's. */
const STATES_MAX = 4_096;

/** Events waiting to be written; beyond it new ones are dropped, not queued without bound. */
const WAITING_MAX = 10_000;

/** Leaves room within the millisecond for what one source tells in it. */
const OFFSET_MAX_NS = 999_000;

/** Events written at once. */
const BATCH = 200;

type Written = Exclude<EventAction, { kind: "drop" }>;

/**
 * What is told of one Event in the same moment is written once: they go together, so that a repetition
 * would not find what it repeats. Each carries the Event whole, the last one with the count of all.
 */
const latest = (batch: readonly Written[]): Written[] => {
  const byName = new Map<string, Written>();
  for (const action of batch) {
    const { namespace, name } = action.event.metadata;
    const key = `${namespace}/${name}`;
    const creates = byName.get(key)?.kind === "create";
    byName.set(key, creates ? { kind: "create", event: action.event } : action);
  }
  return [...byName.values()];
};

export class EventRecorder {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #log: WarnLog;
  readonly #states = new Map<string, EventState>();
  #waiting: Written[] = [];
  #writing: Promise<void> | null = null;

  constructor(store: Store, now: () => number, log: WarnLog) {
    this.#store = store;
    this.#now = now;
    this.#log = log;
  }

  /** Returns at once. `component` is the source, e.g. `job-controller`; `host` the node it runs on. */
  record(component: string, regarding: Regarding, event: JobEvent, host?: string): void {
    const key = `${component}|${host ?? ""}|${regarding.uid}|${regarding.fieldPath ?? ""}`;
    const nowMs = this.#now();
    const state = this.#states.get(key) ?? newEventState(nowMs, randomInt(OFFSET_MAX_NS));
    const { action, state: next } = correlateEvent(
      state,
      { involvedObject: regarding, component, host, ...event },
      nowMs,
    );
    this.#states.delete(key);
    this.#states.set(key, next);
    if (this.#states.size > STATES_MAX) {
      const oldest = this.#states.keys().next().value;
      if (oldest !== undefined) this.#states.delete(oldest);
    }
    if (action.kind === "drop" || this.#waiting.length >= WAITING_MAX) return;
    this.#waiting.push(action);
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      const results = await Promise.allSettled(latest(batch).map((action) => this.#save(action)));
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined) {
        this.#log.warn({ err: failed.reason as unknown }, "some events could not be recorded");
      }
    }
    this.#writing = null;
  }

  async #save(action: Written): Promise<void> {
    if (action.kind === "patch" && (await this.#patch(action))) return;
    const txn = new Txn();
    createObject(txn, "events", this.#stored(action.event), this.#now());
    await this.#store.commit(txn);
  }

  /** Whether the Event was still there. */
  async #patch({ event, patch }: Extract<Written, { kind: "patch" }>): Promise<boolean> {
    const key = `${event.metadata.namespace}/${event.metadata.name}`;
    const before = await this.#store.get("events", key);
    if (before === null) return false;
    const txn = new Txn();
    updateObject(txn, "events", before, { ...before.value, ...patch });
    return (await this.#store.commit(txn)).ok;
  }

  #stored(event: ControllerEvent): StoredObject {
    return {
      ...event,
      metadata: {
        ...event.metadata,
        uid: randomUUID(),
        creationTimestamp: rfc3339(this.#now()),
      },
    };
  }

  /** Resolves when what was recorded is written, or given up. */
  async close(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }
}
