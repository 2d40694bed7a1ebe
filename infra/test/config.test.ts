// The configuration file: defaults, and what is refused with the field and what is wrong with it.
import { describe, expect, test } from "vitest";
import { ConfigError, parseConfig, readConfig } from "../src/config.ts";
import { checkEcsSettings } from "../src/ecs-settings.ts";
import { example } from "./synthesized.ts";

const parse = (changes: Record<string, unknown>) =>
  parseConfig({ ...example, ...changes }, "gantry.json");

test("the example needs nothing more, and gets the durable Redis and an internal API", () => {
  const config = parse({});
  expect(config.redis).toEqual({
    engine: "memorydb",
    nodeType: "db.t4g.small",
    replicas: 1,
    snapshotRetentionDays: 7,
  });
  expect(config.api).toMatchObject({ public: false, count: 2, deletionProtection: true });
  expect(config.worker).toMatchObject({ min: 2, max: 6, concurrency: 1000 });
});

describe("is refused with the field's name", () => {
  const vpc = {
    vpcId: "vpc-0a",
    cidr: "10.0.0.0/16",
    availabilityZones: ["a", "b"],
    privateSubnetIds: ["subnet-0a", "subnet-0b"],
  };
  const tls = { certificateArn: "arn:aws:acm:eu-central-1:123456789012:certificate/1" };
  test.each([
    ["an account that is none", { account: "123" }, "account"],
    ["a field that there is not", { colour: "red" }, "colour"],
    ["a name too long", { name: "a".repeat(21) }, "name"],
    ["an image without a tag or digest", { image: "gantry" }, "image"],
    [
      "a node type of the other service",
      { redis: { engine: "elasticache", nodeType: "db.r7g.large" } },
      "redis.nodeType",
    ],
    ["no replica", { redis: { engine: "memorydb", replicas: 0 } }, "redis.replicas"],
    ["a public API for everybody by accident", { api: { tls, public: true } }, "api.allowFrom"],
    [
      "a public API in a VPC without public subnets",
      { network: vpc, api: { tls, public: true, allowFrom: ["1.2.3.0/24"] } },
      "network.publicSubnetIds",
    ],
    [
      "subnets without zones",
      { network: { ...vpc, availabilityZones: ["a", "b", "c"] } },
      "network.privateSubnetIds",
    ],
    ["fewer workers than the least", { worker: { min: 4, max: 3 } }, "worker.max"],
  ])("%s", (_, changes, field) => {
    expect(() => parse(changes)).toThrow(ConfigError);
    expect(() => parse(changes)).toThrow(field);
  });

  test("settings that the ecs runtime would refuse", () => {
    const settings = { sweep: { intervalSeconds: -1 } };
    expect(() => checkEcsSettings(parse({ pods: { settings } }))).toThrow("sweep.intervalSeconds");
    const lanes: unknown[] = [];
    expect(() => checkEcsSettings(parse({ pods: { settings: { lanes } } }))).toThrow("lanes");
  });

  test("a file that is not there, or no JSON", () => {
    expect(() => readConfig("/nowhere/gantry.json")).toThrow(ConfigError);
    expect(() => readConfig(new URL(import.meta.url).pathname)).toThrow(ConfigError);
  });
});
