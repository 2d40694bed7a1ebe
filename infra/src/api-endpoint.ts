// The load balancer in front of the API: TLS on both sides, access logs, health by /readyz.
import { Duration, RemovalPolicy } from "aws-cdk-lib";
import {
  Certificate,
  CertificateValidation,
  type ICertificate,
} from "aws-cdk-lib/aws-certificatemanager";
import { type IVpc, Peer, Port, SecurityGroup } from "aws-cdk-lib/aws-ec2";
import type { FargateService } from "aws-cdk-lib/aws-ecs";
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  type ApplicationTargetGroup,
  SslPolicy,
  TargetGroupLoadBalancingAlgorithmType,
} from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { ARecord, HostedZone, type IHostedZone, RecordTarget } from "aws-cdk-lib/aws-route53";
import { LoadBalancerTarget } from "aws-cdk-lib/aws-route53-targets";
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import type { Config } from "./config.ts";

const HTTPS = 443;

/**
 * The longest silence on a connection: that of a followed log or a watch. Servers send bookmarks
 * every minute; a log may be silent for as long as its program.
 */
const IDLE_TIMEOUT = Duration.seconds(4000);

/** Watches and logs of a stopping API are told to come back at once; requests are over long before. */
const DRAIN = Duration.seconds(30);

const ACCESS_LOG_DAYS = 90;

export interface ApiEndpointProps {
  readonly config: Config;
  readonly vpc: IVpc;
  readonly service: FargateService;
  readonly serviceGroup: SecurityGroup;
  readonly containerPort: number;
}

export class ApiEndpoint extends Construct {
  readonly balancer: ApplicationLoadBalancer;
  readonly targets: ApplicationTargetGroup;
  /** As clients write it. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: ApiEndpointProps) {
    super(scope, id);
    const { config, vpc, containerPort } = props;
    const group = this.#group(props);
    this.balancer = new ApplicationLoadBalancer(this, "Balancer", {
      loadBalancerName: config.name,
      vpc,
      vpcSubnets: { subnets: config.api.public ? vpc.publicSubnets : vpc.privateSubnets },
      internetFacing: config.api.public,
      securityGroup: group,
      deletionProtection: config.api.deletionProtection,
      dropInvalidHeaderFields: true,
      idleTimeout: IDLE_TIMEOUT,
    });
    this.balancer.logAccessLogs(this.#logBucket());
    const { hostName, certificate, zone } = this.#certificate(config);
    const listener = this.balancer.addListener("Https", {
      port: HTTPS,
      protocol: ApplicationProtocol.HTTPS,
      certificates: [certificate],
      sslPolicy: SslPolicy.TLS13_RES,
      // Who may connect is in the security group, rule by rule.
      open: false,
    });
    this.targets = listener.addTargets("Api", {
      port: containerPort,
      // The API's own certificate: the load balancer encrypts to it and does not verify it.
      protocol: ApplicationProtocol.HTTPS,
      targets: [props.service],
      deregistrationDelay: DRAIN,
      // Watches are long and unequal; counting requests would pile them up on one task.
      loadBalancingAlgorithmType: TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
      healthCheck: {
        path: "/readyz",
        healthyHttpCodes: "200",
        interval: Duration.seconds(15),
        timeout: Duration.seconds(5),
        healthyThresholdCount: 2,
        // A failover of Redis, during which no API is ready, replaces no task.
        unhealthyThresholdCount: 8,
      },
    });
    if (zone !== undefined && hostName !== undefined) {
      new ARecord(this, "Record", {
        zone,
        recordName: `${hostName}.`,
        target: RecordTarget.fromAlias(new LoadBalancerTarget(this.balancer)),
      });
    }
    this.url = `https://${hostName ?? this.balancer.loadBalancerDnsName}`;
  }

  #group({ config, vpc, serviceGroup, containerPort }: ApiEndpointProps): SecurityGroup {
    const group = new SecurityGroup(this, "Group", {
      vpc,
      description: "Load balancer of the Gantry API",
      allowAllOutbound: false,
    });
    for (const range of config.api.allowFrom ?? [config.network.cidr]) {
      group.addIngressRule(Peer.ipv4(range), Port.tcp(HTTPS), "Clients of the API");
      if (range === "0.0.0.0/0") {
        acknowledge(
          group,
          "AwsSolutions-EC23",
          "The operator named this range; the API asks for a token on every path but health checks.",
        );
      }
    }
    group.addEgressRule(serviceGroup, Port.tcp(containerPort), "To the API");
    serviceGroup.addIngressRule(group, Port.tcp(containerPort), "From the load balancer");
    return group;
  }

  #certificate({ api }: Config): {
    hostName: string | undefined;
    certificate: ICertificate;
    zone?: IHostedZone;
  } {
    const { tls } = api;
    if ("certificateArn" in tls) {
      const certificate = Certificate.fromCertificateArn(this, "Certificate", tls.certificateArn);
      return { hostName: tls.hostName, certificate };
    }
    const zone = HostedZone.fromHostedZoneAttributes(this, "Zone", {
      hostedZoneId: tls.hostedZoneId,
      zoneName: tls.zoneName,
    });
    const certificate = new Certificate(this, "Certificate", {
      domainName: tls.hostName,
      validation: CertificateValidation.fromDns(zone),
    });
    return { hostName: tls.hostName, certificate, zone };
  }

  #logBucket(): Bucket {
    const bucket = new Bucket(this, "AccessLogs", {
      // Load balancers write to buckets with S3's own keys only.
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      versioned: false,
      lifecycleRules: [{ expiration: Duration.days(ACCESS_LOG_DAYS) }],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(
      bucket,
      "AwsSolutions-S1",
      "This bucket holds access logs itself; logging the access to them would have no end.",
    );
    return bucket;
  }
}
