// Which lane and which subnets an attempt takes: Spot for so many times, then on demand; another
// zone after one that had no room; how long to wait in between.
import type { Cooling } from "./classification.ts";
import { isSpot, type LanePolicy, type LaneSettings } from "./lane-settings.ts";
import type { LanePlace } from "./places.ts";

/** What went before, of one Pod. */
export interface LaneHistory {
  /**
   * Attempts on Spot so far that came to nothing or were reclaimed: of the Pod, and of the Pods it
   * replaces where the caller knows of them.
   */
  readonly spotAttempts: number;
  /** Attempts since the last task that ran for which there was no room. */
  readonly capacityFailures: number;
}

/** Until when a lane is closed, Unix milliseconds, by name. */
export type ClosedLanes = ReadonlyMap<string, number>;

export interface LaneChoice {
  readonly lane: LaneSettings;
  /** Ids. */
  readonly subnets: readonly string[];
  /** When the lane may be tried; not before, Unix milliseconds. 0: now. */
  readonly notBeforeMs: number;
}

const bySpot = (places: readonly LanePlace[], spot: boolean): LanePlace[] =>
  places.filter(({ lane }) => isSpot(lane) === spot);

/** Lanes to try, the best group alone: a Pod that should be on Spot waits for it there. */
function preferred(
  places: readonly LanePlace[],
  policy: LanePolicy,
  history: LaneHistory,
): readonly LanePlace[] {
  const [spot, onDemand] = [bySpot(places, true), bySpot(places, false)];
  const maySpot = policy.preferSpot && history.spotAttempts < policy.spotAttempts;
  if (maySpot && spot.length > 0) return spot;
  return onDemand.length > 0 ? onDemand : spot;
}

/** All of them at first; after a lack of room, one zone after the other. */
export function subnetsFor(place: LanePlace, capacityFailures: number): string[] {
  const zones = [...new Set(place.subnets.map(({ zone }) => zone))];
  const ids = (zone?: string): string[] =>
    place.subnets.filter((one) => zone === undefined || one.zone === zone).map(({ id }) => id);
  if (capacityFailures === 0 || zones.length < 2 || zones.includes(undefined)) return ids();
  return ids(zones[(capacityFailures - 1) % zones.length]);
}

/** `undefined` when `places` is empty: the Pod suits no lane. */
export function chooseLane(
  places: readonly LanePlace[],
  policy: LanePolicy,
  history: LaneHistory,
  closed: ClosedLanes,
): LaneChoice | undefined {
  let best: LanePlace | undefined;
  let bestMs = Number.POSITIVE_INFINITY;
  for (const place of preferred(places, policy, history)) {
    const openMs = closed.get(place.lane.name) ?? 0;
    if (openMs >= bestMs) continue;
    best = place;
    bestMs = openMs;
  }
  if (best === undefined) return undefined;
  const subnets = subnetsFor(best, history.capacityFailures);
  return { lane: best.lane, subnets, notBeforeMs: bestMs };
}

/** Beyond this many doublings the maximum is long reached. */
const MAX_DOUBLINGS = 30;

/**
 * How long to wait after the `failures`th failure in a row (from 1). `random` is in [0, 1): it
 * spreads the wait over the upper half, so that those who failed together don't return together.
 */
export function coolingMs(cooling: Cooling, failures: number, random: number): number {
  const doublings = Math.min(Math.max(failures - 1, 0), MAX_DOUBLINGS);
  const fullMs = Math.min(cooling.maxMs, cooling.initialMs * 2 ** doublings);
  return Math.round(fullMs * (0.5 + random / 2));
}
