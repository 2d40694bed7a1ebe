// Which faults keep a worker from starting, and which are only waited out.
import { parseEcsSettings } from "@gantry/core";
import { expect, test } from "vitest";
import type { EcsClients } from "./ecs-clients.ts";
import { checkStart, EcsStartError } from "./start-checks.ts";

const settings = parseEcsSettings({
  engineId: "test",
  region: "us-east-1",
  lanes: [{ name: "fargate", cluster: "default", launchType: "FARGATE" }],
  network: { subnets: [{ id: "subnet-1" }], securityGroups: [] },
  executionRoleArn: "arn:aws:iam::123456789012:role/execution",
  watch: { queueUrl: "https://sqs.us-east-1.amazonaws.com/123456789012/events" },
});

const cluster = { clusters: [{ clusterName: "default", status: "ACTIVE" }] };

/** Calls of ECS and of SQS that meet the fault so often at first; resolves with how many there were. */
const started = async (fault: object, times: number): Promise<{ ecs: number; sqs: number }> => {
  const calls = { ecs: 0, sqs: 0 };
  const client = (name: "ecs" | "sqs", reply: object) => ({
    send: async () => {
      calls[name] += 1;
      if (calls[name] <= times) throw Object.assign(new Error("it failed"), fault);
      return reply;
    },
  });
  const clients = { ecs: client("ecs", cluster), sqs: client("sqs", {}) };
  await checkStart(settings, clients as unknown as EcsClients, async () => {});
  return calls;
};

test.each([
  ["a throttle", { name: "ThrottlingException" }],
  ["a server's fault", { name: "Unknown", $metadata: { httpStatusCode: 503 } }],
  ["a connection that breaks", { name: "Error", code: "ECONNRESET" }],
  ["a request that takes too long", { name: "TimeoutError", code: "ETIMEDOUT" }],
  ["a connection that takes too long", { name: "TimeoutError" }],
  ["a resolver that has no answer now", { name: "Error", code: "EAI_AGAIN" }],
])("%s is waited out", async (_what, fault) => {
  expect(await started(fault, 2)).toEqual({ ecs: 3, sqs: 3 });
});

test.each([
  [
    "a request that takes too long each time",
    { code: "ETIMEDOUT" },
    /its endpoints can be reached/,
  ],
  ["nobody there", { code: "ECONNREFUSED" }, /its endpoints can be reached/],
  ["no such host", { code: "ENOTFOUND" }, /"region" \(us-east-1\) is right/],
  ["no permission", { name: "AccessDeniedException" }, /let the worker's role do it/],
  ["no credentials", { name: "CredentialsProviderError" }, /give AWS credentials/],
  ["credentials that ran out", { name: "ExpiredTokenException" }, /give AWS credentials/],
])("%s is told, with what to fix", async (_what, fault, says) => {
  const failed = started(fault, 100);
  await expect(failed).rejects.toThrow(EcsStartError);
  await expect(failed).rejects.toThrow(says);
});
