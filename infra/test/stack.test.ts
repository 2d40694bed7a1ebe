// The template of the example, and of each choice that a configuration has.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseEcsSettings } from "@gantry/core";
import { Match } from "aws-cdk-lib/assertions";
import { CfnTaskDefinition } from "aws-cdk-lib/aws-ecs";
import { CfnBucket } from "aws-cdk-lib/aws-s3";
import { beforeAll, describe, expect, test } from "vitest";
import { ORPHAN_MESSAGE } from "../src/observability.ts";
import { ACCESS } from "../src/redis-memorydb.ts";
import { example, type Synthesized, synthesize } from "./synthesized.ts";

interface Statement {
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

interface ContainerDefinition {
  readonly Name: string;
  readonly Command: readonly string[];
  readonly Environment: readonly { readonly Name: string; readonly Value: unknown }[];
  readonly Secrets: readonly { readonly Name: string }[];
}

const secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf";
const parameter = "arn:aws:ssm:eu-central-1:123456789012:parameter/x";
const taskRoles = { "team/runner": "arn:aws:iam::123456789012:role/runner" };

/** Together they take every branch of the configuration. */
const choices = {
  "the example": {},
  "ElastiCache, Graviton, a NAT gateway in each zone": {
    redis: { engine: "elasticache", replicas: 2 },
    architecture: "ARM64",
    network: { availabilityZones: ["eu-central-1a", "eu-central-1b", "eu-central-1c"] },
  },
  "Spot, EC2 instances, roles and secrets of Pods, private endpoints": {
    network: { ...example["network"], interfaceEndpoints: true },
    pods: {
      spot: true,
      architecture: "ARM64",
      ec2: { instanceType: "m7g.large", max: 10 },
      repositoryArns: ["arn:aws:ecr:eu-central-1:123456789012:repository/jobs"],
      settings: {
        lanePolicy: { spotAttempts: 5 },
        taskRoles,
        secrets: { "team/db/password": `${secret}:password::`, "team/x/y": parameter },
      },
    },
  },
  "an existing VPC, a public load balancer with a certificate of its own": {
    network: {
      vpcId: "vpc-0123456789abcdef0",
      cidr: "172.31.0.0/16",
      availabilityZones: ["eu-central-1a", "eu-central-1b"],
      privateSubnetIds: ["subnet-0123456789abcde0a", "subnet-0123456789abcde0b"],
      publicSubnetIds: ["subnet-0123456789abcde0c", "subnet-0123456789abcde0d"],
    },
    api: {
      tls: {
        hostName: "gantry.example.org",
        hostedZoneId: "Z0123456789",
        zoneName: "example.org",
      },
      public: true,
      allowFrom: ["0.0.0.0/0"],
    },
    image: "registry.example.org/gantry:1.0.0",
    alarms: { topicArn: "arn:aws:sns:eu-central-1:123456789012:pager" },
  },
};
type Choice = keyof typeof choices;

const names = Object.keys(choices) as Choice[];
let made: ReadonlyMap<Choice, Synthesized>;
let base: Synthesized;
beforeAll(() => {
  made = new Map(names.map((name) => [name, synthesize(choices[name])]));
  base = of("the example");
});

const of = (choice: Choice): Synthesized => {
  const synthesized = made.get(choice);
  if (synthesized === undefined) throw new Error(`${choice} was not synthesized`);
  return synthesized;
};

/** What CloudFormation would put in place of references: their names. */
const rendered = (value: unknown): string => {
  if (typeof value === "string") return value;
  const [[kind, argument] = ["", undefined]] = Object.entries(value as Record<string, unknown>);
  if (kind === "Fn::Join") {
    const [separator, parts] = argument as [string, unknown[]];
    return parts.map(rendered).join(separator);
  }
  if (kind === "Fn::GetAtt") return (argument as string[]).join(".");
  return String(argument);
};

const containers = ({ template }: Synthesized): Map<string, ContainerDefinition> => {
  const found = Object.values(template.findResources("AWS::ECS::TaskDefinition")).flatMap(
    ({ Properties }) => Properties.ContainerDefinitions as ContainerDefinition[],
  );
  return new Map(found.map((container) => [container.Name, container]));
};

const workerStatements = ({ template }: Synthesized): Statement[] => {
  const policies = template.findResources("AWS::IAM::Policy");
  const [id = ""] = Object.keys(policies).filter((key) => key.startsWith("WorkerPolicy"));
  return policies[id]?.["Properties"].PolicyDocument.Statement as Statement[];
};

const actionsOf = (statements: readonly Statement[]): string[] =>
  statements.flatMap(({ Action }) => Action).toSorted();

describe("the CloudFormation validator and the AWS Solutions rules", () => {
  test.each(names)("pass %s, without a warning", (name) => {
    expect(of(name).warnings).toEqual([]);
  });

  test.each(names)("are answered with a reason where a finding stands: %s", (name) => {
    const { acknowledged } = of(name);
    expect(acknowledged.length).toBeGreaterThan(5);
    for (const { id, reason } of acknowledged) {
      expect(reason, `the reason for ${id}`).toMatch(/^\S.{20,}/);
    }
  });

  test("find what is wrong, so that their silence means something", () => {
    const damaged = (): unknown =>
      synthesize({}, (stack) => {
        new CfnTaskDefinition(stack, "Odd", {
          requiresCompatibilities: ["FARGATE"],
          networkMode: "awsvpc",
          cpu: "256",
          memory: "9999",
        });
        new CfnBucket(stack, "Open");
      });
    expect(damaged).toThrow(/9999.*CloudFormation Validate/);
    expect(damaged).toThrow(/AwsSolutions-S1/);
  });
});

describe("Redis", () => {
  test("is MemoryDB by default, with TLS, noeviction, two zones and a user of few rights", () => {
    const { template } = base;
    template.hasResourceProperties("AWS::MemoryDB::Cluster", {
      TLSEnabled: true,
      NumShards: 1,
      NumReplicasPerShard: 1,
      Engine: "valkey",
    });
    template.hasResourceProperties("AWS::MemoryDB::ParameterGroup", {
      Parameters: { "maxmemory-policy": "noeviction" },
    });
    template.hasResourceProperties("AWS::MemoryDB::User", { AccessString: ACCESS });
    expect(ACCESS).not.toMatch(/~\*|allkeys|\+@dangerous|\+@admin|nopass/);
  });

  test("as ElastiCache fails over by itself, encrypts, asks for a password and is kept as a snapshot", () => {
    const { template } = of("ElastiCache, Graviton, a NAT gateway in each zone");
    template.hasResource("AWS::ElastiCache::ReplicationGroup", {
      DeletionPolicy: "Snapshot",
      UpdateReplacePolicy: "Snapshot",
      Properties: {
        AutomaticFailoverEnabled: true,
        MultiAZEnabled: true,
        TransitEncryptionEnabled: true,
        AtRestEncryptionEnabled: true,
        ClusterMode: "disabled",
        NumCacheClusters: 3,
        AuthToken: { "Fn::Join": Match.anyValue() },
      },
    });
    template.hasResourceProperties("AWS::ElastiCache::ParameterGroup", {
      Properties: { "maxmemory-policy": "noeviction" },
    });
    const url = containers({ ...base, template })
      .get("api")
      ?.Environment.find(({ Name }) => Name === "GANTRY_REDIS_URL");
    expect(rendered(url?.Value)).toMatch(/^rediss:\/\/\S+\.PrimaryEndPoint\.Address:6379$/);
  });

  test("is reached by the three services, and by nobody else", () => {
    const rules = Object.values(base.template.findResources("AWS::EC2::SecurityGroupIngress"));
    const toRedis = rules.filter(({ Properties }) => Properties.FromPort === 6379);
    expect(toRedis.map(({ Properties }) => Properties.Description as string).toSorted()).toEqual([
      "Redis from api",
      "Redis from scheduler",
      "Redis from worker",
    ]);
  });
});

describe("the services", () => {
  test("run without root, capabilities and a writable root, and say how they are", () => {
    const definitions = Object.values(base.template.findResources("AWS::ECS::TaskDefinition"));
    expect(definitions).toHaveLength(3);
    for (const { Properties } of definitions) {
      expect(Properties.Family).toMatch(/^service-gantry-(api|scheduler|worker)$/);
      expect(Properties.ContainerDefinitions).toEqual([
        expect.objectContaining({
          User: "1000:1000",
          ReadonlyRootFilesystem: true,
          StopTimeout: 120,
          LinuxParameters: { Capabilities: { Drop: ["ALL"] }, InitProcessEnabled: true },
          HealthCheck: expect.objectContaining({ Command: expect.arrayContaining(["CMD"]) }),
        }),
      ]);
    }
  });

  test("are rolled back when they do not come up, and run in private subnets on demand", () => {
    const services = base.template.findResources("AWS::ECS::Service");
    expect(Object.keys(services)).toHaveLength(3);
    base.template.allResourcesProperties("AWS::ECS::Service", {
      DeploymentConfiguration: Match.objectLike({
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
        MinimumHealthyPercent: 100,
      }),
      CapacityProviderStrategy: [{ CapacityProvider: "FARGATE", Weight: 1 }],
      NetworkConfiguration: {
        AwsvpcConfiguration: Match.objectLike({ AssignPublicIp: "DISABLED" }),
      },
      EnableExecuteCommand: false,
    });
  });

  test("wait for what they need at start: Redis, capacity, the workers' rights", () => {
    for (const [id, { DependsOn }] of Object.entries(
      base.template.findResources("AWS::ECS::Service"),
    )) {
      expect(DependsOn, id).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^RedisCluster/),
          Object.keys(
            base.template.findResources("AWS::ECS::ClusterCapacityProviderAssociations"),
          )[0],
        ]),
      );
    }
    const [worker] = Object.values(
      base.template.findResources("AWS::ECS::Service", {
        Properties: { ServiceName: "gantry-worker" },
      }),
    );
    expect(worker?.["DependsOn"]).toContainEqual(expect.stringMatching(/^WorkerPolicy/));
  });

  test("get their secrets from Secrets Manager, and only their own", () => {
    const all = containers(base);
    const secrets = (part: string): string[] =>
      (all.get(part)?.Secrets ?? []).map(({ Name }) => Name).toSorted();
    expect(secrets("api")).toEqual([
      "GANTRY_REDIS_PASSWORD",
      "GANTRY_SECRETS_KEYS",
      "GANTRY_TOKEN",
    ]);
    expect(secrets("scheduler")).toEqual(["GANTRY_REDIS_PASSWORD"]);
    expect(secrets("worker")).toEqual(["GANTRY_REDIS_PASSWORD", "GANTRY_SECRETS_KEYS"]);
    for (const { Environment } of all.values()) {
      for (const { Value } of Environment) expect(rendered(Value)).not.toContain("{{resolve");
    }
  });

  test("workers get settings that their own schema takes", () => {
    const synthesized = of("Spot, EC2 instances, roles and secrets of Pods, private endpoints");
    const environment = containers(synthesized).get("worker")?.Environment;
    const json = environment?.find(({ Name }) => Name === "GANTRY_ECS_SETTINGS")?.Value;
    // References stand for ids: in the form that AWS gives them.
    const text = rendered(json)
      .replaceAll(/"NetworkVpc\w+"/g, '"subnet-0a"')
      .replaceAll(/"PodGroup\w+\.GroupId"/g, '"sg-0a"')
      .replaceAll(/"PodRoles\w+\.Arn"/g, '"arn:aws:iam::123456789012:role/x"')
      .replaceAll(/"EventsQueue\w+"/g, '"https://sqs.eu-central-1.amazonaws.com/1/q"');
    const settings = parseEcsSettings(JSON.parse(text));
    expect(settings.lanes.map(({ name, capacityProvider }) => [name, capacityProvider])).toEqual([
      ["fargate", "FARGATE"],
      ["fargate-spot", "FARGATE_SPOT"],
      ["ec2", "gantry-ec2"],
    ]);
    expect(settings.lanePolicy).toEqual({ preferSpot: true, spotAttempts: 5 });
    expect(settings).toMatchObject({ engineId: "gantry", taskRoles });
    expect(JSON.stringify(workerStatements(synthesized))).toContain("role/runner");
  });

  test("workers follow the places that are used; deployments leave their number alone", () => {
    base.template.hasResourceProperties("AWS::ApplicationAutoScaling::ScalableTarget", {
      MinCapacity: 2,
      MaxCapacity: 6,
    });
    base.template.hasResourceProperties("AWS::ApplicationAutoScaling::ScalingPolicy", {
      TargetTrackingScalingPolicyConfiguration: Match.objectLike({
        TargetValue: 60,
        CustomizedMetricSpecification: {
          MetricName: "PlacesUsedPercent",
          Namespace: "Gantry/gantry",
          Statistic: "Maximum",
        },
      }),
    });
    base.template.hasResourceProperties("AWS::ECS::Service", {
      ServiceName: "gantry-worker",
      DesiredCount: Match.absent(),
    });
    base.template.hasResourceProperties("AWS::Logs::MetricFilter", {
      FilterPattern: "{ $.load.placesUsedPercent = * }",
    });
  });
});

describe("the rights of workers", () => {
  test("are those that they need, bound to the cluster", () => {
    const statements = workerStatements(base);
    expect(actionsOf(statements)).toEqual(
      [
        ...["ecs:RunTask", "ecs:StopTask", "ecs:DescribeTasks", "ecs:ListTasks"],
        ...["ecs:DescribeClusters", "ecs:TagResource", "ecs:TagResource"],
        ...["ecs:RegisterTaskDefinition", "ecs:DescribeTaskDefinition"],
        ...["ecs:DeregisterTaskDefinition", "ecs:DeleteTaskDefinitions"],
        ...["iam:PassRole", "logs:GetLogEvents"],
        ...["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"],
        "sqs:GetQueueAttributes",
      ].toSorted(),
    );
    for (const action of ["ecs:RunTask", "ecs:ListTasks"]) {
      const found = statements.find(({ Action }) => Action === action);
      expect(JSON.stringify(found?.Condition), action).toContain("ecs:cluster");
    }
  });

  test("suffice for every call that the worker's code makes", async () => {
    const sources = fileURLToPath(new URL("../../packages/worker/src/ecs", import.meta.url));
    const files = readdirSync(sources, { recursive: true, encoding: "utf8" });
    const text = files
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
      .map((file) => readFileSync(join(sources, file), "utf8"))
      .join("\n");
    const calls = new Set([...text.matchAll(/new (\w+)Command\(/g)].map(([, name]) => name ?? ""));
    expect(calls.size).toBeGreaterThan(10);
    const allowed = new Set(
      actionsOf(workerStatements(base)).map((one) => one.split(":")[1] ?? ""),
    );
    // A batch of messages asks for the right to delete one.
    const needed = [...calls].map((name) => name.replace(/Batch$/, ""));
    expect(needed.filter((name) => !allowed.has(name))).toEqual([]);
  });

  test("pass two roles, to tasks only; those of the services are not among them", () => {
    const passes = workerStatements(base).filter(({ Action }) => Action === "iam:PassRole");
    expect(passes).toEqual([
      expect.objectContaining({
        Condition: { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
        Resource: [
          { "Fn::GetAtt": [expect.stringMatching(/^PodRolesExecution/), "Arn"] },
          { "Fn::GetAtt": [expect.stringMatching(/^PodRolesTask/), "Arn"] },
        ],
      }),
    ]);
  });

  test("do not reach the services' own task definitions", () => {
    const run = workerStatements(base).find(({ Action }) => Action === "ecs:RunTask");
    expect(rendered(run?.Resource)).toMatch(/:task-definition\/gantry-\*:\*$/);
    for (const { Properties } of Object.values(
      base.template.findResources("AWS::ECS::TaskDefinition"),
    )) {
      expect(Properties.Family).not.toMatch(/^gantry-/);
    }
  });

  test("the role of Pods without one of their own has no policy", () => {
    const roles = base.template.findResources("AWS::IAM::Role", {
      Properties: { RoleName: "gantry-pod" },
    });
    const [id = ""] = Object.keys(roles);
    expect(roles[id]?.["Properties"]).not.toHaveProperty("Policies");
    expect(roles[id]?.["Properties"]).not.toHaveProperty("ManagedPolicyArns");
    const policies = Object.values(base.template.findResources("AWS::IAM::Policy"));
    expect(JSON.stringify(policies.map(({ Properties }) => Properties.Roles))).not.toContain(id);
  });

  test("Pods may read the secrets that are configured, and no others", () => {
    const { template } = of("Spot, EC2 instances, roles and secrets of Pods, private endpoints");
    template.hasResourceProperties("AWS::IAM::Policy", {
      PolicyName: Match.stringLikeRegexp("^PodRolesExecution"),
      PolicyDocument: {
        Statement: Match.arrayWith([
          { Action: "secretsmanager:GetSecretValue", Effect: "Allow", Resource: secret },
          { Action: "ssm:GetParameters", Effect: "Allow", Resource: parameter },
        ]),
      },
    });
    expect(
      JSON.stringify(
        base.template.findResources("AWS::IAM::Policy", {
          Properties: { PolicyName: Match.stringLikeRegexp("^PodRolesExecution") },
        }),
      ),
    ).not.toContain("secretsmanager");
  });
});

describe("task events", () => {
  test("of this installation's tasks go to the queue, and what can't be applied is put aside", () => {
    base.template.hasResourceProperties("AWS::Events::Rule", {
      EventPattern: {
        source: ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
        detail: { clusterArn: Match.anyValue(), startedBy: ["gantry/gantry"] },
      },
      Targets: [Match.objectLike({ DeadLetterConfig: Match.anyValue() })],
    });
    base.template.hasResourceProperties("AWS::SQS::Queue", {
      QueueName: "gantry-task-events",
      MessageRetentionPeriod: 1_209_600,
      RedrivePolicy: Match.objectLike({ maxReceiveCount: 10 }),
      SqsManagedSseEnabled: true,
    });
  });

  test("those of instances come too where there are any", () => {
    const { template } = of("Spot, EC2 instances, roles and secrets of Pods, private endpoints");
    template.hasResourceProperties("AWS::Events::Rule", {
      EventPattern: Match.objectLike({ "detail-type": ["ECS Container Instance State Change"] }),
    });
    template.hasResourceProperties("AWS::ECS::CapacityProvider", {
      Name: "gantry-ec2",
      AutoScalingGroupProvider: Match.objectLike({
        ManagedScaling: Match.objectLike({ Status: "ENABLED" }),
        ManagedTerminationProtection: "ENABLED",
      }),
    });
    template.hasResourceProperties("AWS::EC2::LaunchTemplate", {
      LaunchTemplateData: Match.objectLike({
        MetadataOptions: Match.objectLike({ HttpTokens: "required", HttpPutResponseHopLimit: 1 }),
      }),
    });
  });
});

describe("the API's endpoint", () => {
  test("speaks TLS to clients and to the API, which must be ready", () => {
    base.template.hasResourceProperties("AWS::ElasticLoadBalancingV2::Listener", {
      Port: 443,
      Protocol: "HTTPS",
      SslPolicy: "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    });
    base.template.hasResourceProperties("AWS::ElasticLoadBalancingV2::TargetGroup", {
      Protocol: "HTTPS",
      HealthCheckPath: "/readyz",
    });
  });

  test("is internal and open to the VPC alone by default", () => {
    base.template.hasResourceProperties("AWS::ElasticLoadBalancingV2::LoadBalancer", {
      Scheme: "internal",
    });
    base.template.hasResourceProperties("AWS::EC2::SecurityGroup", {
      GroupDescription: "Load balancer of the Gantry API",
      SecurityGroupIngress: [Match.objectLike({ CidrIp: "10.40.0.0/16", FromPort: 443 })],
    });
  });
});

test("alarms watch the events, Redis, the API and the workers", () => {
  const alarms = Object.values(base.template.findResources("AWS::CloudWatch::Alarm"));
  expect(alarms.map(({ Properties }) => Properties.AlarmName as string).toSorted()).toEqual([
    "gantry-api-errors",
    "gantry-api-not-ready",
    "gantry-api-unreachable",
    "gantry-dead-letters",
    "gantry-event-age",
    "gantry-no-ready-worker",
    "gantry-orphaned-tasks",
    "gantry-redis-cpu",
    "gantry-redis-evictions",
    "gantry-redis-memory",
    "gantry-workers-full",
  ]);
});

test("the words of the workers' log that an alarm looks for are theirs", () => {
  const sweep = new URL("../../packages/worker/src/ecs/orphan-sweep.ts", import.meta.url);
  expect(readFileSync(sweep, "utf8")).toContain(`"${ORPHAN_MESSAGE}"`);
});

test("what can't be made again stays when the stack goes", () => {
  const kept = Object.values(
    base.template.toJSON()["Resources"] as Record<
      string,
      { DeletionPolicy?: string; Type: string }
    >,
  )
    .filter(({ DeletionPolicy }) => DeletionPolicy === "Retain")
    .map(({ Type }) => Type)
    .toSorted();
  expect(kept).toEqual(["AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::SecretsManager::Secret"]);
});
