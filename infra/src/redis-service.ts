// What the two Redis services have in common: what they are made from, and what the rest of the stack sees.
import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";
import type { ISubnet, IVpc } from "aws-cdk-lib/aws-ec2";
import type { Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Config } from "./config.ts";

export const REDIS_PORT = 6379;

export interface RedisProps {
  readonly config: Config;
  readonly vpc: IVpc;
  readonly subnets: readonly ISubnet[];
  readonly password: Secret;
}

/** One of the two services, as the rest of the stack sees it. */
export interface RedisService {
  /** Without the password, which is given apart from it. */
  readonly url: string;
  /** Per cent of the memory that may be used, the fullest node. */
  readonly memoryPercent: IMetric;
  /** Keys evicted; must stay 0. */
  readonly evictions: IMetric;
  /** Per cent of the one core that commands run on, the busiest node. */
  readonly engineCpuPercent: IMetric;
}
