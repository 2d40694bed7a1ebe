// ECS tells of every change of a task: a rule puts it on a queue that keeps it until a worker has read it.
import { Duration } from "aws-cdk-lib";
import type { ICluster } from "aws-cdk-lib/aws-ecs";
import { Rule } from "aws-cdk-lib/aws-events";
import { SqsQueue } from "aws-cdk-lib/aws-events-targets";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { startedBy } from "@gantry/core";
import type { Config } from "./config.ts";

/** The longest that SQS keeps: outcomes survive a fortnight without workers. */
const KEPT = Duration.days(14);

/** A worker applies a batch in well under a second; a lost one's events are read again after this. */
const VISIBILITY = Duration.seconds(60);

/** An event that no worker could apply so often is put aside. */
const RECEIVES_MAX = 10;

const queue = (scope: Construct, id: string, queueName: string, dead?: Queue): Queue =>
  new Queue(scope, id, {
    queueName,
    retentionPeriod: KEPT,
    visibilityTimeout: VISIBILITY,
    receiveMessageWaitTime: Duration.seconds(20),
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    ...(dead && { deadLetterQueue: { queue: dead, maxReceiveCount: RECEIVES_MAX } }),
  });

export class TaskEvents extends Construct {
  readonly queue: Queue;
  /** Events that could not be delivered, or not applied. */
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, config: Config, cluster: ICluster) {
    super(scope, id);
    this.deadLetters = queue(this, "DeadLetters", `${config.name}-task-events-dead`);
    this.queue = queue(this, "Queue", `${config.name}-task-events`, this.deadLetters);
    const detail = { clusterArn: [cluster.clusterArn] };
    this.#rule("TaskStateChange", "ECS Task State Change", {
      ...detail,
      // The services' own tasks are none of the workers' business.
      startedBy: [startedBy({ engineId: config.name })],
    });
    if (config.pods.ec2 !== undefined) {
      this.#rule("InstanceStateChange", "ECS Container Instance State Change", detail);
    }
  }

  #rule(id: string, detailType: string, detail: Record<string, unknown>): void {
    new Rule(this, id, {
      description: `${detailType} of Gantry's cluster`,
      eventPattern: { source: ["aws.ecs"], detailType: [detailType], detail },
      targets: [
        new SqsQueue(this.queue, {
          deadLetterQueue: this.deadLetters,
          maxEventAge: Duration.hours(24),
          retryAttempts: 185,
        }),
      ],
    });
  }
}
