// Where a Pod's tasks may go: the lanes and zones that its nodeSelector and node affinity allow.
import { matchesNode } from "../placement/node-affinity.ts";
import type { PodSpec } from "../schema/pod.ts";
import { isSpot, laneKind, type LaneSettings } from "./lane-settings.ts";
import type { EcsSettings } from "./settings.ts";

const LANE_LABEL = "gantry.dev/lane";
/** `spot` or `on-demand`. */
const CAPACITY_LABEL = "gantry.dev/capacity-type";
const ZONE_LABEL = "topology.kubernetes.io/zone";
const REGION_LABEL = "topology.kubernetes.io/region";

export type PlaceSettings = Pick<EcsSettings, "lanes" | "region"> & {
  readonly network: Pick<EcsSettings["network"], "subnets">;
};

/** A lane, and those of the subnets that the Pod may be in. */
export interface LanePlace {
  readonly lane: LaneSettings;
  readonly subnets: EcsSettings["network"]["subnets"];
}

/** What a nodeSelector may ask for; the labels that a Kubernetes Node there would have. */
export function placeLabels(
  lane: LaneSettings,
  zone: string | undefined,
  region: string,
): Record<string, string> {
  return {
    ...lane.labels,
    "kubernetes.io/arch": lane.arch,
    "kubernetes.io/os": "linux",
    [REGION_LABEL]: region,
    ...(zone !== undefined && { [ZONE_LABEL]: zone }),
    [LANE_LABEL]: lane.name,
    [CAPACITY_LABEL]: isSpot(lane) ? "spot" : "on-demand",
    "eks.amazonaws.com/compute-type": laneKind(lane),
  };
}

/** In the order of the settings; empty when none suits. */
export const placesFor = (spec: PodSpec, settings: PlaceSettings): LanePlace[] =>
  settings.lanes.flatMap((lane) => {
    const subnets = settings.network.subnets.filter(({ zone }) =>
      matchesNode(spec, { name: lane.name, labels: placeLabels(lane, zone, settings.region) }),
    );
    return subnets.length === 0 ? [] : [{ lane, subnets }];
  });
