// How busy the installation is, as one line of the log: what a scaling policy for workers goes by.
import {
  leases,
  podQueueName,
  type Queues,
  runtimeNames,
  type Store,
  type StoredObject,
} from "@gantry/store";

export interface Load {
  /** Pods on the queues that no worker has taken: there was no place. */
  readonly waitingPods: number;
  /** Pods that workers have taken. */
  readonly activePods: number;
  /** Workers whose lease runs, and that take Pods. */
  readonly readyWorkers: number;
  /** Pods that the ready workers may have at once. */
  readonly places: number;
  /**
   * Places that are taken or asked for, as a share of all; above 100 Pods wait. It falls in
   * proportion as workers are added. Without a place it is as if there were one.
   */
  readonly placesUsedPercent: number;
}

const podQueues = [undefined, ...runtimeNames].map((runtime) => podQueueName(runtime));

/** `nowMs`: Unix milliseconds. */
export const measureLoad = async (store: Store, queues: Queues, nowMs: number): Promise<Load> => {
  const counts = await Promise.all(
    podQueues.map((name) => queues.pods(name).getJobCounts("wait", "prioritized", "active")),
  );
  const sum = (...states: readonly string[]): number =>
    counts.reduce((total, one) => states.reduce((n, state) => n + (one[state] ?? 0), total), 0);
  const ready = await readyNodes(store, nowMs);
  const places = ready.reduce((total, node) => total + podsOf(node), 0);
  const [waitingPods, activePods] = [sum("wait", "prioritized"), sum("active")];
  return {
    waitingPods,
    activePods,
    readyWorkers: ready.length,
    places,
    placesUsedPercent: Math.round((100 * (waitingPods + activePods)) / Math.max(1, places)),
  };
};

const readyNodes = async (store: Store, nowMs: number): Promise<StoredObject[]> => {
  const { items } = await store.listAll("nodes");
  const held = (await leases(store)).filter(({ expiresAtMs }) => expiresAtMs > nowMs);
  const alive = new Set(held.map(({ node }) => node));
  return items
    .map(({ value }) => value)
    .filter(({ metadata, spec }) => {
      const { unschedulable } = (spec ?? {}) as { unschedulable?: boolean };
      return alive.has(metadata.name) && unschedulable !== true;
    });
};

const podsOf = ({ status }: StoredObject): number => {
  const { allocatable } = (status ?? {}) as { allocatable?: { pods?: string } };
  return Number(allocatable?.pods ?? 0);
};
