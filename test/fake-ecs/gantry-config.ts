// What `gantry worker --ecs-config` takes to run its Pods on a fake.
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { FakeEcs } from "./fake-ecs.ts";

/** Settings by their paths in docs/ecs.md; what is not given is as a small installation has it. */
export const gantryConfig = (
  { queueUrl, environment }: Pick<FakeEcs, "queueUrl" | "environment">,
  { watch, ...more }: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> => ({
  engineId: "fake",
  region: environment["AWS_REGION"],
  lanes: [{ name: "fargate", cluster: "default", launchType: "FARGATE" }],
  network: { subnets: [{ id: "subnet-1" }, { id: "subnet-2" }], securityGroups: [] },
  executionRoleArn: "arn:aws:iam::123456789012:role/execution",
  logs: { group: "gantry", drainSeconds: 2 },
  watch: { queueUrl, ...(watch as object | undefined) },
  ...more,
});

/**
 * Writes `ecs.json` and `env` into the directory; the latter is to be read by a shell, and makes the
 * ecs runtime the one that `gantry` offers.
 */
export const writeGantryFiles = (
  directory: string,
  fake: Pick<FakeEcs, "queueUrl" | "environment">,
): { readonly config: string; readonly env: string } => {
  mkdirSync(directory, { recursive: true });
  const config = resolve(directory, "ecs.json");
  writeFileSync(config, `${JSON.stringify(gantryConfig(fake), null, 2)}\n`);
  const variables = { ...fake.environment, GANTRY_RUNTIME: "ecs", GANTRY_ECS_CONFIG: config };
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'\n`);
  const env = resolve(directory, "env");
  writeFileSync(env, lines.join(""));
  return { config, env };
};

/** As a process gets them, below a directory that exists. */
export const gantryEnvironment = (
  directory: string,
  fake: Pick<FakeEcs, "queueUrl" | "environment">,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, string> => {
  const config = join(directory, "ecs.json");
  writeFileSync(config, JSON.stringify(gantryConfig(fake, more)));
  return { ...fake.environment, GANTRY_RUNTIME: "ecs", GANTRY_ECS_CONFIG: config };
};
