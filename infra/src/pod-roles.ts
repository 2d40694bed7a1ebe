// The roles of the tasks that Pods become: one that starts them, and one they have when none is given.
import { Stack } from "aws-cdk-lib";
import { Policy, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { acknowledgeWildcard } from "./acknowledge.ts";
import type { Config } from "./config.ts";

/** Only tasks of this account take the role: another account's ECS can't be made to use it. */
export const tasksPrincipal = (scope: Construct): ServicePrincipal =>
  new ServicePrincipal("ecs-tasks.amazonaws.com", {
    conditions: {
      StringEquals: { "aws:SourceAccount": Stack.of(scope).account },
      ArnLike: {
        "aws:SourceArn": Stack.of(scope).formatArn({ service: "ecs", resource: "*" }),
      },
    },
  });

const pullActions = [
  "ecr:BatchCheckLayerAvailability",
  "ecr:BatchGetImage",
  "ecr:GetDownloadUrlForLayer",
];

export class PodRoles extends Construct {
  /** Pulls images, writes logs, reads the secrets that Pods may name. */
  readonly execution: Role;
  /** Of Pods whose ServiceAccount has none: no rights at all. */
  readonly task: Role;

  constructor(scope: Construct, id: string, config: Config, logs: LogGroup) {
    super(scope, id);
    const assumedBy = tasksPrincipal(this);
    this.task = new Role(this, "Task", {
      roleName: `${config.name}-pod`,
      description: "Pods whose ServiceAccount has no role of its own",
      assumedBy,
    });
    this.execution = new Role(this, "Execution", {
      roleName: `${config.name}-pod-execution`,
      description: "Starts the tasks of Pods",
      assumedBy,
    });
    this.execution.attachInlinePolicy(this.#executionPolicy(config, logs));
  }

  #executionPolicy({ pods }: Config, logs: LogGroup): Policy {
    const { secrets, imagePullSecrets } = pods.settings;
    const anyRepository = Stack.of(this).formatArn({
      service: "ecr",
      resource: "repository",
      resourceName: "*",
    });
    const repositories = pods.repositoryArns.length > 0 ? pods.repositoryArns : [anyRepository];
    const streams = `${logs.logGroupArn}:*`;
    const policy = new Policy(this, "ExecutionPolicy", {
      statements: [
        new PolicyStatement({ actions: ["ecr:GetAuthorizationToken"], resources: ["*"] }),
        new PolicyStatement({ actions: pullActions, resources: repositories }),
        new PolicyStatement({
          actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
          resources: [streams],
        }),
        ...readStatements([...Object.values(secrets), ...Object.values(imagePullSecrets)]),
      ],
    });
    acknowledgeWildcard(policy, "*", "ecr:GetAuthorizationToken takes no resource.");
    acknowledgeWildcard(
      policy,
      anyRepository,
      "Pods run the images of this account unless the operator names repositories.",
    );
    acknowledgeWildcard(policy, streams, "A stream a container, named when it starts.");
    return policy;
  }
}

/** A secret's ARN may go on with `:json-key:stage:version`, which is not part of the resource. */
const secretResource = (arn: string): string => arn.split(":").slice(0, 7).join(":");

const readStatements = (arns: readonly string[]): PolicyStatement[] => {
  const secrets = arns.filter((arn) => arn.includes(":secretsmanager:")).map(secretResource);
  const parameters = arns.filter((arn) => arn.includes(":ssm:"));
  return [
    { actions: ["secretsmanager:GetSecretValue"], resources: secrets },
    { actions: ["ssm:GetParameters"], resources: parameters },
  ]
    .filter(({ resources }) => resources.length > 0)
    .map(
      ({ actions, resources }) =>
        new PolicyStatement({ actions, resources: [...new Set(resources)] }),
    );
};
