// The cost estimate of `gantry describe`.
import {
  DEFAULT_RUNTIME_ANNOTATION,
  parseEcsSettings,
  publishEcsSettings,
  runtimeSettingsAnnotation,
  TASK_ANNOTATION,
  type WireNode,
  type WirePod,
} from "@gantry/core";
import { expect, test } from "vitest";
import { costOutline, isOnEcs } from "./cost-outline.ts";
import { formatOutline } from "./outline.ts";

const settings = publishEcsSettings(
  parseEcsSettings({
    engineId: "test",
    region: "us-east-1",
    lanes: [{ name: "fargate", cluster: "jobs", launchType: "FARGATE" }],
    network: { subnets: [{ id: "subnet-1" }], securityGroups: [] },
    executionRoleArn: "arn:aws:iam::1:role/exec",
  }),
);
const node: WireNode = {
  metadata: { annotations: { [runtimeSettingsAnnotation("ecs")]: settings } },
};
const spec = {
  runtimeClassName: "ecs",
  containers: [{ name: "main", resources: { limits: { cpu: "1", memory: "2Gi" } } }],
};
const podOf = (fields: object = {}) => ({
  namespace: "ns",
  annotations: {},
  spec: { ...spec, ...fields },
});
const nowMs = Date.parse("2026-01-01T02:00:00Z");

const running: WirePod = {
  status: {
    phase: "Running",
    containerStatuses: [{ state: { running: { startedAt: "2026-01-01T01:00:00Z" } } }],
  },
};
const facts = {
  taskArn: "a",
  attempt: 1,
  lane: "fargate",
  arch: "amd64",
  spot: true,
  fargate: true,
  cpu: 1024,
  memory: 2048,
  startedAtMs: nowMs - 7_200_000,
  stoppedAtMs: nowMs - 3_600_000,
};
const ended: WirePod = {
  metadata: { annotations: { [TASK_ANNOTATION]: JSON.stringify(facts) } },
  status: { phase: "Succeeded" },
};

test("a running Pod by what it asks for, an ended one by what its task was", () => {
  const outline = costOutline(
    podOf(),
    [running, ended, { status: { phase: "Pending" } }],
    [node],
    nowMs,
  );
  expect(formatOutline({ "Cost Estimate": outline })).toBe(
    [
      "Cost Estimate:",
      "  Each Pod:     1 vCPU and 2 GB on fargate: 0.0494 USD an hour",
      "  So Far:       0.0642 USD for 2 tasks (7,200 vCPU-seconds, 14,400 GB-seconds)",
      "  Running Now:  0.0494 USD an hour",
      "",
    ].join("\n"),
  );
});

test("an ended Pod of which no facts are kept goes by its containers' times", () => {
  const state = {
    terminated: {
      startedAt: "2026-01-01T00:00:00Z",
      finishedAt: "2026-01-01T00:30:00Z",
      exitCode: 0,
    },
  };
  const pod: WirePod = { status: { phase: "Failed", containerStatuses: [{ state }] } };
  expect(costOutline(podOf(), [pod], [node], nowMs)).toMatchObject({
    "So Far": "0.0247 USD for 1 task (1,800 vCPU-seconds, 3,600 GB-seconds)",
    "Running Now": undefined,
  });
});

test("nothing where no worker tells prices, or the lane is not paid by task", () => {
  expect(costOutline(podOf(), [running], [], nowMs)).toBeUndefined();
  const metal = podOf({ nodeSelector: { "gantry.dev/lane": "none" } });
  expect(costOutline(metal, [running], [node], nowMs)).toBeUndefined();
});

test("a Pod without a runtime is on ECS where that is the workers' default", () => {
  expect(isOnEcs(spec, [])).toBe(true);
  expect(isOnEcs({ containers: [] }, [node])).toBe(false);
  const byDefault = { metadata: { annotations: { [DEFAULT_RUNTIME_ANNOTATION]: "ecs" } } };
  expect(isOnEcs({ containers: [] }, [byDefault])).toBe(true);
  expect(isOnEcs({ runtimeClassName: "docker", containers: [] }, [byDefault])).toBe(false);
});
