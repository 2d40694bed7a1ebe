// What is asked of whoever deploys Gantry: the fields of the configuration file, with defaults and limits.
import { readFileSync } from "node:fs";
import { z } from "zod";
import { redisConfig } from "./redis-config.ts";

const account = z.string().regex(/^\d{12}$/, "an AWS account has twelve digits");
const arn = z.string().regex(/^arn:aws[a-z-]*:/, "an ARN begins with arn:aws");
const cidr = z.string().regex(/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/, "write a range as 10.0.0.0/16");
const ids = (prefix: string) =>
  z.array(z.string().regex(new RegExp(`^${prefix}-[0-9a-f]+$`), `write the ids: ${prefix}-...`));

/** Whole tasks of the three services; Fargate's own pairs of CPU and memory apply. */
const size = (cpu: number, memoryMiB: number) =>
  z.strictObject({ cpu: z.int().default(cpu), memoryMiB: z.int().default(memoryMiB) }).prefault({});

const newNetwork = z.strictObject({
  cidr: cidr.default("10.40.0.0/16"),
  /** By name, so that nothing has to be looked up. */
  availabilityZones: z.array(z.string()).min(2).max(3),
  /** One is cheaper; one for each zone survives the loss of a zone. */
  natGateways: z.int().min(1).max(3).optional(),
  /** Private endpoints of the AWS services that Gantry and its tasks call: no NAT on that way. */
  interfaceEndpoints: z.boolean().default(false),
});

const existingNetwork = z.strictObject({
  vpcId: z.string().regex(/^vpc-[0-9a-f]+$/, "write the id: vpc-..."),
  /** Of the VPC: who may reach the load balancer when `api.allowFrom` is not given. */
  cidr,
  /** In the order of the subnets. */
  availabilityZones: z.array(z.string()).min(2).max(3),
  /** With a way out (NAT or endpoints): services, Pods and Redis. */
  privateSubnetIds: ids("subnet").min(2).max(16),
  /** For a public load balancer. */
  publicSubnetIds: ids("subnet").min(2).optional(),
});

const tls = z.union([
  z.strictObject({ certificateArn: arn, hostName: z.string().optional() }),
  z.strictObject({
    /** A certificate and a DNS record are made in this zone. */
    hostName: z.string(),
    hostedZoneId: z.string().regex(/^Z[0-9A-Z]+$/, "write the id of the hosted zone: Z..."),
    zoneName: z.string(),
  }),
]);

const api = z.strictObject({
  count: z.int().min(1).default(2),
  size: size(512, 1024),
  tls,
  /** True gives the load balancer public addresses; `allowFrom` is then needed. */
  public: z.boolean().default(false),
  /** Ranges that may connect; for an internal one by default the VPC. */
  allowFrom: z.array(cidr).min(1).optional(),
  /** Of the load balancer: keeps it from being deleted by mistake. */
  deletionProtection: z.boolean().default(true),
});

const worker = z.strictObject({
  min: z.int().min(1).default(2),
  max: z.int().min(1).default(6),
  size: size(1024, 2048),
  /** Pods at once in one worker; each is an ECS task elsewhere, so a worker only watches it. */
  concurrency: z.int().min(1).default(1000),
  /** Workers are added when more than this share of all places is asked for. */
  targetUtilizationPercent: z.int().min(10).max(90).default(60),
});

const ec2Capacity = z.strictObject({
  instanceType: z.string().regex(/^[a-z0-9-]+\.[a-z0-9]+$/, "write it as m7i.large"),
  min: z.int().min(0).default(0),
  max: z.int().min(1),
  /** How full managed scaling keeps the instances; below 100 there is room at once. */
  targetCapacityPercent: z.int().min(1).max(100).default(100),
  /** Disk of each instance: images and the Pods' ephemeral storage. */
  diskGiB: z.int().min(30).default(100),
});

/** What `EcsSettings` has beside what this app knows; checked by the runtime's own schema. */
const settings = z.looseObject({
  /** By `namespace/serviceAccount`: workers may pass these roles, and no others, to tasks. */
  taskRoles: z.record(z.string(), arn).default({}),
  /** By `namespace/secret/key`: the execution role may read these, and no others. */
  secrets: z.record(z.string(), arn).default({}),
  /** By `namespace/secret`: likewise. */
  imagePullSecrets: z.record(z.string(), arn).default({}),
});

const pods = z.strictObject({
  architecture: z.enum(["X86_64", "ARM64"]).default("X86_64"),
  /** Spot capacity, tried first, `settings.lanePolicy.spotAttempts` times a Pod. */
  spot: z.boolean().default(false),
  /** EC2 instances beside Fargate, where Pods may run. */
  ec2: ec2Capacity.optional(),
  /** ECR repositories whose images Pods may use; all of the account's in the Region by default. */
  repositoryArns: z.array(arn).default([]),
  settings: settings.prefault({}),
});

export const configSchema = z.strictObject({
  /** Of the stack and all that has a name of its own; one installation an account, Region and name. */
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,18}[a-z0-9]$/, "2 to 20 of a-z, 0-9 and -, beginning with a letter")
    .default("gantry"),
  account,
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "write it as eu-central-1"),
  /** Of the three services: built from the Dockerfile here and pushed to a registry. */
  image: z.string().regex(/[:@]/, "name a tag or, better, a digest: repository@sha256:..."),
  architecture: z.enum(["X86_64", "ARM64"]).default("X86_64"),
  network: z.union([newNetwork, existingNetwork]),
  redis: redisConfig,
  api,
  scheduler: z
    .strictObject({ count: z.int().min(1).default(2), size: size(512, 1024) })
    .prefault({}),
  worker: worker.prefault({}),
  pods: pods.prefault({}),
  logRetentionDays: z
    .union([1, 3, 7, 14, 30, 60, 90, 180, 365].map((days) => z.literal(days)))
    .default(30),
  alarms: z
    .strictObject({
      /** An SNS topic that is told of every alarm. */
      topicArn: arn.optional(),
    })
    .prefault({}),
});

export type Config = z.infer<typeof configSchema>;
export type Ec2Config = NonNullable<Config["pods"]["ec2"]>;

export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Throws ConfigError that names each wrong field. */
export const parseConfig = (value: unknown, source: string): Config => {
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) throw new ConfigError(`${source}:\n${z.prettifyError(parsed.error)}`);
  const problems = conflicts(parsed.data);
  if (problems.length > 0) throw new ConfigError(`${source}:\n${problems.join("\n")}`);
  return parsed.data;
};

/** What is wrong only in combination. */
const conflicts = ({ api: apiPart, network, worker: workers }: Config): string[] => {
  const problems: string[] = [];
  if (apiPart.public && apiPart.allowFrom === undefined) {
    problems.push("api.allowFrom: say who may connect to a public load balancer");
  }
  if (apiPart.public && "vpcId" in network && network.publicSubnetIds === undefined) {
    problems.push("network.publicSubnetIds: a public load balancer needs them");
  }
  if ("vpcId" in network && network.privateSubnetIds.length !== network.availabilityZones.length) {
    problems.push("network.privateSubnetIds: one for each of availabilityZones, in their order");
  }
  if (workers.max < workers.min) problems.push("worker.max: it must not be below worker.min");
  return problems;
};

/** Reads a file of JSON. Throws ConfigError. */
export const readConfig = (path: string): Config => {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new ConfigError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return parseConfig(value, path);
};
