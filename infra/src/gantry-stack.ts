// All of an installation in one stack.
import { CfnOutput, RemovalPolicy, Stack, type StackProps, Tags } from "aws-cdk-lib";
import { SecurityGroup } from "aws-cdk-lib/aws-ec2";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { ApiEndpoint } from "./api-endpoint.ts";
import { GantryCluster } from "./cluster.ts";
import type { Config } from "./config.ts";
import { renderEcsSettings } from "./ecs-settings.ts";
import { TaskEvents } from "./events.ts";
import { Network } from "./network.ts";
import { Alarms, LogMetrics } from "./observability.ts";
import { PodRoles } from "./pod-roles.ts";
import { RedisStore } from "./redis.ts";
import { Secrets } from "./secrets.ts";
import { Services } from "./services.ts";
import { workerPolicy } from "./worker-policy.ts";
import { scaleWorkers } from "./worker-scaling.ts";

export interface GantryStackProps extends StackProps {
  readonly config: Config;
}

export class GantryStack extends Stack {
  /** As configured: a synthesis that asked AWS for them would need credentials. */
  readonly #zones: string[];

  constructor(scope: Construct, id: string, props: GantryStackProps) {
    super(scope, id, props);
    const { config } = props;
    this.#zones = config.network.availabilityZones;
    const network = new Network(this, "Network", config);
    const { vpc, privateSubnets } = network;
    const { cluster, ec2Provider } = new GantryCluster(this, "Capacity", config, vpc);
    const secrets = new Secrets(this, "Secrets", config.name);
    const redis = new RedisStore(this, "Redis", {
      config,
      vpc,
      subnets: privateSubnets,
      password: secrets.redisPassword,
    });
    const events = new TaskEvents(this, "Events", config, cluster);
    const podLogs = this.#podLogs(config);
    const roles = new PodRoles(this, "PodRoles", config, podLogs);
    const podGroup = new SecurityGroup(this, "PodGroup", {
      vpc,
      description: "Tasks of Pods: nobody connects to them, and they do not reach Redis",
    });
    const settings = renderEcsSettings(config, {
      clusterName: cluster.clusterName,
      ec2Provider,
      subnets: privateSubnets.map(({ subnetId, availabilityZone }) => ({
        id: subnetId,
        zone: availabilityZone,
      })),
      securityGroup: podGroup.securityGroupId,
      executionRoleArn: roles.execution.roleArn,
      taskRoleArn: roles.task.roleArn,
      logGroup: podLogs.logGroupName,
      queueUrl: events.queue.queueUrl,
    });
    const services = new Services(this, "Services", {
      config,
      cluster,
      vpc,
      redis,
      secrets,
      settings: this.toJsonString(settings),
    });
    const rights = workerPolicy(this, {
      config,
      cluster,
      roles,
      queue: events.queue,
      logs: podLogs,
    });
    services.worker.task.taskRole.attachInlinePolicy(rights);
    // A worker that may not ask for its cluster ends, and a few such ends are a failed deployment.
    services.worker.service.node.addDependency(rights);
    const endpoint = new ApiEndpoint(this, "Endpoint", {
      config,
      vpc,
      service: services.api.service,
      serviceGroup: services.api.group,
      containerPort: services.apiPort,
    });
    const metrics = new LogMetrics(this, "Metrics", config, services);
    scaleWorkers(services.worker.service, config, metrics);
    new Alarms(this, "Alarms", { config, events, redis: redis.service, endpoint, metrics });
    Tags.of(this).add("gantry.dev/installation", config.name);
    new CfnOutput(this, "ApiUrl", {
      value: endpoint.url,
      description: "The server of kubeconfigs",
    });
    new CfnOutput(this, "TokenSecret", {
      value: secrets.tokenName,
      description: "The secret that holds the API's token",
    });
  }

  override get availabilityZones(): string[] {
    return this.#zones;
  }

  #podLogs({ name, logRetentionDays }: Config): LogGroup {
    return new LogGroup(this, "PodLogs", {
      logGroupName: `/gantry/${name}/pods`,
      retention: logRetentionDays,
      // What ran is still of interest when Gantry is gone.
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }
}
