// What an operator says of the ECS runtime: the JSON file of `gantry worker --ecs-config`.
import { z } from "zod";
import { lanePolicy, laneSettings, rateSettings } from "./lane-settings.ts";
import { priceSettings } from "./price-settings.ts";

/** A role, a secret or a parameter. */
const arn = z.string().regex(/^arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:.+$/, "must be an ARN");

const namespaced = (parts: number, what: string): z.ZodString =>
  z.string().regex(new RegExp(`^[^/]+(/[^/]+){${parts - 1}}$`), `must be ${what}`);

const subnet = z.strictObject({
  id: z.string().regex(/^subnet-[0-9a-z]+$/, "must be a subnet id"),
  /** Availability zone, e.g. `us-east-1a`; needed for the node label topology.kubernetes.io/zone. */
  zone: z.string().min(1).optional(),
});
export type EcsSubnet = z.infer<typeof subnet>;

const network = z.strictObject({
  /** ECS takes at most 16; several zones give more room. */
  subnets: z.array(subnet).min(1).max(16),
  securityGroups: z.array(z.string().regex(/^sg-[0-9a-z]+$/, "must be a security group id")).max(5),
  /** Without a NAT gateway or endpoints, tasks need one to pull their image. */
  assignPublicIp: z.boolean().default(false),
});

const efsVolume = z.strictObject({
  fileSystemId: z.string().regex(/^fs-[0-9a-z]+$/, "must be a file system id"),
  rootDirectory: z.string().startsWith("/").default("/"),
  transitEncryption: z.boolean().default(true),
  accessPointId: z.string().min(1).optional(),
  /** Mount with the task's role. */
  iam: z.boolean().default(false),
});
export type EfsVolume = z.infer<typeof efsVolume>;

const efs = z.strictObject({
  /** By `namespace/claim`: what a persistentVolumeClaim stands for. */
  claims: z.record(namespaced(2, "namespace/claim"), efsVolume).default({}),
  /** By server name: what an nfs volume's server stands for; its path lies below rootDirectory. */
  servers: z.record(z.string().min(1), efsVolume).default({}),
});

const logs = z.strictObject({
  group: z.string().min(1).default("/gantry/pods"),
  /** That of the tasks by default. */
  region: z.string().min(1).optional(),
  /** Streams are `<prefix>/<container>/<task id>`. A change makes older Pods' logs unreadable. */
  streamPrefix: z
    .string()
    .regex(/^[^/:*]+$/)
    .default("gantry"),
  createGroup: z.boolean().default(false),
  /** A log that is followed is read on for so long after its task stopped: last lines may be late. */
  drainSeconds: z.number().min(0).default(30),
  /** `non-blocking` loses lines when CloudWatch is slow; `blocking` holds the program up. */
  mode: z.enum(["blocking", "non-blocking"]).default("blocking"),
  /** Of non-blocking mode. */
  maxBufferSize: z
    .string()
    .regex(/^[0-9]+[kmg]$/)
    .default("25m"),
});

const seconds = (normal: number): z.ZodDefault<z.ZodNumber> =>
  z.number().positive().default(normal);

const launch = z.strictObject({
  /** How long a Pod may try to start for other reasons than capacity; then it fails. */
  deadlineSeconds: seconds(3600),
  /** A task that stays longer in a phase is stopped, and another is started. */
  provisioningSeconds: seconds(600),
  /** PENDING: the image is pulled here. */
  pendingSeconds: seconds(1800),
  activatingSeconds: seconds(600),
  /** Identical refusals of a template by ECS after which its Pod fails. */
  permanentAttempts: z.int().min(1).default(3),
});

const watch = z.strictObject({
  /** SQS queue of ECS's task events; without one, tasks are polled only. */
  queueUrl: z.url().optional(),
  youngPollSeconds: seconds(5),
  oldPollSeconds: seconds(60),
  /** With events, polling is only a net. */
  safetyPollSeconds: seconds(180),
  maxDescribeCallsPerSecond: seconds(5),
});

const sweep = z.strictObject({
  intervalSeconds: seconds(300),
  /** Younger tasks without a Pod are left alone. */
  minAgeSeconds: seconds(600),
  maxStopsPerSweep: z.int().min(0).default(20),
  /** After an empty or restored store nothing is stopped for so long, only told. */
  dryRunSeconds: z.number().min(0).default(3600),
  /** Task definitions that no Pod used for so long are deregistered. */
  definitionDays: seconds(7),
});

/** A container that ends when all others have: several application containers need it. */
const waiter = z.strictObject({
  image: z.string().min(1),
  entryPoint: z.array(z.string()).min(1).default(["/bin/true"]),
});

export const ecsSettings = z
  .strictObject({
    /** Names this installation in `startedBy`: tasks of another one are never touched. */
    engineId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 letters, digits, - or _"),
    region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-[0-9]+$/, "must be a region"),
    lanes: z.array(laneSettings).min(1),
    lanePolicy: lanePolicy.prefault({}),
    network,
    /** Pulls images, writes logs and reads secrets for the task. */
    executionRoleArn: arn,
    /** By `namespace/serviceAccount`. */
    taskRoles: z.record(namespaced(2, "namespace/serviceAccount"), arn).default({}),
    /** Of service accounts that are not in `taskRoles`. */
    defaultTaskRoleArn: arn.optional(),
    /**
     * Roles that a Pod may ask for itself with the annotation eks.amazonaws.com/role-arn; a
     * trailing `*` stands for anything. None by default: who may create Pods may not choose roles.
     */
    annotationRoles: z.array(z.string().min(1)).default([]),
    /** By `namespace/secret/key`: ARN of a Secrets Manager secret or an SSM parameter. */
    secrets: z.record(namespaced(3, "namespace/secret/key"), arn).default({}),
    /** By `namespace/secret`: the secret that holds a registry's credentials. */
    imagePullSecrets: z.record(namespaced(2, "namespace/secret"), arn).default({}),
    efs: efs.prefault({}),
    logs: logs.prefault({}),
    rates: rateSettings.prefault({}),
    prices: priceSettings.prefault({}),
    launch: launch.prefault({}),
    watch: watch.prefault({}),
    sweep: sweep.prefault({}),
    waiter: waiter.optional(),
    /** How a Pod ends whose program exits with 0 on a Spot reclaim. */
    spotExitZero: z.enum(["Failed", "Succeeded"]).default("Failed"),
    /** Of a grace above ECS's limit: refuse the Pod, or give it the limit with a warning. */
    stopTimeoutPolicy: z.enum(["refuse", "clamp"]).default("refuse"),
    /** hostPath volumes must lie below one of these, and run on EC2. */
    allowedHostPaths: z.array(z.string().startsWith("/")).default([]),
    enableExecuteCommand: z.boolean().default(false),
    /** On each task and definition, e.g. for cost reports. ECS takes 50; some are Gantry's own. */
    tags: z
      .record(z.string().min(1).max(128), z.string().max(256))
      .refine((tags) => Object.keys(tags).length <= 40, "must have at most 40 entries")
      .default({}),
  })
  .superRefine(({ lanes }, context) => {
    for (const [n, { name }] of lanes.entries()) {
      if (lanes.findIndex((lane) => lane.name === name) === n) continue;
      context.addIssue({ code: "custom", path: ["lanes", n, "name"], message: "must be unique" });
    }
  });

/** With all defaults filled in. */
export type EcsSettings = z.infer<typeof ecsSettings>;

/** As an operator writes it. */
export type EcsSettingsFile = z.input<typeof ecsSettings>;

/** Settings that are wrong; the message names each field and what is wrong with it. */
export class EcsSettingsError extends Error {
  override readonly name = "EcsSettingsError";
  /** `path: what is wrong`, each. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("; "));
    this.problems = problems;
  }
}

const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((part, n) =>
      typeof part === "number" ? `[${part}]` : `${n > 0 ? "." : ""}${String(part)}`,
    )
    .join("");

/** Reads parsed JSON. Throws EcsSettingsError. */
export const parseEcsSettings = (value: unknown): EcsSettings => {
  const parsed = ecsSettings.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const { path } = issue;
    // Of a wrong key of a map, what is wrong with it is one level down.
    const inner = issue.code === "invalid_key" ? issue.issues[0]?.message : undefined;
    const message = inner ?? issue.message;
    return path.length === 0 ? message : `${pathText(path)}: ${message}`;
  });
  throw new EcsSettingsError(problems);
};

/** `startedBy` of every task of the installation. */
export const startedBy = ({ engineId }: Pick<EcsSettings, "engineId">): string =>
  `gantry/${engineId}`;
