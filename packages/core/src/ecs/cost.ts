// What Pods on Fargate cost, by vCPU and memory seconds at the prices of the settings. An estimate:
// it knows the tasks that there still are Pods of, and of each the last.
import type { PodSpec } from "../schema/pod.ts";
import { suitablePlaces } from "./admission/admit-on-ecs.ts";
import type { AdmittedPod } from "./admission/finding.ts";
import { pricePerSecond, type TaskSize } from "./fargate-sizes.ts";
import { isSpot, laneKind, type LaneSettings } from "./lane-settings.ts";
import type { PriceSettings } from "./price-settings.ts";
import type { EcsSettings } from "./settings.ts";
import type { TaskFacts } from "./task-facts.ts";
import { FREE_STORAGE_GIB, storageGiB, taskSize } from "./task-sizing.ts";

/** Fargate's shortest bill. */
const MIN_BILLED_SECONDS = 60;

const SECONDS_PER_HOUR = 3600;

/** A task of Fargate as far as it is paid for. */
export interface BilledTask {
  readonly size: TaskSize;
  readonly arch: LaneSettings["arch"];
  readonly spot: boolean;
  readonly storageGiB?: number | undefined;
  readonly lane: string;
}

/** In the currency of the prices. */
export function secondPrice(task: BilledTask, prices: PriceSettings): number {
  const extra = Math.max(0, (task.storageGiB ?? FREE_STORAGE_GIB) - FREE_STORAGE_GIB);
  const capacity = pricePerSecond(task.size, prices[task.arch]);
  // Storage has no Spot price.
  return capacity * (task.spot ? prices.spotShare : 1) + extra * prices.storageGbSecond;
}

export const hourPrice = (task: BilledTask, prices: PriceSettings): number =>
  secondPrice(task, prices) * SECONDS_PER_HOUR;

const billedByLane = (spec: PodSpec, lane: LaneSettings, prices: PriceSettings) => {
  const size = taskSize(spec, lane, prices);
  if (size === undefined || laneKind(lane) !== "fargate") return undefined;
  const { arch, name } = lane;
  return { size, arch, spot: isSpot(lane), storageGiB: storageGiB(spec), lane: name };
};

/** The task that a Pod would be, on the first lane that suits it; `undefined` where none is billed. */
export function expectedTask(pod: AdmittedPod, settings: EcsSettings): BilledTask | undefined {
  const lanes = suitablePlaces(pod, settings).map(({ lane }) => lane);
  const wanted = settings.lanePolicy.preferSpot;
  const ordered = lanes.toSorted(
    (a, b) => Number(isSpot(a) !== wanted) - Number(isSpot(b) !== wanted),
  );
  const [first] = ordered;
  return first === undefined ? undefined : billedByLane(pod.spec, first, settings.prices);
}

const billedByFacts = (facts: TaskFacts): BilledTask | undefined => {
  const { cpu, memory, arch, spot, fargate, lane } = facts;
  if (!fargate || cpu === undefined || memory === undefined) return undefined;
  return {
    size: { cpuUnits: cpu, memoryMiB: memory },
    arch,
    spot,
    storageGiB: facts.storageGiB,
    lane,
  };
};

/** A Pod as the API shows it. */
export interface UsedPod {
  /** Of its last task, where that is kept. */
  readonly facts?: TaskFacts | undefined;
  /** Unix milliseconds; absent while it is Pending. */
  readonly startedAtMs?: number | undefined;
  /** Absent while it runs. */
  readonly endedAtMs?: number | undefined;
}

export interface CostEstimate {
  /** What is billed by now, in the currency of the prices. */
  readonly amount: number;
  readonly vcpuSeconds: number;
  readonly gbSeconds: number;
  /** Of the Pods that run. */
  readonly perHour: number;
  /** How many Pods that is of. */
  readonly pods: number;
}

function billedSeconds(pod: UsedPod, nowMs: number): number | undefined {
  const fromMs = pod.facts?.billedFromMs ?? pod.facts?.startedAtMs ?? pod.startedAtMs;
  if (fromMs === undefined) return undefined;
  const toMs = pod.facts?.stoppedAtMs ?? pod.endedAtMs ?? nowMs;
  return Math.max(MIN_BILLED_SECONDS, (toMs - fromMs) / 1000);
}

/** `expected`: what Pods are taken for of whose task nothing is kept. */
export function estimateCost(
  pods: readonly UsedPod[],
  expected: BilledTask | undefined,
  prices: PriceSettings,
  nowMs: number,
): CostEstimate {
  const sum = { amount: 0, vcpuSeconds: 0, gbSeconds: 0, perHour: 0, pods: 0 };
  for (const pod of pods) {
    const task = pod.facts === undefined ? expected : billedByFacts(pod.facts);
    const seconds = billedSeconds(pod, nowMs);
    if (task === undefined || seconds === undefined) continue;
    const runs = pod.facts?.stoppedAtMs === undefined && pod.endedAtMs === undefined;
    sum.amount += secondPrice(task, prices) * seconds;
    sum.vcpuSeconds += (task.size.cpuUnits / 1024) * seconds;
    sum.gbSeconds += (task.size.memoryMiB / 1024) * seconds;
    if (runs) sum.perHour += hourPrice(task, prices);
    sum.pods += 1;
  }
  return sum;
}
