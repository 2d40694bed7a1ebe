// What a Job or a Pod of the ecs runtime costs, for people.
import {
  type AdmittedPod,
  DEFAULT_RUNTIME_ANNOTATION,
  ecsSettingsOfNodes,
  estimateCost,
  expectedTask,
  hourPrice,
  parseTaskFacts,
  TASK_ANNOTATION,
  type UsedPod,
  type WireNode,
  type WirePod,
} from "@gantry/core";
import type { Outline } from "./outline.ts";

type Spec = NonNullable<WirePod["spec"]>;

const ECS = "ecs";

const timeMs = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Date.parse(text);

/** When the last of its containers ended. */
const endedAtMs = ({ status }: WirePod): number | undefined => {
  if (status?.phase !== "Succeeded" && status?.phase !== "Failed") return undefined;
  const ends = (status.containerStatuses ?? []).map(({ state }) =>
    timeMs(state?.terminated?.finishedAt),
  );
  const known = ends.filter((end) => end !== undefined);
  return known.length > 0 ? Math.max(...known) : timeMs(status.startTime);
};

const used = (pod: WirePod): UsedPod => {
  const running = pod.status?.containerStatuses?.[0]?.state;
  const startedAt = running?.running?.startedAt ?? running?.terminated?.startedAt;
  return {
    facts: parseTaskFacts(pod.metadata?.annotations?.[TASK_ANNOTATION]),
    startedAtMs: timeMs(startedAt),
    endedAtMs: endedAtMs(pod),
  };
};

/** Whether Pods of this spec run on ECS, as far as their spec and the Nodes tell. */
export const isOnEcs = (spec: Spec | undefined, nodes: readonly WireNode[]): boolean =>
  spec?.runtimeClassName === undefined
    ? nodes.some(({ metadata }) => metadata?.annotations?.[DEFAULT_RUNTIME_ANNOTATION] === ECS)
    : spec.runtimeClassName === ECS;

/** Small sums are told to the hundredth of a cent. */
const money = (amount: number, currency: string): string => `${amount.toFixed(4)} ${currency}`;

const whole = (amount: number): string => Math.round(amount).toLocaleString("en-US");

/** `pod`: one of them, or their template. Absent where nothing is known of prices: no worker with the ecs runtime has been seen. */
export function costOutline(
  pod: AdmittedPod,
  pods: readonly WirePod[],
  nodes: readonly WireNode[],
  nowMs: number,
): Outline | undefined {
  const settings = ecsSettingsOfNodes(nodes);
  if (settings === undefined) return undefined;
  const { prices } = settings;
  const expected = expectedTask(pod, settings);
  const estimate = estimateCost(pods.map(used), expected, prices, nowMs);
  if (expected === undefined && estimate.pods === 0) return undefined;
  const { amount, vcpuSeconds, gbSeconds, perHour } = estimate;
  const size = expected?.size;
  const each =
    expected === undefined || size === undefined
      ? undefined
      : `${size.cpuUnits / 1024} vCPU and ${size.memoryMiB / 1024} GB on ${expected.lane}: ` +
        `${money(hourPrice(expected, prices), prices.currency)} an hour`;
  const tasks = estimate.pods === 1 ? "1 task" : `${whole(estimate.pods)} tasks`;
  return {
    "Each Pod": each,
    "So Far":
      `${money(amount, prices.currency)} for ${tasks} ` +
      `(${whole(vcpuSeconds)} vCPU-seconds, ${whole(gbSeconds)} GB-seconds)`,
    "Running Now": perHour === 0 ? undefined : `${money(perHour, prices.currency)} an hour`,
  };
}
