// The AWS clients of the ecs runtime. Credentials, and endpoints other than the Region's, come from
// the environment as for every AWS program.
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { ECSClient } from "@aws-sdk/client-ecs";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { EcsSettings } from "@gantry/core";

// Which Node is needed is Gantry's to say, whose clients are pinned.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

const CONNECT_MS = 5_000;
/** RunTask may take seconds; what takes longer is asked again under its token. */
const REQUEST_MS = 20_000;
/** An SQS long poll waits for up to 20 s before it answers. */
const LONG_POLL_MS = 30_000;

export interface EcsClients {
  readonly ecs: ECSClient;
  readonly sqs: SQSClient;
  readonly logs: CloudWatchLogsClient;
  destroy(): void;
}

export const openClients = ({
  region,
  logs: { region: logsRegion = region },
}: Pick<EcsSettings, "region" | "logs">): EcsClients => {
  // Each refusal is to be seen, so that all workers slow down together: the client tries once.
  const shared = { region, maxAttempts: 1 };
  const handler = (requestTimeout: number) => ({
    connectionTimeout: CONNECT_MS,
    requestTimeout,
    throwOnRequestTimeout: true,
  });
  const ecs = new ECSClient({ ...shared, requestHandler: handler(REQUEST_MS) });
  const sqs = new SQSClient({ ...shared, requestHandler: handler(LONG_POLL_MS) });
  const logs = new CloudWatchLogsClient({
    ...shared,
    region: logsRegion,
    requestHandler: handler(REQUEST_MS),
  });
  return {
    ecs,
    sqs,
    logs,
    destroy() {
      ecs.destroy();
      sqs.destroy();
      logs.destroy();
    },
  };
};
