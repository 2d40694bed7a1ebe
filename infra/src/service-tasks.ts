// What the task definitions of the three services have in common: image, user, disk, log, secrets, health.
import { Duration } from "aws-cdk-lib";
import { Repository } from "aws-cdk-lib/aws-ecr";
import {
  AwsLogDriverMode,
  Capability,
  ContainerImage,
  CpuArchitecture,
  type ContainerDefinition,
  FargateTaskDefinition,
  LinuxParameters,
  LogDrivers,
  OperatingSystemFamily,
  Secret as EcsSecret,
} from "aws-cdk-lib/aws-ecs";
import { Role } from "aws-cdk-lib/aws-iam";
import type { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import type { Config } from "./config.ts";
import { tasksPrincipal } from "./pod-roles.ts";

/** Of the image: user `node`, and the directory it may write (Dockerfile). */
const USER = "1000:1000";
const DATA_DIR = "/var/lib/gantry";

/** The longest that Fargate gives; services hand over and end in a few seconds. */
const STOP_TIMEOUT = Duration.seconds(120);

export interface ServiceTaskProps {
  readonly config: Config;
  /** `api`, `scheduler` or `worker`. */
  readonly part: "api" | "scheduler" | "worker";
  readonly size: { readonly cpu: number; readonly memoryMiB: number };
  readonly command: readonly string[];
  /** Asked from inside the container; an answer below 500 is healthy. */
  readonly healthUrl: string;
  readonly ports: readonly number[];
  readonly logs: LogGroup;
  readonly environment: Readonly<Record<string, string>>;
  /** Environment variables by name. */
  readonly secrets: Readonly<Record<string, Secret>>;
}

/** A task definition with one container. */
export class ServiceTask extends Construct {
  readonly definition: FargateTaskDefinition;
  readonly taskRole: Role;
  readonly container: ContainerDefinition;

  constructor(scope: Construct, id: string, props: ServiceTaskProps) {
    super(scope, id);
    const { config, part, size, logs } = props;
    const assumedBy = tasksPrincipal(this);
    this.taskRole = new Role(this, "TaskRole", { assumedBy, description: `The Gantry ${part}` });
    const executionRole = new Role(this, "ExecutionRole", {
      assumedBy,
      description: `Starts the Gantry ${part}`,
    });
    this.definition = new FargateTaskDefinition(this, "Definition", {
      // Workers may run families that begin with `gantry-`; this must not be one of them.
      family: `service-${config.name}-${part}`,
      cpu: size.cpu,
      memoryLimitMiB: size.memoryMiB,
      taskRole: this.taskRole,
      executionRole,
      runtimePlatform: {
        operatingSystemFamily: OperatingSystemFamily.LINUX,
        cpuArchitecture:
          config.architecture === "ARM64" ? CpuArchitecture.ARM64 : CpuArchitecture.X86_64,
      },
    });
    this.definition.addVolume({ name: "data" });
    const linux = new LinuxParameters(this, "Linux", { initProcessEnabled: true });
    linux.dropCapabilities(Capability.ALL);
    this.container = this.definition.addContainer(part, {
      containerName: part,
      image: imageOf(this, config.image),
      command: [...props.command],
      user: USER,
      readonlyRootFilesystem: true,
      linuxParameters: linux,
      stopTimeout: STOP_TIMEOUT,
      environment: { GANTRY_DATA_DIR: DATA_DIR, ...props.environment },
      secrets: Object.fromEntries(
        Object.entries(props.secrets).map(([name, secret]) => [
          name,
          EcsSecret.fromSecretsManager(secret),
        ]),
      ),
      portMappings: props.ports.map((containerPort) => ({ containerPort })),
      logging: LogDrivers.awsLogs({
        logGroup: logs,
        streamPrefix: "gantry",
        mode: AwsLogDriverMode.BLOCKING,
      }),
      healthCheck: {
        command: ["CMD", "node", "packages/cli/dist/health-check-main.js", props.healthUrl],
        interval: Duration.seconds(30),
        timeout: Duration.seconds(5),
        retries: 3,
        startPeriod: Duration.seconds(60),
      },
    });
    this.container.addMountPoints({
      sourceVolume: "data",
      containerPath: DATA_DIR,
      readOnly: false,
    });
    acknowledge(
      this.definition,
      "AwsSolutions-ECS2",
      "The environment holds addresses and settings; what is secret comes from Secrets Manager.",
    );
    acknowledge(
      executionRole,
      "AwsSolutions-IAM5[Resource::*]",
      "ecr:GetAuthorizationToken takes no resource.",
    );
  }
}

/** Of an ECR repository by its URI, with the right to pull from it; of another registry as it is. */
const imageOf = (scope: Construct, image: string): ContainerImage => {
  const ecr = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\/([^:@]+)[:@](.+)$/.exec(image);
  if (ecr === null) return ContainerImage.fromRegistry(image);
  const [, owner = "", region = "", repositoryName = "", tagOrDigest] = ecr;
  const repository = Repository.fromRepositoryAttributes(scope, "Repository", {
    repositoryArn: `arn:aws:ecr:${region}:${owner}:repository/${repositoryName}`,
    repositoryName,
  });
  return ContainerImage.fromEcrRepository(repository, tagOrDigest);
};
