// Redis (Valkey) as Gantry needs it: noeviction, TLS, a password, and a second node in another zone.
import { Port, SecurityGroup } from "aws-cdk-lib/aws-ec2";
import { Construct } from "constructs";
import { createElastiCache } from "./redis-elasticache.ts";
import { createMemoryDb } from "./redis-memorydb.ts";
import { REDIS_PORT, type RedisProps, type RedisService } from "./redis-service.ts";

export class RedisStore extends Construct {
  readonly service: RedisService;
  readonly #group: SecurityGroup;

  constructor(scope: Construct, id: string, props: RedisProps) {
    super(scope, id);
    this.#group = new SecurityGroup(this, "Group", {
      vpc: props.vpc,
      description: "Redis of Gantry",
      allowAllOutbound: false,
    });
    const group = this.#group;
    this.service =
      props.config.redis.engine === "memorydb"
        ? createMemoryDb(this, { ...props, redis: props.config.redis, group })
        : createElastiCache(this, { ...props, redis: props.config.redis, group });
  }

  allowFrom(group: SecurityGroup, who: string): void {
    this.#group.addIngressRule(group, Port.tcp(REDIS_PORT), `Redis from ${who}`);
    group.addEgressRule(this.#group, Port.tcp(REDIS_PORT), "Redis");
  }
}
