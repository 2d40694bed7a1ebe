// The three services, how each speaks on the wire, and the operations that are served.
import * as ecs from "@aws-sdk/client-ecs";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as sqs from "@aws-sdk/client-sqs";

export type ServiceName = "ecs" | "logs" | "sqs";

export interface Service {
  readonly name: ServiceName;
  readonly packageName: string;
  /** Before the dot of `x-amz-target`. */
  readonly target: string;
  readonly contentType: string;
  /** The service in the credential scope of the signature. */
  readonly signingName: string;
  readonly operations: readonly string[];
  /** What the published client exports, its schemas among it. */
  readonly exports: Readonly<Record<string, unknown>>;
}

export const services: Readonly<Record<ServiceName, Service>> = {
  ecs: {
    name: "ecs",
    packageName: "@aws-sdk/client-ecs",
    target: "AmazonEC2ContainerServiceV20141113",
    contentType: "application/x-amz-json-1.1",
    signingName: "ecs",
    operations: [
      "DeleteTaskDefinitions",
      "DeregisterTaskDefinition",
      "DescribeClusters",
      "DescribeTaskDefinition",
      "DescribeTasks",
      "ListTagsForResource",
      "ListTaskDefinitionFamilies",
      "ListTaskDefinitions",
      "ListTasks",
      "RegisterTaskDefinition",
      "RunTask",
      "StopTask",
      "TagResource",
      "UntagResource",
    ],
    exports: ecs,
  },
  logs: {
    name: "logs",
    packageName: "@aws-sdk/client-cloudwatch-logs",
    target: "Logs_20140328",
    contentType: "application/x-amz-json-1.1",
    signingName: "logs",
    operations: ["DescribeLogGroups", "DescribeLogStreams", "FilterLogEvents", "GetLogEvents"],
    exports: logs,
  },
  sqs: {
    name: "sqs",
    packageName: "@aws-sdk/client-sqs",
    target: "AmazonSQS",
    contentType: "application/x-amz-json-1.0",
    signingName: "sqs",
    operations: [
      "ChangeMessageVisibility",
      "ChangeMessageVisibilityBatch",
      "DeleteMessage",
      "DeleteMessageBatch",
      "GetQueueAttributes",
      "GetQueueUrl",
      "PurgeQueue",
      "ReceiveMessage",
      "SendMessage",
    ],
    exports: sqs,
  },
};

export const serviceNames = Object.keys(services) as ServiceName[];
