// ecs.md section 4: Fargate's sizes and the choice among them.
import { expect, test } from "vitest";
import { cheapestFargateSize, fargateSizes, pricePerSecond } from "./fargate-sizes.ts";

const prices = { vcpuSecond: 0.000011244, gbSecond: 0.000001235 };

test("there are 74 pairs, and 77 with 32 vCPU", () => {
  expect(fargateSizes(false)).toHaveLength(74);
  expect(fargateSizes(true)).toHaveLength(77);
});

test.each([
  // wanted cpu, wanted memory, chosen cpu, chosen memory
  [0, 0, 256, 512],
  [256, 512, 256, 512],
  [256, 513, 256, 1024],
  [256, 2049, 512, 3072],
  [257, 512, 512, 1024],
  [512, 4097, 1024, 5120],
  [1024, 2048, 1024, 2048],
  [1500, 1000, 2048, 4096],
  [4096, 30_721, 8192, 32_768],
  [8192, 16_385, 8192, 20_480],
  [8192, 61_441, 16_384, 65_536],
  [16_384, 32_769, 16_384, 40_960],
  [16_384, 122_880, 16_384, 122_880],
])("%i units and %i MiB become %i and %i", (cpuUnits, memoryMiB, cpu, memory) => {
  expect(cheapestFargateSize({ cpuUnits, memoryMiB }, prices, false)).toEqual({
    cpuUnits: cpu,
    memoryMiB: memory,
  });
});

test("what is larger than all fits nowhere, and 32 vCPU only where they are enabled", () => {
  expect(cheapestFargateSize({ cpuUnits: 16_385, memoryMiB: 1 }, prices, false)).toBeUndefined();
  expect(cheapestFargateSize({ cpuUnits: 1, memoryMiB: 122_881 }, prices, false)).toBeUndefined();
  expect(cheapestFargateSize({ cpuUnits: 16_385, memoryMiB: 1 }, prices, true)).toEqual({
    cpuUnits: 32_768,
    memoryMiB: 61_440,
  });
  expect(cheapestFargateSize({ cpuUnits: 1, memoryMiB: 249_857 }, prices, true)).toBeUndefined();
});

test("where memory is free, the size with the most of it wins", () => {
  const free = { vcpuSecond: 1, gbSecond: 0 };
  expect(cheapestFargateSize({ cpuUnits: 1, memoryMiB: 1 }, free, false)).toEqual({
    cpuUnits: 256,
    memoryMiB: 2048,
  });
});

test("no fitting size is cheaper than the chosen one", () => {
  for (const wanted of fargateSizes(false)) {
    const asked = { cpuUnits: wanted.cpuUnits - 1, memoryMiB: wanted.memoryMiB - 1 };
    const chosen = cheapestFargateSize(asked, prices, false);
    for (const size of fargateSizes(false)) {
      if (size.cpuUnits < asked.cpuUnits || size.memoryMiB < asked.memoryMiB) continue;
      expect(pricePerSecond(size, prices)).toBeGreaterThanOrEqual(
        pricePerSecond(chosen ?? size, prices),
      );
    }
    expect(chosen).toBeDefined();
  }
});
