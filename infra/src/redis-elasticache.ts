// ElastiCache, node-based, one shard without cluster mode: cheaper, and less durable (docs/adr/0008).
import { type IMetric, MathExpression, Metric } from "aws-cdk-lib/aws-cloudwatch";
import { CfnDeletionPolicy, Duration } from "aws-cdk-lib";
import type { SecurityGroup } from "aws-cdk-lib/aws-ec2";
import {
  CfnParameterGroup,
  CfnReplicationGroup,
  CfnSubnetGroup,
} from "aws-cdk-lib/aws-elasticache";
import type { Construct } from "constructs";
import type { RedisConfig } from "./redis-config.ts";
import { REDIS_PORT, type RedisProps, type RedisService } from "./redis-service.ts";

interface ElastiCacheProps extends RedisProps {
  readonly redis: Extract<RedisConfig, { engine: "elasticache" }>;
  readonly group: SecurityGroup;
}

export const createElastiCache = (scope: Construct, props: ElastiCacheProps): RedisService => {
  const { config, redis, subnets, password, group } = props;
  const { name } = config;
  const parameters = new CfnParameterGroup(scope, "Parameters", {
    cacheParameterGroupFamily: "valkey8",
    description: "Gantry's data must never be evicted",
    properties: { "maxmemory-policy": "noeviction" },
  });
  const subnetGroup = new CfnSubnetGroup(scope, "Subnets", {
    cacheSubnetGroupName: name,
    description: "Private subnets",
    subnetIds: subnets.map(({ subnetId }) => subnetId),
  });
  const nodes = redis.replicas + 1;
  const replication = new CfnReplicationGroup(scope, "Group0", {
    replicationGroupId: name,
    replicationGroupDescription: "Gantry",
    engine: "valkey",
    engineVersion: "8.0",
    cacheNodeType: redis.nodeType,
    clusterMode: "disabled",
    numCacheClusters: nodes,
    automaticFailoverEnabled: true,
    multiAzEnabled: true,
    cacheParameterGroupName: parameters.ref,
    cacheSubnetGroupName: subnetGroup.ref,
    securityGroupIds: [group.securityGroupId],
    port: REDIS_PORT,
    transitEncryptionEnabled: true,
    transitEncryptionMode: "required",
    atRestEncryptionEnabled: true,
    authToken: password.secretValue.unsafeUnwrap(),
    autoMinorVersionUpgrade: true,
    snapshotRetentionLimit: redis.snapshotRetentionDays,
  });
  replication.cfnOptions.deletionPolicy = CfnDeletionPolicy.SNAPSHOT;
  replication.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.SNAPSHOT;
  const metric = (what: string, how: "MAX" | "SUM") => overNodes(name, nodes, what, how);
  return {
    url: `rediss://${replication.attrPrimaryEndPointAddress}:${REDIS_PORT}`,
    memoryPercent: metric("DatabaseMemoryUsagePercentage", "MAX"),
    evictions: metric("Evictions", "SUM"),
    engineCpuPercent: metric("EngineCPUUtilization", "MAX"),
  };
};

/** ElastiCache names the nodes of a group without cluster mode NAME-001, NAME-002... */
const overNodes = (name: string, nodes: number, what: string, how: "MAX" | "SUM"): IMetric => {
  const usingMetrics: Record<string, IMetric> = {};
  for (let n = 1; n <= nodes; n += 1) {
    usingMetrics[`n${n}`] = new Metric({
      namespace: "AWS/ElastiCache",
      metricName: what,
      dimensionsMap: { CacheClusterId: `${name}-${String(n).padStart(3, "0")}` },
      statistic: how === "MAX" ? "Maximum" : "Sum",
      period: Duration.minutes(1),
    });
  }
  return new MathExpression({
    expression: `${how}([${Object.keys(usingMetrics).join(", ")}])`,
    usingMetrics,
    label: what,
    period: Duration.minutes(1),
  });
};
