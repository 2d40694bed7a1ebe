// How long a container has between SIGTERM and SIGKILL, by terminationGracePeriodSeconds.
import { type LaneKind, laneKind, type LaneSettings } from "./lane-settings.ts";

/** ECS's own limits, in seconds. Hosts on EC2 have no upper one. */
const MIN_SECONDS = 2;
export const MAX_FARGATE_STOP_SECONDS = 120;
const DEFAULT_SECONDS = 30;

export const exceedsStopTimeout = (graceSeconds: number | undefined, kind: LaneKind): boolean =>
  kind === "fargate" && (graceSeconds ?? DEFAULT_SECONDS) > MAX_FARGATE_STOP_SECONDS;

/** Seconds, within what the lane's hosts allow. */
export function stopTimeout(graceSeconds: number | undefined, lane: LaneSettings): number {
  const wanted = Math.max(MIN_SECONDS, graceSeconds ?? DEFAULT_SECONDS);
  return laneKind(lane) === "fargate" ? Math.min(wanted, MAX_FARGATE_STOP_SECONDS) : wanted;
}
