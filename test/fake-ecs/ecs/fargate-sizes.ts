// Pairs of cpu units and memory (MiB) that Fargate has.

const range = (from: number, to: number, step: number): readonly number[] =>
  Array.from({ length: (to - from) / step + 1 }, (_, i) => from + i * step);

const sizes: ReadonlyMap<number, readonly number[]> = new Map([
  [256, [512, 1024, 2048]],
  [512, range(1024, 4096, 1024)],
  [1024, range(2048, 8192, 1024)],
  [2048, range(4096, 16_384, 1024)],
  [4096, range(8192, 30_720, 1024)],
  [8192, range(16_384, 61_440, 4096)],
  [16_384, range(32_768, 122_880, 8192)],
]);

const newestSizes: ReadonlyMap<number, readonly number[]> = new Map([
  [32_768, [61_440, 122_880, 249_856]],
]);

export const isFargateSize = (cpu: number, memoryMiB: number, with32Vcpu: boolean): boolean =>
  (sizes.get(cpu) ?? (with32Vcpu ? newestSizes.get(cpu) : undefined))?.includes(memoryMiB) === true;

/** "1024", "1 vCPU", ".5 vcpu" in units; NaN when it is none of these. */
export const cpuUnits = (text: string): number => {
  const [, number = "", unit] = /^(\d*\.?\d+) ?(vcpu)?$/i.exec(text.trim()) ?? [];
  return number === "" ? Number.NaN : Number(number) * (unit === undefined ? 1 : 1024);
};

/** "2048", "2 GB", "2GB" in MiB; NaN when it is none of these. */
export const memoryMiB = (text: string): number => {
  const [, number = "", unit] = /^(\d*\.?\d+) ?(gb)?$/i.exec(text.trim()) ?? [];
  return number === "" ? Number.NaN : Number(number) * (unit === undefined ? 1 : 1024);
};
