// The settings file of the ecs runtime: defaults, refusals, and what of it is published.
import { expect, test } from "vitest";
import { publishEcsSettings, readPublishedSettings } from "./published-settings.ts";
import { type EcsSettingsFile, parseEcsSettings, startedBy } from "./settings.ts";

const least: EcsSettingsFile = {
  engineId: "prod",
  region: "eu-west-1",
  lanes: [{ name: "fargate", cluster: "jobs", launchType: "FARGATE" }],
  network: { subnets: [{ id: "subnet-0a1", zone: "eu-west-1a" }], securityGroups: ["sg-0b2"] },
  executionRoleArn: "arn:aws:iam::111122223333:role/exec",
};

test("all that can have a default has one", () => {
  const settings = parseEcsSettings(least);
  expect(settings).toMatchObject({
    lanePolicy: { preferSpot: false, spotAttempts: 3 },
    network: { assignPublicIp: false },
    logs: { group: "/gantry/pods", streamPrefix: "gantry", mode: "blocking" },
    rates: { share: 0.7, definitionModify: { burst: 20, perSecond: 1 } },
    prices: { currency: "USD", amd64: { vcpuSecond: 0.000011244, gbSecond: 0.000001235 } },
    launch: { deadlineSeconds: 3600, permanentAttempts: 3 },
    spotExitZero: "Failed",
    stopTimeoutPolicy: "refuse",
    annotationRoles: [],
  });
  expect(startedBy(settings)).toBe("gantry/prod");
});

test.each([
  [{ engineId: "a/b" }, /^engineId: must be 1 to 64/],
  [{ region: "europe" }, /^region: must be a region/],
  [{ lanes: [] }, /^lanes:/],
  [{ lanes: [{ name: "a", cluster: "c" }] }, /^lanes\[0\]: must have exactly one/],
  [
    { lanes: [{ name: "a", cluster: "c", launchType: "EC2", capacityProvider: "x" }] },
    /^lanes\[0\]: must have exactly one/,
  ],
  [
    {
      lanes: [
        { name: "a", cluster: "c", launchType: "EC2" },
        { name: "a", cluster: "d", launchType: "EC2" },
      ],
    },
    /^lanes\[1\]\.name: must be unique/,
  ],
  [{ network: { subnets: [], securityGroups: [] } }, /^network\.subnets:/],
  [
    {
      network: {
        subnets: Array.from({ length: 17 }, () => ({ id: "subnet-1" })),
        securityGroups: [],
      },
    },
    /^network\.subnets:/,
  ],
  [{ executionRoleArn: "role" }, /^executionRoleArn: must be an ARN/],
  [
    { secrets: { "a/b": "arn:aws:ssm:r:1:parameter/x" } },
    /^secrets.*must be namespace\/secret\/key/,
  ],
  [
    { taskRoles: { "a/b/c": "arn:aws:iam::1:role/x" } },
    /^taskRoles.*must be namespace\/serviceAccount/,
  ],
  [{ colour: "blue" }, /Unrecognized key: "colour"/],
  [{ logs: { colour: "blue" } }, /^logs: Unrecognized key: "colour"/],
])("refuses %j", (change, message) => {
  expect(() => parseEcsSettings({ ...least, ...change })).toThrow(message);
});

test("what is published has no names of things in AWS, and is read back to the same rules", () => {
  const settings = parseEcsSettings({
    ...least,
    taskRoles: { "ns/sa": "arn:aws:iam::111122223333:role/task" },
    secrets: { "ns/db/password": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db" },
    imagePullSecrets: { "ns/reg": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:reg" },
    efs: { claims: { "ns/data": { fileSystemId: "fs-0aa" } } },
    watch: { queueUrl: "https://sqs.eu-west-1.amazonaws.com/111122223333/tasks" },
    tags: { team: "secret-project" },
  });
  const text = publishEcsSettings(settings);
  for (const hidden of [
    "prod",
    "/gantry/pods",
    "111122223333",
    "subnet-0a1",
    "sg-0b2",
    "fs-0aa",
    "secret-project",
  ]) {
    expect(text).not.toContain(hidden);
  }
  const read = readPublishedSettings(text);
  expect(Object.keys(read?.secrets ?? {})).toEqual(["ns/db/password"]);
  expect(read?.network.subnets[0]?.zone).toBe("eu-west-1a");
  expect(read?.lanes[0]?.name).toBe("fargate");
  expect(readPublishedSettings("{")).toBeUndefined();
  expect(readPublishedSettings('{"version":2}')).toBeUndefined();
});
