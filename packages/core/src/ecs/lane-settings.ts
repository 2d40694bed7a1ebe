// Lanes: the places where tasks run, each with its own limits; and which lane an attempt takes.
import { z } from "zod";

/** A token bucket: `burst` calls at once, `perSecond` calls thereafter. */
const bucket = (burst: number, perSecond: number) =>
  z
    .strictObject({ burst: z.number().positive(), perSecond: z.number().positive() })
    .default({ burst, perSecond });

/**
 * The account's own limits; the runtime keeps to `share` of each. All of a Region's workers share
 * them. Defaults are those of a new account.
 */
export const rateSettings = z.strictObject({
  share: z.number().gt(0).max(1).default(0.7),
  /** Of the cluster-modify bucket: kept free for StopTask. */
  stopReserve: z.number().min(0).max(0.5).default(0.1),
  /** RunTask, StopTask and other changes to a cluster. */
  clusterModify: bucket(100, 40),
  clusterRead: bucket(100, 20),
  definitionModify: bucket(20, 1),
  definitionRead: bucket(50, 20),
  definitionDelete: bucket(5, 1),
  /** RunTask calls for Fargate, on demand and Spot together. */
  fargateRunTask: bucket(20, 20),
  /** Tasks launched on Fargate on demand. */
  fargateOnDemand: bucket(100, 20),
  fargateSpot: bucket(100, 20),
  /** GetLogEvents. */
  logEvents: bucket(25, 25),
});
export type RateSettings = z.infer<typeof rateSettings>;
export type RateBucket = Exclude<keyof RateSettings, "share" | "stopReserve">;

const laneFields = z.strictObject({
  name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be a DNS label"),
  /** Name or ARN. */
  cluster: z.string().min(1),
  /** Exactly one of launchType and capacityProvider. */
  launchType: z.enum(["FARGATE", "EC2"]).optional(),
  /** FARGATE, FARGATE_SPOT, or the name of a provider of EC2 instances. */
  capacityProvider: z.string().min(1).optional(),
  arch: z.enum(["amd64", "arm64"]).default("amd64"),
  /** Of Fargate. */
  platformVersion: z.string().min(1).default("LATEST"),
  /** The sizes of 32 vCPU, which not all Regions have. */
  enable32Vcpu: z.boolean().default(false),
  /** Instances of a named provider that may be reclaimed. */
  spot: z.boolean().optional(),
  /** Labels of the lane's hosts, which a Pod's nodeSelector may ask for. */
  labels: z.record(z.string().min(1), z.string()).default({}),
  /** The hosts have GPUs. */
  gpu: z.boolean().default(false),
  /** vCPUs that may run at once: the account's quota. Absent: told by ECS's refusals. */
  vcpuQuota: z.number().positive().optional(),
  /** Launches a second of this lane, where it has a limit of its own. */
  launches: z
    .strictObject({ burst: z.number().positive(), perSecond: z.number().positive() })
    .optional(),
});

const isOneKind = (lane: { launchType?: unknown; capacityProvider?: unknown }): boolean =>
  (lane.launchType === undefined) !== (lane.capacityProvider === undefined);

export const laneSettings = laneFields.refine(
  isOneKind,
  "must have exactly one of launchType and capacityProvider",
);
export type LaneSettings = z.infer<typeof laneSettings>;

export const lanePolicy = z.strictObject({
  /** Try lanes of Spot capacity first. */
  preferSpot: z.boolean().default(false),
  /** Attempts of a Pod on Spot before it goes on demand. */
  spotAttempts: z.int().min(0).default(3),
});
export type LanePolicy = z.infer<typeof lanePolicy>;

export type LaneKind = "fargate" | "ec2";

/** What a lane is described by for the rules that only need to know the kind of its capacity. */
export type LaneCapacity = Pick<LaneSettings, "launchType" | "capacityProvider" | "spot">;

export const isSpot = ({ capacityProvider, spot }: LaneCapacity): boolean =>
  spot ?? capacityProvider === "FARGATE_SPOT";

export const laneKind = (lane: LaneCapacity): LaneKind =>
  [lane.launchType, lane.capacityProvider].some((name) => name?.startsWith("FARGATE") === true)
    ? "fargate"
    : "ec2";

/** `ecs-fargate`, `ecs-ec2`: how refusals name the runtime. */
export const runtimeLabel = (lane: LaneCapacity): string => `ecs-${laneKind(lane)}`;
