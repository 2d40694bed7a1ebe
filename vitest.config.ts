import { defineConfig } from "vitest/config";

// Tests read sibling packages from src (the "source" condition), so no build is needed first.
const shared = {
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"], externalConditions: ["source"] } },
};

const ecs = ["test/ecs/**/*.test.ts", "test/fake-ecs/**/*.test.ts"];

export default defineConfig({
  ...shared,
  test: {
    // More than the two cores of a small machine: many tests wait for processes and timers.
    maxWorkers: 3,
    projects: [
      {
        ...shared,
        test: { name: "unit", include: ["packages/*/src/**/*.test.ts"], testTimeout: 120_000 },
      },
      {
        ...shared,
        test: {
          name: "integration",
          include: ["packages/*/test/**/*.test.ts"],
          pool: "forks",
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: {
          name: "infra",
          include: ["infra/test/**/*.test.ts"],
          pool: "forks",
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        ...shared,
        // These wait more than they work, so they run beside one another.
        test: {
          name: "ecs",
          include: ecs,
          pool: "forks",
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        ...shared,
        test: {
          name: "e2e",
          include: ["test/**/*.test.ts"],
          exclude: ecs,
          pool: "forks",
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
