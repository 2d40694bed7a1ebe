// The settings of the ecs runtime, rendered from what this app has made; checked by the runtime's own schema.
import { type EcsSettingsFile, parseEcsSettings } from "@gantry/core";
import { type Config, ConfigError } from "./config.ts";

/** What only the deployment knows. */
export interface Deployed {
  readonly clusterName: string;
  readonly ec2Provider: string | undefined;
  readonly subnets: readonly { readonly id: string; readonly zone: string }[];
  readonly securityGroup: string;
  readonly executionRoleArn: string;
  readonly taskRoleArn: string;
  readonly logGroup: string;
  readonly queueUrl: string;
}

export const renderEcsSettings = (config: Config, deployed: Deployed): EcsSettingsFile => {
  const { pods, region, name } = config;
  const given = pods.settings as Partial<EcsSettingsFile>;
  const arch = pods.architecture === "ARM64" ? ("arm64" as const) : ("amd64" as const);
  const lane = (laneName: string, capacityProvider: string) => ({
    name: laneName,
    cluster: deployed.clusterName,
    capacityProvider,
    arch,
  });
  return {
    ...given,
    engineId: name,
    region,
    lanes: [
      lane("fargate", "FARGATE"),
      ...(pods.spot ? [lane("fargate-spot", "FARGATE_SPOT")] : []),
      ...(deployed.ec2Provider === undefined ? [] : [lane("ec2", deployed.ec2Provider)]),
    ],
    lanePolicy: { preferSpot: pods.spot, ...given.lanePolicy },
    network: {
      subnets: deployed.subnets.map(({ id, zone }) => ({ id, zone })),
      securityGroups: [deployed.securityGroup],
      assignPublicIp: false,
    },
    executionRoleArn: deployed.executionRoleArn,
    defaultTaskRoleArn: deployed.taskRoleArn,
    logs: { ...given.logs, group: deployed.logGroup, region, createGroup: false },
    watch: { ...given.watch, queueUrl: deployed.queueUrl },
  };
};

/** What `pods.settings` may not say, since it follows from what is deployed. */
const OWN = ["engineId", "region", "lanes", "network", "executionRoleArn", "defaultTaskRoleArn"];

/** Checks `pods.settings` before anything is deployed. Throws ConfigError. */
export const checkEcsSettings = (config: Config): void => {
  const own = OWN.filter((field) => field in config.pods.settings);
  if (own.length > 0) throw new ConfigError(`pods.settings: ${own.join(", ")} can't be set here`);
  const arn = `arn:aws:iam::${config.account}:role/${config.name}`;
  const ec2Provider = config.pods.ec2 === undefined ? undefined : `${config.name}-ec2`;
  const rendered = renderEcsSettings(config, {
    clusterName: config.name,
    ec2Provider,
    subnets: [{ id: "subnet-0", zone: "zone" }],
    securityGroup: "sg-0",
    executionRoleArn: arn,
    taskRoleArn: arn,
    logGroup: "/gantry/pods",
    queueUrl: "https://sqs.invalid/queue",
  });
  try {
    parseEcsSettings(rendered);
  } catch (error) {
    throw new ConfigError(`pods.settings: ${error instanceof Error ? error.message : ""}`);
  }
};
