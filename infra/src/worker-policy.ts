// What workers may do in AWS: run, watch and stop the tasks of this cluster, and nothing else.
import { Stack } from "aws-cdk-lib";
import type { Cluster } from "aws-cdk-lib/aws-ecs";
import { Policy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { acknowledgeWildcard } from "./acknowledge.ts";
import type { Config } from "./config.ts";
import type { PodRoles } from "./pod-roles.ts";

export interface WorkerPolicyProps {
  readonly config: Config;
  readonly cluster: Cluster;
  readonly roles: PodRoles;
  readonly queue: Queue;
  readonly logs: LogGroup;
}

export const workerPolicy = (scope: Construct, props: WorkerPolicyProps): Policy => {
  const { cluster, queue, logs } = props;
  const arn = (resource: string, resourceName: string): string =>
    Stack.of(scope).formatArn({ service: "ecs", resource, resourceName });
  const tasks = arn("task", `${cluster.clusterName}/*`);
  // Families of the task definitions that workers make are `gantry-<hash>`.
  const definitions = arn("task-definition", "gantry-*:*");
  const streams = `${logs.logGroupArn}:log-stream:*`;
  const policy = new Policy(scope, "WorkerPolicy", {
    statements: [
      ...taskStatements(cluster, tasks, definitions),
      ...definitionStatements(definitions),
      passRoles(props),
      new PolicyStatement({
        actions: [
          "sqs:ReceiveMessage",
          "sqs:DeleteMessage",
          "sqs:ChangeMessageVisibility",
          "sqs:GetQueueAttributes",
        ],
        resources: [queue.queueArn],
      }),
      new PolicyStatement({ actions: ["logs:GetLogEvents"], resources: [streams] }),
    ],
  });
  const reasons = {
    [tasks]: "Tasks get their ids when they are run; all are of this cluster.",
    [definitions]: "Task definitions are named by the hash of their content.",
    [streams]: "A stream a container, named when it starts.",
    "*":
      "ListTasks is bound to the cluster by its condition; registering, describing and " +
      "deregistering task definitions take no resource.",
  };
  for (const [resource, why] of Object.entries(reasons)) acknowledgeWildcard(policy, resource, why);
  return policy;
};

const taskStatements = (
  cluster: Cluster,
  tasks: string,
  definitions: string,
): PolicyStatement[] => {
  const inCluster = { ArnEquals: { "ecs:cluster": cluster.clusterArn } };
  return [
    new PolicyStatement({
      actions: ["ecs:RunTask"],
      resources: [definitions],
      conditions: inCluster,
    }),
    new PolicyStatement({ actions: ["ecs:StopTask", "ecs:DescribeTasks"], resources: [tasks] }),
    new PolicyStatement({ actions: ["ecs:ListTasks"], resources: ["*"], conditions: inCluster }),
    new PolicyStatement({ actions: ["ecs:DescribeClusters"], resources: [cluster.clusterArn] }),
    tagging(tasks, "RunTask"),
  ];
};

const definitionStatements = (definitions: string): PolicyStatement[] => [
  new PolicyStatement({
    actions: [
      "ecs:RegisterTaskDefinition",
      "ecs:DescribeTaskDefinition",
      "ecs:DeregisterTaskDefinition",
    ],
    resources: ["*"],
  }),
  new PolicyStatement({ actions: ["ecs:DeleteTaskDefinitions"], resources: [definitions] }),
  tagging(definitions, "RegisterTaskDefinition"),
];

/** Tags are given when something is made, and not changed later. */
const tagging = (resource: string, by: string): PolicyStatement =>
  new PolicyStatement({
    actions: ["ecs:TagResource"],
    resources: [resource],
    conditions: { StringEquals: { "ecs:CreateAction": by } },
  });

/** Only the roles that are configured, and only to tasks: a worker can't make itself more powerful. */
const passRoles = ({ config, roles }: WorkerPolicyProps): PolicyStatement =>
  new PolicyStatement({
    actions: ["iam:PassRole"],
    resources: [
      roles.execution.roleArn,
      roles.task.roleArn,
      ...new Set(Object.values(config.pods.settings.taskRoles)),
    ],
    conditions: { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
  });
