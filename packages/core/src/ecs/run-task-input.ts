// The inputs of RunTask and RegisterTaskDefinition as plain JSON, so far as Gantry uses them.
// Arrays are mutable because these values are handed to a client whose own types are.

export interface KeyValuePair {
  name: string;
  value: string;
}

export interface Tag {
  key: string;
  value: string;
}

export interface ContainerOverride {
  name: string;
  command?: string[];
  environment?: KeyValuePair[];
  /** CPU shares, 1024 a core. */
  cpu?: number;
  /** MiB: hard limit. */
  memory?: number;
  /** MiB. */
  memoryReservation?: number;
}

export interface TaskOverrides {
  containerOverrides: ContainerOverride[];
  /** CPU units, 1024 a vCPU. */
  cpu?: string;
  /** MiB. */
  memory?: string;
  taskRoleArn?: string;
  ephemeralStorage?: { sizeInGiB: number };
}

export interface RunTaskInput {
  cluster: string;
  /** `family:revision`, never a family alone. */
  taskDefinition: string;
  count: 1;
  /** `<podUID>.<attempt>` */
  clientToken: string;
  startedBy: string;
  launchType?: "FARGATE" | "EC2";
  capacityProviderStrategy?: { capacityProvider: string; weight: number }[];
  platformVersion?: string;
  networkConfiguration: {
    awsvpcConfiguration: {
      subnets: string[];
      securityGroups: string[];
      assignPublicIp?: "ENABLED" | "DISABLED";
    };
  };
  overrides: TaskOverrides;
  enableECSManagedTags: boolean;
  enableExecuteCommand?: boolean;
  propagateTags?: "TASK_DEFINITION";
  tags: Tag[];
}

export interface ContainerDependency {
  containerName: string;
  condition: "START" | "COMPLETE" | "SUCCESS" | "HEALTHY";
}

export interface HealthCheck {
  command: string[];
  /** Seconds. */
  interval: number;
  /** Seconds. */
  timeout: number;
  retries: number;
  /** Seconds. */
  startPeriod?: number;
}

export interface LinuxParameters {
  capabilities?: { add?: string[]; drop?: string[] };
  initProcessEnabled?: boolean;
  /** Size in MiB. */
  tmpfs?: { containerPath: string; size: number; mountOptions?: string[] }[];
}

export interface ContainerDefinition {
  name: string;
  image: string;
  essential: boolean;
  entryPoint?: string[];
  command?: string[];
  environment?: KeyValuePair[];
  secrets?: { name: string; valueFrom: string }[];
  repositoryCredentials?: { credentialsParameter: string };
  workingDirectory?: string;
  user?: string;
  readonlyRootFilesystem?: boolean;
  pseudoTerminal?: boolean;
  interactive?: boolean;
  privileged?: boolean;
  /** MiB, where nothing else says how much memory the container has (EC2). */
  memoryReservation?: number;
  linuxParameters?: LinuxParameters;
  mountPoints?: { sourceVolume: string; containerPath: string; readOnly: boolean }[];
  dependsOn?: ContainerDependency[];
  healthCheck?: HealthCheck;
  /** Seconds. */
  stopTimeout?: number;
  resourceRequirements?: { type: "GPU"; value: string }[];
  logConfiguration: { logDriver: "awslogs"; options: Record<string, string> };
}

export interface DefinitionVolume {
  name: string;
  host?: { sourcePath?: string };
  efsVolumeConfiguration?: {
    fileSystemId: string;
    rootDirectory?: string;
    transitEncryption?: "ENABLED" | "DISABLED";
    authorizationConfig?: { accessPointId?: string; iam?: "ENABLED" | "DISABLED" };
  };
}

/** All that a task definition says, save its family and tags: what its name is derived from. */
export interface TaskDefinitionContent {
  requiresCompatibilities: ("FARGATE" | "EC2")[];
  networkMode: "awsvpc";
  /** CPU units; overridden by each task. */
  cpu?: string;
  /** MiB; overridden by each task. */
  memory?: string;
  executionRoleArn: string;
  runtimePlatform: { cpuArchitecture: "X86_64" | "ARM64"; operatingSystemFamily: "LINUX" };
  pidMode?: "task";
  containerDefinitions: ContainerDefinition[];
  volumes?: DefinitionVolume[];
}

export interface RegisterTaskDefinitionInput extends TaskDefinitionContent {
  family: string;
  tags: Tag[];
}
