// MemoryDB: a write is acknowledged once a log in several zones has it.
import {
  CfnACL,
  CfnCluster,
  CfnParameterGroup,
  CfnSubnetGroup,
  CfnUser,
} from "aws-cdk-lib/aws-memorydb";
import { type IMetric, MathExpression } from "aws-cdk-lib/aws-cloudwatch";
import { Duration } from "aws-cdk-lib";
import type { SecurityGroup } from "aws-cdk-lib/aws-ec2";
import type { Construct } from "constructs";
import type { RedisConfig } from "./redis-config.ts";
import { REDIS_PORT, type RedisProps, type RedisService } from "./redis-service.ts";

/**
 * What Gantry's user may do: all with keys of its cell, and nothing that harms the server. INFO tells
 * the version, the eviction policy and the role; it is among the dangerous commands.
 */
export const ACCESS = "on ~{gantry}:* resetchannels +@all -@admin -@dangerous +info";

export const REDIS_USER = "gantry";

interface MemoryDbProps extends RedisProps {
  readonly redis: Extract<RedisConfig, { engine: "memorydb" }>;
  readonly group: SecurityGroup;
}

export const createMemoryDb = (scope: Construct, props: MemoryDbProps): RedisService => {
  const { config, redis, subnets, password, group } = props;
  const { name } = config;
  const user = new CfnUser(scope, "User", {
    userName: `${name}-${REDIS_USER}`,
    accessString: ACCESS,
    authenticationMode: { Type: "password", Passwords: [password.secretValue.unsafeUnwrap()] },
  });
  const acl = new CfnACL(scope, "Acl", { aclName: name, userNames: [user.ref] });
  const parameters = new CfnParameterGroup(scope, "Parameters", {
    parameterGroupName: name,
    family: "memorydb_valkey7",
    description: "Gantry's data must never be evicted",
    parameters: { "maxmemory-policy": "noeviction" },
  });
  const subnetGroup = new CfnSubnetGroup(scope, "Subnets", {
    subnetGroupName: name,
    subnetIds: subnets.map(({ subnetId }) => subnetId),
  });
  const cluster = new CfnCluster(scope, "Cluster", {
    clusterName: name,
    aclName: acl.ref,
    nodeType: redis.nodeType,
    engine: "valkey",
    engineVersion: "7.3",
    // All keys of an installation share one hash slot, so more shards would stay empty.
    numShards: 1,
    numReplicasPerShard: redis.replicas,
    parameterGroupName: parameters.ref,
    subnetGroupName: subnetGroup.ref,
    securityGroupIds: [group.securityGroupId],
    tlsEnabled: true,
    port: REDIS_PORT,
    autoMinorVersionUpgrade: true,
    snapshotRetentionLimit: redis.snapshotRetentionDays,
    finalSnapshotName: `${name}-final`,
  });
  const host = cluster.attrClusterEndpointAddress;
  const metric = (what: string, how: string) => query(name, what, how);
  return {
    url: `rediss+cluster://${user.ref}@${host}:${REDIS_PORT}`,
    memoryPercent: metric("DatabaseMemoryUsagePercentage", "MAX"),
    evictions: metric("Evictions", "SUM"),
    engineCpuPercent: metric("EngineCPUUtilization", "MAX"),
  };
};

/** Over all nodes, whatever they are called after a replacement. */
const query = (cluster: string, what: string, how: string): IMetric =>
  new MathExpression({
    expression: `SELECT ${how}(${what}) FROM "AWS/MemoryDB" WHERE ClusterName = '${cluster}'`,
    usingMetrics: {},
    label: what,
    period: Duration.minutes(1),
  });
