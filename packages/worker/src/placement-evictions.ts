// Drives out the Pods of this node that do not tolerate its NoExecute taints (R85).
import { isTerminal, rfc3339, type PodRecord, secondsToStay, type Taint } from "@gantry/core";
import { deleteObject, type Stored, suffix, Txn, updatePod } from "@gantry/store";
import type { WorkerContext } from "./worker-context.ts";

type Context = Pick<WorkerContext, "store" | "templates" | "events" | "log" | "now" | "node">;

/** A Pod that changed meanwhile is looked at again. */
const RETRY_MS = 200;

const LOOK_EVERY_MS = 1_000;

export class TaintEvictions {
  readonly #context: Context;
  #taints: readonly Taint[] = [];
  #sinceMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(context: Context) {
    this.#context = context;
  }

  /** The time that Pods may stay is counted from here, or from when they came. */
  changed(taints: readonly Taint[]): void {
    this.#taints = taints.filter(({ effect }) => effect === "NoExecute");
    this.#sinceMs = this.#context.now();
    this.#check();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #check(): void {
    clearTimeout(this.#timer);
    if (this.#closed || this.#taints.length === 0) return;
    this.#evictDue().catch((error: unknown) => {
      this.#context.log.warn({ err: error }, "pods could not be evicted; trying again");
      this.#checkIn(RETRY_MS);
    });
  }

  #checkIn(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.#check(), delayMs);
  }

  async #evictDue(): Promise<void> {
    const { store, node, templates, now } = this.#context;
    const keys = await store.redis.smembers(store.key(suffix.nodePods(node)));
    const waits: number[] = [];
    for (const pod of await store.getMany("pods", keys)) {
      if (pod === null || isTerminal(pod.value) || pod.value.deletion !== undefined) continue;
      const spec = pod.value.spec ?? (await templates.of(pod.value))?.spec;
      const seconds = secondsToStay(this.#taints, spec?.tolerations ?? []);
      if (seconds === undefined) continue;
      const sinceMs = Math.max(this.#sinceMs, pod.value.scheduledAtMs ?? 0);
      const leftMs = sinceMs + seconds * 1000 - now();
      if (leftMs > 0) waits.push(leftMs);
      else await this.#evict(pod);
    }
    // Pods that tolerate the taints for a while may still come.
    this.#checkIn(Math.min(...waits, LOOK_EVERY_MS));
  }

  async #evict(pod: Stored<PodRecord>): Promise<void> {
    const { store, templates, events, now } = this.#context;
    const { namespace, name, uid, conditions = [] } = pod.value;
    const disrupted = {
      type: "DisruptionTarget",
      status: "True",
      reason: "DeletionByTaintManager",
      message: "Taint manager: deleting due to NoExecute taint",
      lastTransitionTime: rfc3339(now()),
    };
    const others = conditions.filter(({ type }) => type !== "DisruptionTarget");
    const txn = new Txn();
    updatePod(txn, pod, { ...pod.value, conditions: [...others, disrupted] });
    if (!(await store.commit(txn)).ok) return this.#checkIn(RETRY_MS);
    events.record(
      "taint-eviction-controller",
      { kind: "Pod", apiVersion: "v1", namespace, name, uid },
      {
        type: "Normal",
        reason: "TaintManagerEviction",
        message: `Marking for deletion Pod ${namespace}/${name}`,
      },
    );
    const request = { propagation: "Background" as const, uid };
    await deleteObject(store, templates, "pods", pod.key, request, now());
  }
}
