// How much the API takes on before it asks clients to come back later.

export interface OverloadLimits {
  /** Requests that write, at once, in this process; reads and deletions have twice as many of their own. */
  readonly maxInflight: number;
  /** Jobs of the installation that are not finished. */
  readonly maxPendingJobs: number;
  /** Of the memory that the Redis server may use, 0 to 1. */
  readonly maxMemoryFraction: number;
}

export const defaultLimits: OverloadLimits = {
  // kube-apiserver: --max-mutating-requests-inflight=200, --max-requests-inflight=400.
  maxInflight: 200,
  // At two to three kilobytes each, half a gigabyte of Redis before their Pods.
  maxPendingJobs: 200_000,
  // What is left serves what was taken already: Pods, their reports, Events, and deletions.
  maxMemoryFraction: 0.8,
};

export const READ_SHARE = 2;
