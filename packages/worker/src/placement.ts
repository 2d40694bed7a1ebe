// Which Pods this worker takes: those that its labels, taints and free room suit. Others it gives
// back, and says of those that suit no worker why they wait.
import {
  addAmounts,
  type Amounts,
  fits,
  GATED_MESSAGE,
  type Fit,
  placementNode,
  type PlacementNode,
  podRequests,
  type PodRecord,
  type PodSpec,
  type Taint,
  unschedulableCondition,
  unschedulableMessage,
  type WireNode,
} from "@gantry/core";
import {
  type EventRecorder,
  type Store,
  type Stored,
  type StoredObject,
  suffix,
  type Templates,
  Txn,
  updatePod,
} from "@gantry/store";
import type { Logger } from "pino";
import { RoomLedger } from "./capacity.ts";
import { NodeView } from "./placement-nodes.ts";

/** A Pod waits this long for room to come free before it is given back to the queue. */
const ROOM_WAIT_MS = 500;

/** A Pod that suits no worker now is looked at again after 1 s, then 2 s, 4 s... up to 10 s. */
const BACKOFF_MIN_MS = 1_000;
const BACKOFF_MAX_MS = 10_000;

/** A Pod that suits another worker is offered to the others this soon, and this often in a row. */
const HANDOVER_MS = 100;
const HANDOVERS_MAX = 40;

/** However many Pods wait, a worker looks again at no more than one in this time. */
const SPREAD_MS = 5;

/** How far the view of the other workers' rooms may lag. */
const USAGE_EVERY_MS = 500;

/** Given-back Pods remembered, so that room that comes free goes to one of them at once. */
const PARKED_MAX = 10_000;
/** Of them, how many are looked at each time. */
const PARKED_SCAN = 256;

interface Need {
  readonly spec: PodSpec;
  readonly requests: Amounts;
  /** It does not live on the worker, which need only have a place for it. */
  readonly portable: boolean;
  /** This worker's node as it was when it suited. */
  suitedBy?: PlacementNode;
}

/** What a worker gives to a Pod that does not live on it. */
const ONE_PLACE: Amounts = podRequests({});

/** Of a portable Pod: all that it asks of a worker. Where it really runs, its runtime decides. */
const portableSpec = ({ runtimeClassName, schedulingGates }: PodSpec): PodSpec => ({
  ...(runtimeClassName === undefined ? {} : { runtimeClassName }),
  ...(schedulingGates === undefined ? {} : { schedulingGates }),
});

/** Taints that say that the worker is not there or is being emptied; others are about its host. */
const ownTaints = (node: PlacementNode): PlacementNode => ({
  ...node,
  taints: node.taints.filter(({ key }) => key?.startsWith("node.kubernetes.io/") === true),
});

const fitsNode = (need: Need, node: PlacementNode, used: Amounts | undefined): Fit =>
  fits(need.spec, need.portable ? ownTaints(node) : node, used, need.requests);

interface Parked {
  readonly queue: string;
  readonly need: Need;
  /** It waits for room, and not for another node. */
  readonly forRoom: boolean;
  readonly dueAtMs: number;
}

export interface PlacementOptions {
  readonly store: Store;
  readonly templates: Templates;
  readonly events: EventRecorder;
  readonly log: Logger;
  readonly now: () => number;
  readonly node: string;
  readonly allocatable: Amounts;
  /** Whether a Pod's runtime is one whose Pods do not live on the worker. */
  readonly isPortable?: (spec: PodSpec) => boolean;
  /** Makes a given-back Pod waiting again, before its delay is over. */
  readonly promote: (queue: string, uid: string) => Promise<void>;
  /** The same for all of them: what this node takes has changed. */
  readonly promoteAll: () => Promise<void>;
  /** The Node's taints, whenever it changed. */
  readonly onTaints: (taints: readonly Taint[]) => void;
  /** The Node's object was removed, or marked as away, by others. */
  readonly onForgotten: () => void;
}

type Misfit = Extract<Fit, { ok: false }>;

const isGated = ({ spec }: Need): boolean => (spec.schedulingGates ?? []).length > 0;

const wireAmounts = (amounts: Amounts): string =>
  JSON.stringify(Object.fromEntries([...amounts].map(([name, amount]) => [name, String(amount)])));

const parseAmounts = (text: string): Amounts =>
  new Map(
    Object.entries(JSON.parse(text) as Record<string, string>).map(([name, amount]) => [
      name,
      BigInt(amount),
    ]),
  );

export class Placement {
  readonly #options: PlacementOptions;
  readonly #ledger: RoomLedger;
  readonly #nodes: NodeView;
  readonly #needs = new WeakMap<object, Need>();
  readonly #parked = new Map<string, Parked>();
  #self: PlacementNode;
  #usage: { readonly byNode: ReadonlyMap<string, Amounts>; readonly atMs: number } | undefined;
  #publishing: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: PlacementOptions) {
    const { allocatable, node, store, log } = options;
    this.#options = options;
    this.#ledger = new RoomLedger(allocatable, () => this.#roomChanged());
    this.#nodes = new NodeView(store, log, (name, value) => {
      if (name === node) this.#selfChanged(value);
    });
    this.#self = { name: node, labels: {}, taints: [], unschedulable: false, allocatable };
  }

  /** Starts to follow the Nodes; this worker's own must be registered. */
  async open(): Promise<void> {
    await this.#nodes.open();
  }

  async refresh(): Promise<void> {
    await this.#nodes.refresh();
  }

  /** Reserves room for a Pod if it suits this node, waiting a little for room to come free. */
  take(pod: PodRecord): Promise<Fit> | Fit {
    this.#parked.delete(pod.uid);
    const need = this.#knownNeed(pod);
    if (need === undefined) return this.#takeAfterLook(pod);
    const fit = this.#fit(pod.uid, need);
    return fit.ok || fit.lasting ? fit : this.#waitForRoom(pod.uid, need, fit);
  }

  async #takeAfterLook(pod: PodRecord): Promise<Fit> {
    const need = await this.#need(pod);
    const fit = this.#fit(pod.uid, need);
    return fit.ok || fit.lasting ? fit : this.#waitForRoom(pod.uid, need, fit);
  }

  async #waitForRoom(uid: string, need: Need, fit: Fit): Promise<Fit> {
    if (!(await this.#ledger.waitForRoom(uid, need.requests, ROOM_WAIT_MS))) return fit;
    const now = fitsNode(need, this.#self, new Map());
    if (!now.ok) this.#ledger.release(uid);
    return now;
  }

  /** Counts a Pod that this node had claimed before. */
  async adopt(pod: PodRecord): Promise<void> {
    this.#ledger.take(pod.uid, (await this.#need(pod)).requests);
  }

  release(uid: string): void {
    this.#ledger.release(uid);
  }

  /**
   * What is to be done about a Pod that `take` refused: says so where no worker suits it. Resolves
   * with how long the queue is to hold it back. `attempt` counts how often it was taken, from 1.
   */
  async giveBack(
    pod: Stored<PodRecord>,
    misfit: Misfit,
    queue: string,
    attempt: number,
  ): Promise<number> {
    const { now } = this.#options;
    const need = await this.#need(pod.value);
    const others = isGated(need) ? [] : await this.#elsewhere(need);
    const suits = others.some(({ ok }) => ok);
    if (isGated(need)) await this.#say(pod, GATED_MESSAGE);
    // One that runs already waits for a worker that goes on with it, not for a place.
    else if (!suits && pod.value.node === undefined) {
      const reasons = others.flatMap((fit) => (fit.ok ? [] : [fit.reasons]));
      await this.#say(pod, unschedulableMessage([misfit.reasons, ...reasons]));
    }
    const delayMs = Math.max(retryDelayMs(suits, attempt), this.#parked.size * SPREAD_MS);
    this.#park(pod.value.uid, { queue, need, forRoom: !misfit.lasting, dueAtMs: now() + delayMs });
    return delayMs;
  }

  /** Takes no more Pods. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#publishing);
    this.#ledger.close();
    this.#nodes.close();
  }

  #fit(uid: string, need: Need): Fit {
    if (isGated(need)) return { ok: false, reasons: [GATED_MESSAGE], lasting: true };
    // A node that suits one Pod suits all of its template, until the node changes.
    if (need.suitedBy !== this.#self) {
      const fit = fitsNode(need, this.#self, this.#ledger.used);
      if (!fit.ok) return fit;
      need.suitedBy = this.#self;
    }
    return this.#ledger.reserve(uid, need.requests);
  }

  /** If it need not be looked up. */
  #knownNeed(pod: PodRecord): Need | undefined {
    const spec = pod.spec ?? this.#options.templates.known(pod)?.spec;
    return spec === undefined ? undefined : this.#needOf(spec);
  }

  async #need(pod: PodRecord): Promise<Need> {
    const template = pod.spec === undefined ? await this.#options.templates.of(pod) : undefined;
    return this.#needOf(pod.spec ?? template?.spec ?? {});
  }

  /** Pods of one template need the same; what they need is worked out once. */
  #needOf(spec: PodSpec): Need {
    let need = this.#needs.get(spec);
    if (need === undefined) {
      need =
        this.#options.isPortable?.(spec) === true
          ? { spec: portableSpec(spec), requests: ONE_PLACE, portable: true }
          : { spec, requests: podRequests(spec), portable: false };
      this.#needs.set(spec, need);
    }
    return need;
  }

  /** How the Pod suits every other node. */
  async #elsewhere(need: Need): Promise<Fit[]> {
    const others = this.#nodes.all.filter(({ name }) => name !== this.#options.node);
    if (others.length === 0) return [];
    const byNode = await this.#readUsage();
    return others.map((node) => fitsNode(need, node, byNode.get(node.name)));
  }

  async #readUsage(): Promise<ReadonlyMap<string, Amounts>> {
    const { store, now } = this.#options;
    if (this.#usage !== undefined && now() - this.#usage.atMs < USAGE_EVERY_MS) {
      return this.#usage.byNode;
    }
    const texts = await store.redis.hgetall(store.key(suffix.usage));
    const byNode = new Map(
      Object.entries(texts).map(([node, text]) => [node, parseAmounts(text)] as const),
    );
    this.#usage = { byNode, atMs: now() };
    return byNode;
  }

  /** Writes the condition and the Event, unless the Pod shows the same already. */
  async #say(pod: Stored<PodRecord>, message: string): Promise<void> {
    const { store, events, now } = this.#options;
    const { conditions, namespace, name, uid } = pod.value;
    const others = (conditions ?? []).filter(({ type }) => type !== "PodScheduled");
    const shown = (conditions ?? []).find(({ type }) => type === "PodScheduled");
    if (shown?.message === message && shown.status === "False") return;
    const condition = unschedulableCondition(conditions, message, now());
    const txn = new Txn();
    updatePod(txn, pod, { ...pod.value, conditions: [...others, condition] });
    // Changed or claimed meanwhile: whoever did it knows better.
    if (!(await store.commit(txn)).ok || message === GATED_MESSAGE) return;
    events.record(
      "default-scheduler",
      { kind: "Pod", apiVersion: "v1", namespace, name, uid },
      { type: "Warning", reason: "FailedScheduling", message },
    );
  }

  #park(uid: string, parked: Parked): void {
    const nowMs = this.#options.now();
    for (const [oldest, { dueAtMs }] of this.#parked) {
      // Long due and not back: another worker has it, or it is gone.
      if (this.#parked.size < PARKED_MAX && dueAtMs + BACKOFF_MAX_MS > nowMs) break;
      this.#parked.delete(oldest);
    }
    this.#parked.set(uid, parked);
  }

  #roomChanged(): void {
    if (this.#closed) return;
    this.#promoteOne();
    this.#publishing ??= setTimeout(() => {
      this.#publishing = undefined;
      this.#publish().catch((error: unknown) => {
        this.#options.log.debug({ err: error }, "the node's usage could not be published");
      });
    }, USAGE_EVERY_MS);
  }

  /** Room came free and nobody here waits for it: one of those given back may have it. */
  #promoteOne(): void {
    let looks = PARKED_SCAN;
    for (const [uid, { forRoom, need, queue }] of this.#parked) {
      if (looks-- === 0) return;
      if (!forRoom || !fitsNode(need, this.#self, this.#ledger.used).ok) continue;
      this.#parked.delete(uid);
      // Not delayed any more, or taken by another worker: nothing is left to do.
      this.#options.promote(queue, uid).catch(() => {});
      return;
    }
  }

  async #publish(): Promise<void> {
    const { store, node } = this.#options;
    const used = new Map<string, bigint>();
    addAmounts(used, this.#ledger.used);
    await store.redis.hset(store.key(suffix.usage), node, wireAmounts(used));
  }

  #selfChanged(value: StoredObject | null): void {
    if (this.#closed) return;
    if (value === null) {
      this.#options.onForgotten();
      return;
    }
    const { status, ...rest } = value as WireNode;
    const ready = status?.conditions?.find(({ type }) => type === "Ready");
    if (ready?.status !== "True") this.#options.onForgotten();
    // What a worker offers is its own to say, and it is there: it judges by the rest.
    const { labels, taints, unschedulable, runtimes } = placementNode(rest);
    const before = JSON.stringify(this.#self.labels) + JSON.stringify(this.#self.taints);
    const changed =
      unschedulable !== this.#self.unschedulable ||
      before !== JSON.stringify(labels) + JSON.stringify(taints);
    this.#self = {
      ...this.#self,
      labels,
      taints,
      unschedulable,
      ...(runtimes === undefined ? {} : { runtimes }),
    };
    if (!changed) return;
    this.#options.onTaints(taints);
    this.#options.promoteAll().catch((error: unknown) => {
      this.#options.log.debug({ err: error }, "waiting pods are looked at when their delay ends");
    });
  }
}

const retryDelayMs = (suitsAnother: boolean, attempt: number): number => {
  if (suitsAnother && attempt <= HANDOVERS_MAX) return HANDOVER_MS;
  const doublings = suitsAnother ? attempt - HANDOVERS_MAX - 1 : attempt - 1;
  return Math.min(BACKOFF_MIN_MS * 2 ** Math.max(0, Math.min(doublings, 10)), BACKOFF_MAX_MS);
};
