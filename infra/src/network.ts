// The VPC: a new one with private subnets behind NAT, or one that is there, named by its ids.
import {
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  type ISubnet,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { RemovalPolicy } from "aws-cdk-lib";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import type { Config } from "./config.ts";

/** Addresses of a private subnet, of which each Fargate task takes one: 4,096. */
const PRIVATE_MASK = 20;
/** A load balancer and a NAT gateway. */
const PUBLIC_MASK = 24;

const HTTPS = 443;

/** What Gantry's services and the tasks of Pods call. */
const endpoints = {
  EcrApi: InterfaceVpcEndpointAwsService.ECR,
  EcrDocker: InterfaceVpcEndpointAwsService.ECR_DOCKER,
  Logs: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  Secrets: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
  Ecs: InterfaceVpcEndpointAwsService.ECS,
  Sqs: InterfaceVpcEndpointAwsService.SQS,
};

export class Network extends Construct {
  readonly vpc: IVpc;
  readonly cidr: string;
  /** Services, Pods and Redis. */
  readonly privateSubnets: readonly ISubnet[];

  constructor(scope: Construct, id: string, config: Config) {
    super(scope, id);
    const { network } = config;
    this.vpc =
      "vpcId" in network
        ? Vpc.fromVpcAttributes(this, "Vpc", {
            vpcId: network.vpcId,
            vpcCidrBlock: network.cidr,
            availabilityZones: network.availabilityZones,
            privateSubnetIds: network.privateSubnetIds,
            ...(network.publicSubnetIds && { publicSubnetIds: network.publicSubnetIds }),
          })
        : this.#newVpc(config, network);
    this.cidr = network.cidr;
    this.privateSubnets = this.vpc.privateSubnets;
  }

  #newVpc(
    { logRetentionDays }: Config,
    network: Extract<Config["network"], { interfaceEndpoints: boolean }>,
  ): Vpc {
    const zones = network.availabilityZones;
    const vpc = new Vpc(this, "Vpc", {
      ipAddresses: IpAddresses.cidr(network.cidr),
      availabilityZones: zones,
      natGateways: network.natGateways ?? zones.length,
      subnetConfiguration: [
        // Only the load balancer and NAT live there; they name their addresses themselves.
        {
          name: "public",
          subnetType: SubnetType.PUBLIC,
          cidrMask: PUBLIC_MASK,
          mapPublicIpOnLaunch: false,
        },
        { name: "private", subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: PRIVATE_MASK },
      ],
      // Layers of images in ECR come from S3: this way they cost no NAT.
      gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
    });
    acknowledge(
      vpc,
      "CloudFormation-Validate::W3010",
      "The operator names the zones, so that a synthesis asks AWS for nothing.",
    );
    const flows = new LogGroup(this, "FlowLogs", {
      retention: logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    vpc.addFlowLog("Flows", {
      destination: FlowLogDestination.toCloudWatchLogs(flows),
      trafficType: FlowLogTrafficType.ALL,
    });
    if (network.interfaceEndpoints) this.#addEndpoints(vpc, network.cidr);
    return vpc;
  }

  #addEndpoints(vpc: Vpc, cidr: string): void {
    const group = new SecurityGroup(this, "EndpointGroup", {
      vpc,
      description: "Private endpoints of AWS services",
      allowAllOutbound: false,
    });
    group.addIngressRule(Peer.ipv4(cidr), Port.tcp(HTTPS), "HTTPS from the VPC");
    for (const [name, service] of Object.entries(endpoints)) {
      vpc.addInterfaceEndpoint(name, { service, securityGroups: [group], open: false });
    }
  }
}
