// The real clients, unmodified, pointed at a fake; with their inputs checked against the model.
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { ECSClient } from "@aws-sdk/client-ecs";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { FakeEcs } from "./fake-ecs.ts";
import { checkInputs } from "./model/input-check.ts";

export interface Clients {
  readonly ecs: ECSClient;
  readonly sqs: SQSClient;
  readonly logs: CloudWatchLogsClient;
  destroy(): void;
}

/** `maxAttempts` 1 shows each error as it came; the SDK's own default is 3. */
export const clientsOf = (
  fake: Pick<FakeEcs, "endpoint">,
  options: { readonly maxAttempts?: number; readonly region?: string; readonly key?: string } = {},
): Clients => {
  const config = {
    endpoint: fake.endpoint,
    region: options.region ?? "us-east-1",
    credentials: { accessKeyId: options.key ?? "fake", secretAccessKey: "fake" },
    maxAttempts: options.maxAttempts ?? 1,
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: 30_000,
      throwOnRequestTimeout: true,
    },
  };
  const ecs = checkInputs(new ECSClient(config), "ecs");
  const sqs = checkInputs(new SQSClient(config), "sqs");
  const logs = checkInputs(new CloudWatchLogsClient(config), "logs");
  return {
    ecs,
    sqs,
    logs,
    destroy: () => {
      for (const client of [ecs, sqs, logs]) client.destroy();
    },
  };
};
