// The pairs of CPU and memory that Fargate has, and the cheapest one that is large enough.

/** CPU units (1024 a vCPU) and MiB. */
export interface TaskSize {
  readonly cpuUnits: number;
  readonly memoryMiB: number;
}

interface Row {
  readonly cpuUnits: number;
  readonly memoryMiB: readonly number[];
}

const GIB = 1024;

const steps = (fromGiB: number, toGiB: number, stepGiB: number): number[] => {
  const sizes: number[] = [];
  for (let size = fromGiB; size <= toGiB; size += stepGiB) sizes.push(size * GIB);
  return sizes;
};

const rows: readonly Row[] = [
  { cpuUnits: 256, memoryMiB: [512, 1024, 2048] },
  { cpuUnits: 512, memoryMiB: steps(1, 4, 1) },
  { cpuUnits: 1024, memoryMiB: steps(2, 8, 1) },
  { cpuUnits: 2048, memoryMiB: steps(4, 16, 1) },
  { cpuUnits: 4096, memoryMiB: steps(8, 30, 1) },
  { cpuUnits: 8192, memoryMiB: steps(16, 60, 4) },
  { cpuUnits: 16_384, memoryMiB: steps(32, 120, 8) },
];

/** Not in all Regions. */
const largest: Row = { cpuUnits: 32_768, memoryMiB: [60, 120, 244].map((size) => size * GIB) };

export const fargateSizes = (enable32Vcpu: boolean): TaskSize[] =>
  [...rows, ...(enable32Vcpu ? [largest] : [])].flatMap(({ cpuUnits, memoryMiB }) =>
    memoryMiB.map((memory) => ({ cpuUnits, memoryMiB: memory })),
  );

export interface SizePrices {
  readonly vcpuSecond: number;
  readonly gbSecond: number;
}

/** Price of a second. */
export const pricePerSecond = (size: TaskSize, prices: SizePrices): number =>
  (size.cpuUnits / 1024) * prices.vcpuSecond + (size.memoryMiB / GIB) * prices.gbSecond;

/**
 * `undefined` when none is large enough. Of equally cheap ones the one with the most CPU, then
 * with the most memory.
 */
export function cheapestFargateSize(
  wanted: TaskSize,
  prices: SizePrices,
  enable32Vcpu: boolean,
): TaskSize | undefined {
  let best: TaskSize | undefined;
  for (const size of fargateSizes(enable32Vcpu)) {
    if (size.cpuUnits < wanted.cpuUnits || size.memoryMiB < wanted.memoryMiB) continue;
    // Later sizes are larger, so that an equal price gives more.
    if (best === undefined || pricePerSecond(size, prices) <= pricePerSecond(best, prices)) {
      best = size;
    }
  }
  return best;
}
