// The ECS cluster and its capacity: Fargate, Fargate Spot and, if asked for, EC2 instances.
import { Duration } from "aws-cdk-lib";
import {
  AutoScalingGroup,
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  GroupMetrics,
} from "aws-cdk-lib/aws-autoscaling";
import {
  InstanceType,
  type IVpc,
  LaunchTemplate,
  LaunchTemplateHttpTokens,
  SecurityGroup,
  UserData,
} from "aws-cdk-lib/aws-ec2";
import {
  AmiHardwareType,
  AsgCapacityProvider,
  Cluster,
  ContainerInsights,
  EcsOptimizedImage,
} from "aws-cdk-lib/aws-ecs";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import type { Config, Ec2Config } from "./config.ts";
import { instancePolicy } from "./instance-policy.ts";

export class GantryCluster extends Construct {
  readonly cluster: Cluster;
  /** Name of the provider of EC2 instances, for those who have them. */
  readonly ec2Provider: string | undefined;

  constructor(scope: Construct, id: string, config: Config, vpc: IVpc) {
    super(scope, id);
    this.cluster = new Cluster(this, "Cluster", {
      vpc,
      // A fixed name, which roles, rules and the workers' settings can name.
      clusterName: config.name,
      containerInsightsV2: ContainerInsights.ENABLED,
      enableFargateCapacityProviders: true,
    });
    const { ec2 } = config.pods;
    if (ec2 !== undefined) this.ec2Provider = this.#addInstances(config, ec2, vpc);
  }

  #addInstances(config: Config, ec2: Ec2Config, vpc: IVpc): string {
    const arm = config.pods.architecture === "ARM64";
    const role = new Role(this, "InstanceRole", {
      assumedBy: new ServicePrincipal("ec2.amazonaws.com"),
    });
    const group = new SecurityGroup(this, "InstanceGroup", {
      vpc,
      description: "EC2 instances of Gantry; tasks have groups of their own",
    });
    const provider = `${config.name}-ec2`;
    const template = new LaunchTemplate(this, "Template", {
      instanceType: new InstanceType(ec2.instanceType),
      machineImage: EcsOptimizedImage.amazonLinux2023(
        arm ? AmiHardwareType.ARM : AmiHardwareType.STANDARD,
      ),
      // CDK would add the agent's rights with more wildcards than there need be.
      role: role.withoutPolicyUpdates(),
      securityGroup: group,
      userData: startScript(),
      httpTokens: LaunchTemplateHttpTokens.REQUIRED,
      httpPutResponseHopLimit: 1,
      detailedMonitoring: true,
      blockDevices: [
        {
          deviceName: "/dev/xvda",
          volume: BlockDeviceVolume.ebs(ec2.diskGiB, {
            encrypted: true,
            volumeType: EbsDeviceVolumeType.GP3,
          }),
        },
      ],
    });
    const instances = new AutoScalingGroup(this, "Instances", {
      vpc,
      vpcSubnets: { subnets: vpc.privateSubnets },
      launchTemplate: template,
      minCapacity: ec2.min,
      maxCapacity: ec2.max,
      groupMetrics: [GroupMetrics.all()],
      newInstancesProtectedFromScaleIn: true,
      defaultInstanceWarmup: Duration.minutes(2),
    });
    acknowledge(
      instances,
      "AwsSolutions-AS3",
      "Instances come and go with the Pods; ECS tells of each change, and alarms watch the Pods.",
    );
    this.cluster.addAsgCapacityProvider(
      new AsgCapacityProvider(this, "Provider", {
        capacityProviderName: provider,
        autoScalingGroup: instances,
        enableManagedScaling: true,
        enableManagedTerminationProtection: true,
        enableManagedDraining: true,
        targetCapacityPercent: ec2.targetCapacityPercent,
      }),
    );
    const rights = instancePolicy(this, this.cluster);
    role.attachInlinePolicy(rights);
    // An instance that starts earlier can't register.
    instances.node.addDependency(rights);
    return provider;
  }
}

/** Pods must not take the instance's role: tasks with their own address can't ask for it. */
const startScript = (): UserData => {
  const script = UserData.forLinux();
  script.addCommands("echo ECS_AWSVPC_BLOCK_IMDS=true >>/etc/ecs/ecs.config");
  return script;
};
