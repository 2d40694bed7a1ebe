// ecs.md section 8: lanes, zones, pauses and rates.
import { expect, test } from "vitest";
import { chooseLane, coolingMs, subnetsFor } from "./lane-choice.ts";
import {
  isSpot,
  laneKind,
  lanePolicy,
  laneSettings,
  rateSettings,
  runtimeLabel,
} from "./lane-settings.ts";
import { clientToken, MAX_CLIENT_TOKEN, mayReplay } from "./launch-intent.ts";
import { launchBuckets, launchesPerSecond, usableBucket, waitEstimate } from "./launch-rates.ts";
import type { LanePlace } from "./places.ts";

const subnets = [
  { id: "subnet-a", zone: "a" },
  { id: "subnet-b", zone: "b" },
  { id: "subnet-b2", zone: "b" },
];
const lane = (name: string, capacity: object): LanePlace => ({
  lane: laneSettings.parse({ name, cluster: "c", ...capacity }),
  subnets,
});
const onDemand = lane("od", { launchType: "FARGATE" });
const second = lane("od2", { capacityProvider: "FARGATE" });
const spot = lane("spot", { capacityProvider: "FARGATE_SPOT" });
const metal = lane("metal", { capacityProvider: "asg" });
const places = [onDemand, spot, second];

const history = { spotAttempts: 0, capacityFailures: 0 };
const policy = (fields: object = {}) => lanePolicy.parse(fields);
const open = new Map<string, number>();

test.each([
  // preferSpot, attempts on Spot so far, lane
  [false, 0, "od"],
  [true, 0, "spot"],
  [true, 2, "spot"],
  [true, 3, "od"],
  [true, 9, "od"],
] as const)("preferSpot %s after %i attempts on Spot: %s", (preferSpot, spotAttempts, name) => {
  const choice = chooseLane(places, policy({ preferSpot }), { ...history, spotAttempts }, open);
  expect(choice?.lane.name).toBe(name);
});

test("where there is only Spot, it is Spot; where there is nothing, nothing", () => {
  expect(chooseLane([spot], policy(), { ...history, spotAttempts: 9 }, open)?.lane.name).toBe(
    "spot",
  );
  expect(chooseLane([], policy(), history, open)).toBeUndefined();
});

test("a closed lane is passed over; when all are closed, the first to open", () => {
  expect(chooseLane(places, policy(), history, new Map([["od", 5]]))).toMatchObject({
    lane: { name: "od2" },
    notBeforeMs: 0,
  });
  const both = new Map([
    ["od", 9],
    ["od2", 7],
  ]);
  expect(chooseLane(places, policy(), history, both)).toMatchObject({
    lane: { name: "od2" },
    notBeforeMs: 7,
  });
  expect(
    chooseLane(places, policy({ preferSpot: true }), history, new Map([["spot", 3]])),
  ).toMatchObject({
    lane: { name: "spot" },
    notBeforeMs: 3,
  });
});

test.each([
  [0, ["subnet-a", "subnet-b", "subnet-b2"]],
  [1, ["subnet-a"]],
  [2, ["subnet-b", "subnet-b2"]],
  [3, ["subnet-a"]],
])("after %i times without room: subnets %j", (failures, expected) => {
  expect(subnetsFor(onDemand, failures)).toEqual(expected);
});

test("without zones, or with one, there is nothing to rotate", () => {
  const nameless = { ...onDemand, subnets: [{ id: "subnet-x" }, { id: "subnet-y", zone: "a" }] };
  expect(subnetsFor(nameless, 2)).toEqual(["subnet-x", "subnet-y"]);
});

test.each([
  [1, 0, 2500],
  [1, 0.999, 4998],
  [2, 0, 5000],
  [3, 0, 10_000],
  [6, 0, 60_000],
  [99, 0, 60_000],
])("after %i failures with chance %d: %i ms", (failures, random, expected) => {
  const cooling = { scope: "lane", initialMs: 5000, maxMs: 120_000 } as const;
  expect(coolingMs(cooling, failures, random)).toBe(expected);
});

test("kinds of lanes", () => {
  const kinds = [onDemand, second, spot, metal].map(({ lane: one }) => [
    laneKind(one),
    isSpot(one),
  ]);
  expect(kinds).toEqual([
    ["fargate", false],
    ["fargate", false],
    ["fargate", true],
    ["ec2", false],
  ]);
  expect(isSpot(lane("x", { capacityProvider: "cheap", spot: true }).lane)).toBe(true);
  expect(runtimeLabel(metal.lane)).toBe("ecs-ec2");
});

test("a launch takes from each of the account's buckets that ECS counts it in", () => {
  expect(launchBuckets(onDemand.lane)).toEqual([
    "clusterModify",
    "fargateRunTask",
    "fargateOnDemand",
  ]);
  expect(launchBuckets(spot.lane)).toEqual(["clusterModify", "fargateRunTask", "fargateSpot"]);
  expect(launchBuckets(metal.lane)).toEqual(["clusterModify"]);
});

test("of each limit a share is used: 10,000 Pods take longer than ECS's own 500 s", () => {
  const rates = rateSettings.parse({});
  expect(usableBucket(rates, "fargateRunTask")).toEqual({ burst: 14, perSecond: 14 });
  expect(usableBucket(rates, "definitionDelete")).toEqual({ burst: 3, perSecond: 0.7 });
  expect(launchesPerSecond(onDemand.lane, rates)).toBeCloseTo(14);
  expect(waitEstimate(10_000, 14)).toBe("about 12 min");
  expect(waitEstimate(10_000, 20)).toBe("about 9 min");
  expect(waitEstimate(5, 14)).toBe("about 1 s");
  expect(waitEstimate(0, 14)).toBe("now");
  expect(waitEstimate(100_000, 14)).toBe("about 2 h");
  const slow = lane("slow", { launchType: "FARGATE", launches: { burst: 1, perSecond: 2 } });
  expect(launchesPerSecond(slow.lane, rates)).toBe(2);
});

test("a token is the Pod's and the attempt's own, fits, and may be replayed for 50 minutes", () => {
  const podUid = "11111111-2222-3333-4444-555555555555";
  expect(clientToken({ podUid, attempt: 12 })).toBe(`${podUid}.12`);
  expect(clientToken({ podUid, attempt: 10 ** 9 }).length).toBeLessThanOrEqual(MAX_CLIENT_TOKEN);
  expect(mayReplay({ launchedAtMs: 0 }, 50 * 60_000 - 1)).toBe(true);
  expect(mayReplay({ launchedAtMs: 0 }, 50 * 60_000)).toBe(false);
});
