// What the ECS agent of an EC2 instance may do: with this cluster, and nothing else.
import type { Cluster } from "aws-cdk-lib/aws-ecs";
import { Policy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";

export const instancePolicy = (scope: Construct, cluster: Cluster): Policy => {
  const inCluster = { ArnEquals: { "ecs:cluster": cluster.clusterArn } };
  const policy = new Policy(scope, "InstancePolicy", {
    statements: [
      new PolicyStatement({
        actions: ["ecs:RegisterContainerInstance", "ecs:DeregisterContainerInstance"],
        resources: [cluster.clusterArn],
      }),
      new PolicyStatement({
        actions: [
          "ecs:Poll",
          "ecs:StartTelemetrySession",
          "ecs:UpdateContainerInstancesState",
          "ecs:SubmitContainerStateChange",
          "ecs:SubmitTaskStateChange",
          "ecs:SubmitAttachmentStateChanges",
        ],
        resources: ["*"],
        conditions: inCluster,
      }),
      new PolicyStatement({ actions: ["ecs:DiscoverPollEndpoint"], resources: ["*"] }),
    ],
  });
  acknowledge(
    policy,
    "AwsSolutions-IAM5[Resource::*]",
    "The agent's actions name no resource before it is registered; a condition binds them to the cluster.",
  );
  return policy;
};
