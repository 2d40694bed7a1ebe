// What Pods on Fargate cost.
import { expect, test } from "vitest";
import { type BilledTask, estimateCost, expectedTask, hourPrice } from "./cost.ts";
import { parseEcsSettings } from "./settings.ts";
import { factsOfTask, formatTaskFacts, parseTaskFacts, type TaskFacts } from "./task-facts.ts";
import { taskFrom } from "./task.ts";

const settings = parseEcsSettings({
  engineId: "test",
  region: "us-east-1",
  lanes: [
    { name: "fargate", cluster: "jobs", launchType: "FARGATE" },
    { name: "spot", cluster: "jobs", capacityProvider: "FARGATE_SPOT" },
    { name: "metal", cluster: "jobs", capacityProvider: "asg" },
  ],
  network: { subnets: [{ id: "subnet-1" }], securityGroups: [] },
  executionRoleArn: "arn:aws:iam::1:role/exec",
});
const { prices } = settings;

const one: BilledTask = {
  size: { cpuUnits: 1024, memoryMiB: 2048 },
  arch: "amd64",
  spot: false,
  lane: "fargate",
};

test("an hour of 1 vCPU and 2 GB on demand in us-east-1", () => {
  expect(hourPrice(one, prices)).toBeCloseTo(0.049_37, 5);
});

test("Spot costs its share, storage beyond 20 GiB its own price, which Spot does not lower", () => {
  const spot = { ...one, spot: true };
  expect(hourPrice(spot, prices)).toBeCloseTo(hourPrice(one, prices) * 0.3, 10);
  const disk = { ...spot, storageGiB: 120 };
  expect(hourPrice(disk, prices) - hourPrice(spot, prices)).toBeCloseTo(0.011_09, 4);
});

test("what a Pod is expected to be: the lane that it would be tried on first", () => {
  const spec = { containers: [{ name: "a", resources: { limits: { cpu: "1", memory: "2Gi" } } }] };
  const of = (fields: object, from = settings) =>
    expectedTask({ namespace: "ns", annotations: {}, spec: { ...spec, ...fields } }, from);
  expect(of({})).toEqual({ ...one, storageGiB: undefined });
  const preferring = { ...settings, lanePolicy: { preferSpot: true, spotAttempts: 3 } };
  expect(of({}, preferring)).toMatchObject({ spot: true, lane: "spot" });
  expect(of({ nodeSelector: { "gantry.dev/lane": "metal" } })).toBeUndefined();
  expect(of({ terminationGracePeriodSeconds: 600 })).toBeUndefined();
});

const NOW = 10_000_000;
const facts = (fields: Partial<TaskFacts>): TaskFacts => ({
  taskArn: "a",
  attempt: 1,
  lane: "fargate",
  arch: "amd64",
  spot: false,
  fargate: true,
  cpu: 1024,
  memory: 2048,
  ...fields,
});

test("ended Pods cost from the pull to the stop, running ones go on; Pending ones cost nothing", () => {
  const ended = { facts: facts({ billedFromMs: 0, startedAtMs: 9, stoppedAtMs: 3_600_000 }) };
  const running = { startedAtMs: NOW - 7_200_000 };
  const estimate = estimateCost([ended, running, {}], one, prices, NOW);
  expect(estimate).toMatchObject({ vcpuSeconds: 10_800, gbSeconds: 21_600, pods: 2 });
  expect(estimate.amount).toBeCloseTo(hourPrice(one, prices) * 3, 10);
  expect(estimate.perHour).toBeCloseTo(hourPrice(one, prices), 10);
});

test("a task of a second is billed as a minute; one on EC2 is not billed", () => {
  const short = { facts: facts({ startedAtMs: 0, stoppedAtMs: 1000 }) };
  expect(estimateCost([short], one, prices, NOW).vcpuSeconds).toBe(60);
  const metal = { facts: facts({ fargate: false, startedAtMs: 0, stoppedAtMs: 9_000_000 }) };
  expect(estimateCost([metal], one, prices, NOW)).toMatchObject({ amount: 0, pods: 0 });
  expect(estimateCost([{ startedAtMs: 0 }], undefined, prices, NOW).pods).toBe(0);
});

test("the facts of a task: its end, its digests and how long each phase took", () => {
  const task = taskFrom({
    taskArn: "arn:aws:ecs:r:1:task/jobs/abc",
    lastStatus: "STOPPED",
    stopCode: "EssentialContainerExited",
    stoppedReason: "x".repeat(2000),
    availabilityZone: "r-a",
    cpu: "1024",
    memory: "2048",
    createdAt: 11,
    pullStartedAt: 20,
    pullStoppedAt: 26,
    startedAt: 27.5,
    executionStoppedAt: 87.5,
    stoppedAt: 99,
    ephemeralStorage: { sizeInGiB: 30 },
    containers: [{ name: "main", imageDigest: "sha256:1" }, { name: "side" }],
  });
  const [lane] = settings.lanes;
  if (task === undefined || lane === undefined) throw new Error("no task");
  const found = factsOfTask({
    task,
    intent: { attempt: 2, launchedAtMs: 10_000 },
    lane,
    podCreatedAtMs: 4000,
  });
  expect(found).toMatchObject({
    attempt: 2,
    lane: "fargate",
    fargate: true,
    zone: "r-a",
    cpu: 1024,
    memory: 2048,
    storageGiB: 30,
    stopCode: "EssentialContainerExited",
    digests: { main: "sha256:1" },
    queueMs: 6000,
    provisionMs: 10_000,
    pullMs: 6000,
    startMs: 1500,
    runMs: 60_000,
    billedFromMs: 20_000,
    stoppedAtMs: 99_000,
  });
  expect(found.stoppedReason).toHaveLength(1024);
  expect(parseTaskFacts(formatTaskFacts(found))).toEqual(JSON.parse(formatTaskFacts(found)));
  expect(formatTaskFacts(found).length).toBeLessThan(2048);
  expect(parseTaskFacts("not JSON")).toBeUndefined();
  expect(parseTaskFacts('{"a":1}')).toBeUndefined();
  expect(parseTaskFacts(undefined)).toBeUndefined();
});
