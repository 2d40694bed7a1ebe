// The file of --ecs-config: what is read, and what a person reads when it is wrong.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UsageError } from "../usage-error.ts";
import { ecsConfig } from "./ecs-config.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "gantry-ecs-config-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const file = (text: string): string => {
  const path = join(directory, "ecs");
  writeFileSync(path, text);
  return path;
};

const minimal = {
  engineId: "test",
  region: "us-east-1",
  lanes: [{ name: "fargate", cluster: "default", launchType: "FARGATE" }],
  network: { subnets: [{ id: "subnet-1" }], securityGroups: [] },
  executionRoleArn: "arn:aws:iam::123456789012:role/execution",
};

const refusal = (text: string): string => {
  try {
    ecsConfig({ ecsConfig: file(text) }, ["ecs"]);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message.replace(directory, "DIR");
  }
  throw new Error("not refused");
};

describe("ecsConfig", () => {
  test("reads JSON and YAML, and fills in the defaults", () => {
    const json = ecsConfig({ ecsConfig: file(JSON.stringify(minimal)) }, ["ecs"]);
    expect(json.ecs).toMatchObject({ engineId: "test", logs: { streamPrefix: "gantry" } });
    const yaml = `
# A comment, which JSON can't have.
engineId: test
region: us-east-1
lanes: [{name: fargate, cluster: default, launchType: FARGATE}]
network: {subnets: [{id: subnet-1}], securityGroups: []}
executionRoleArn: arn:aws:iam::123456789012:role/execution
`;
    expect(ecsConfig({ ecsConfig: file(yaml) }, ["ecs"])).toEqual(json);
  });

  test("is asked for by the ecs runtime alone", () => {
    expect(ecsConfig({}, ["process"])).toEqual({});
    expect(() => ecsConfig({}, ["process", "ecs"])).toThrow(
      /--ecs-config FILE or GANTRY_ECS_CONFIG/,
    );
  });

  test("names every problem with its path, a line each", () => {
    const wrong = {
      ...minimal,
      region: "here",
      lanes: [{ name: "Fargate", cluster: "default", launchType: "FARGATE" }],
      network: { subnets: [{ id: "subnet-1" }, { id: "net" }], securityGroups: [] },
      unheardOf: true,
    };
    const [head, ...problems] = refusal(JSON.stringify(wrong)).split("\n");
    expect(head).toBe("--ecs-config DIR/ecs is not valid:");
    expect(problems.toSorted()).toEqual([
      '  Unrecognized key: "unheardOf"',
      "  lanes[0].name: must be a DNS label",
      "  network.subnets[1].id: must be a subnet id",
      "  region: must be a region",
    ]);
  });

  test("an empty file lacks everything that has no default", () => {
    const text = refusal("");
    for (const path of ["engineId", "region", "lanes", "network", "executionRoleArn"]) {
      expect(text).toContain(`\n  ${path}: `);
    }
  });

  test("says where a file is no JSON, and that there is none", () => {
    expect(refusal('{"engineId": "a", ]')).toMatch(
      /^--ecs-config DIR\/ecs: neither JSON nor YAML: .* at line 1/s,
    );
    const missing = join(directory, "none");
    expect(() => ecsConfig({ ecsConfig: missing }, [])).toThrow(`${missing}: no such file`);
  });
});
