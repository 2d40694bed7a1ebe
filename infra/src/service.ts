// One of the three Fargate services: how it is deployed, rolled back, spread and connected.
import { type IVpc, Peer, Port, SecurityGroup } from "aws-cdk-lib/aws-ec2";
import {
  AvailabilityZoneRebalancing,
  type Cluster,
  FargateService,
  PropagatedTagSource,
} from "aws-cdk-lib/aws-ecs";
import { Duration } from "aws-cdk-lib";
import { Construct } from "constructs";
import { ServiceTask, type ServiceTaskProps } from "./service-tasks.ts";

const HTTPS = 443;

export interface GantryServiceProps extends ServiceTaskProps {
  readonly cluster: Cluster;
  readonly vpc: IVpc;
  /** Left to the autoscaling when it is not given: a deployment would set it back. */
  readonly count?: number;
  /** Of those behind a load balancer: its checks count only after this. */
  readonly grace?: Duration;
}

export class GantryService extends Construct {
  readonly service: FargateService;
  readonly task: ServiceTask;
  readonly group: SecurityGroup;

  constructor(scope: Construct, id: string, props: GantryServiceProps) {
    super(scope, id);
    const { vpc, cluster, config, part } = props;
    this.task = new ServiceTask(this, "Task", props);
    this.group = new SecurityGroup(this, "Group", {
      vpc,
      description: `Tasks of the Gantry ${part}`,
      allowAllOutbound: false,
    });
    this.group.addEgressRule(Peer.anyIpv4(), Port.tcp(HTTPS), "AWS and the image's registry");
    this.service = new FargateService(this, "Service", {
      cluster,
      serviceName: `${config.name}-${part}`,
      taskDefinition: this.task.definition,
      ...(props.count !== undefined && { desiredCount: props.count }),
      // On demand: Spot may take all of a service's tasks at once.
      capacityProviderStrategies: [{ capacityProvider: "FARGATE", weight: 1 }],
      vpcSubnets: { subnets: vpc.privateSubnets },
      securityGroups: [this.group],
      assignPublicIp: false,
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { enable: true, rollback: true },
      availabilityZoneRebalancing: AvailabilityZoneRebalancing.ENABLED,
      enableExecuteCommand: false,
      enableECSManagedTags: true,
      propagateTags: PropagatedTagSource.SERVICE,
      ...(props.grace && { healthCheckGracePeriod: props.grace }),
    });
    // The cluster has its capacity providers only after itself: part of it, and made apart.
    this.service.node.addDependency(cluster);
  }
}
