// How large a Pod's task is: CPU, memory and disk, from what its containers ask for.
import { parseQuantity, quantityToInteger, quantityToMilli } from "../apimachinery/quantity.ts";
import type { Container } from "../schema/container.ts";
import type { PodSpec } from "../schema/pod.ts";
import { cheapestFargateSize, type TaskSize } from "./fargate-sizes.ts";
import { laneKind, type LaneSettings } from "./lane-settings.ts";
import type { PriceSettings } from "./price-settings.ts";

/** Of a Pod that asks for nothing: the smallest size of Fargate. */
const DEFAULT_SIZE: TaskSize = { cpuUnits: 256, memoryMiB: 512 };

/** ECS's limits of tasks on EC2: an eighth of a vCPU, and what Docker needs. */
const MIN_EC2_CPU_UNITS = 128;
const MIN_EC2_MEMORY_MIB = 6;

/** GiB of disk that each task on Fargate has, and that it may ask for. */
export const FREE_STORAGE_GIB = 20;
const MIN_STORAGE_GIB = 21;
export const MAX_STORAGE_GIB = 200;

const MIB = 1024n * 1024n;
const GIB = 1024n * MIB;

const divideUp = (amount: bigint, divisor: bigint): number =>
  Number((amount + divisor - 1n) / divisor);

/** 1024 units a core, rounded up. */
export const cpuUnits = (quantity: string): number =>
  divideUp(quantityToMilli(parseQuantity(quantity)) * 1024n, 1000n);

export const mebibytes = (quantity: string): number =>
  divideUp(quantityToInteger(parseQuantity(quantity)), MIB);

const bytes = (quantity: string | undefined): bigint =>
  quantity === undefined ? 0n : quantityToInteger(parseQuantity(quantity));

type Asking = Pick<Container, "resources">;

const asked = ({ resources }: Asking): TaskSize => {
  const { limits = {}, requests = {} } = resources ?? {};
  const cpu = requests["cpu"] ?? limits["cpu"];
  const memory = [requests["memory"], limits["memory"]].map((text) =>
    text === undefined ? 0 : mebibytes(text),
  );
  // A task's memory is a limit, so that the limits of its containers must fit.
  return { cpuUnits: cpu === undefined ? 0 : cpuUnits(cpu), memoryMiB: Math.max(...memory) };
};

const plus = (a: TaskSize, b: TaskSize): TaskSize => ({
  cpuUnits: a.cpuUnits + b.cpuUnits,
  memoryMiB: a.memoryMiB + b.memoryMiB,
});

const larger = (a: TaskSize, b: TaskSize): TaskSize => ({
  cpuUnits: Math.max(a.cpuUnits, b.cpuUnits),
  memoryMiB: Math.max(a.memoryMiB, b.memoryMiB),
});

const nothing: TaskSize = { cpuUnits: 0, memoryMiB: 0 };

/** The application containers and sidecars together, or, where it is more, an init container. */
export function wantedSize(spec: PodSpec): TaskSize {
  let running = (spec.containers ?? []).map(asked).reduce(plus, nothing);
  let sidecars = nothing;
  let starting = nothing;
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === "Always") {
      sidecars = plus(sidecars, asked(container));
      running = plus(running, asked(container));
      starting = larger(starting, sidecars);
    } else {
      starting = larger(starting, plus(sidecars, asked(container)));
    }
  }
  const overhead = asked({ resources: { requests: spec.overhead ?? {} } });
  const whole = asked(spec);
  const sum = larger(running, starting);
  // Requests of the Pod as a whole replace what its containers say.
  return plus(overhead, {
    cpuUnits: whole.cpuUnits || sum.cpuUnits,
    memoryMiB: whole.memoryMiB || sum.memoryMiB,
  });
}

/** What of a disk is asked for: the containers' ephemeral-storage, and the emptyDirs on disk. */
function wantedStorage(spec: PodSpec): bigint {
  const of = ({ resources }: Asking): bigint => {
    const { limits = {}, requests = {} } = resources ?? {};
    const [limit, request] = [
      bytes(limits["ephemeral-storage"]),
      bytes(requests["ephemeral-storage"]),
    ];
    return limit > request ? limit : request;
  };
  let sum = 0n;
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    sum += of(container);
  }
  for (const { emptyDir } of spec.volumes ?? []) {
    if (emptyDir !== undefined && emptyDir.medium !== "Memory") sum += bytes(emptyDir.sizeLimit);
  }
  return sum;
}

/** GiB to ask for; `undefined` when what each task has is enough. May exceed the maximum. */
export function storageGiB(spec: PodSpec): number | undefined {
  const wanted = divideUp(wantedStorage(spec), GIB);
  return wanted <= FREE_STORAGE_GIB ? undefined : Math.max(MIN_STORAGE_GIB, wanted);
}

/** `undefined` when the lane has no size large enough. */
export function taskSize(
  spec: PodSpec,
  lane: LaneSettings,
  prices: PriceSettings,
): TaskSize | undefined {
  const wanted = wantedSize(spec);
  if (laneKind(lane) === "fargate") {
    return cheapestFargateSize(wanted, prices[lane.arch], lane.enable32Vcpu);
  }
  return {
    cpuUnits: Math.max(MIN_EC2_CPU_UNITS, wanted.cpuUnits || DEFAULT_SIZE.cpuUnits),
    memoryMiB: Math.max(MIN_EC2_MEMORY_MIB, wanted.memoryMiB || DEFAULT_SIZE.memoryMiB),
  };
}
