// ecs.md section 8: where an attempt goes, by what the Pod needs and what befell those before it.
import { parseEcsSettings } from "@gantry/core";
import { expect, test } from "vitest";
import type { RunnablePod } from "../runtime.ts";
import { laneFor, UnplannableError } from "./next-attempt.ts";

const settings = parseEcsSettings({
  engineId: "test",
  region: "eu-west-1",
  lanes: [
    { name: "spot", cluster: "c", capacityProvider: "FARGATE_SPOT" },
    { name: "fargate", cluster: "c", launchType: "FARGATE" },
    { name: "metal", cluster: "c", capacityProvider: "asg" },
  ],
  lanePolicy: { preferSpot: true, spotAttempts: 2 },
  network: { subnets: [{ id: "subnet-1" }], securityGroups: [] },
  executionRoleArn: "arn:aws:iam::1:role/exec",
});

const podWith = (spec: object): RunnablePod => ({
  namespace: "ns",
  name: "pod",
  uid: "u",
  labels: {},
  annotations: {},
  node: "n",
  serviceAccountName: "default",
  spec: { containers: [{ name: "main", image: "x" }], ...spec },
  sources: new Map(),
});

const laneOf = (spec: object, reclaims = 0): string =>
  laneFor({ settings }, podWith(spec), null, new Map(), reclaims).lane.name;

test.each([
  [0, "spot"],
  [1, "spot"],
  [2, "fargate"],
])("after %i reclaims of the Pods before it: %s", (reclaims, lane) => {
  expect(laneOf({}, reclaims)).toBe(lane);
});

test("a lane that can't run all of the Pod is none of its lanes", () => {
  expect(laneOf({ terminationGracePeriodSeconds: 600 })).toBe("metal");
  expect(() => laneOf({ hostNetwork: true })).toThrow(UnplannableError);
});
