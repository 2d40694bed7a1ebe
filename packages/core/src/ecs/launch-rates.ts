// Which of the account's token buckets a call takes from, and how long a queue of launches takes.
import {
  isSpot,
  laneKind,
  type LaneSettings,
  type RateBucket,
  type RateSettings,
} from "./lane-settings.ts";

/** Calls at once, and calls a second thereafter. */
export interface Bucket {
  readonly burst: number;
  readonly perSecond: number;
}

/** What may be used of a limit of the account. At least one call at once, or none ever would pass. */
export function usableBucket(rates: RateSettings, name: RateBucket): Bucket {
  const { burst, perSecond } = rates[name];
  return {
    burst: Math.max(1, Math.floor(burst * rates.share)),
    perSecond: perSecond * rates.share,
  };
}

/** All of these, for each RunTask. */
export const launchBuckets = (lane: LaneSettings): RateBucket[] =>
  laneKind(lane) === "ec2"
    ? ["clusterModify"]
    : ["clusterModify", "fargateRunTask", isSpot(lane) ? "fargateSpot" : "fargateOnDemand"];

/** Launches a second that the lane gets at best. */
export function launchesPerSecond(lane: LaneSettings, rates: RateSettings): number {
  const shared = launchBuckets(lane).map((name) => usableBucket(rates, name).perSecond);
  return Math.min(...shared, lane.launches?.perSecond ?? Number.POSITIVE_INFINITY);
}

/** `about 8 min`: of the last of so many Pods that wait. */
export function waitEstimate(waiting: number, perSecond: number): string {
  const seconds = Math.ceil(waiting / perSecond);
  if (seconds < 1) return "now";
  if (seconds < 90) return `about ${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `about ${minutes} min` : `about ${Math.ceil(minutes / 60)} h`;
}
